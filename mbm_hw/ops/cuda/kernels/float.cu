// Products of a float format, added to a float32 accumulator one after another.
#include "float_arithmetic.h"
#include "geometry.h"

namespace mbm_hw {

struct FloatSpec {
  static constexpr int kExponentBits = MBM_HW_EXPONENT_BITS, kMantissaBits = MBM_HW_MANTISSA_BITS;
  static constexpr int kTruncation = MBM_HW_TRUNCATION;
  static constexpr bool kForced = MBM_HW_FORCED, kExact = MBM_HW_EXACT;
  static constexpr uint32_t kCorrection = MBM_HW_CORRECTION;
  static constexpr uint32_t kCorrectionWithCarry = MBM_HW_CORRECTION_WITH_CARRY;
};

struct FloatProducts {
  using Code = float;
  using Sum = float;
  using X = uint32_t;
  using W = uint32_t;
  using XValue = uint32_t;
  using WValue = uint32_t;
  using Total = float;
  static constexpr int kSharedBytes = 0, kFlushTerms = 0, kUnroll = 1;

  __device__ FloatProducts(const int32_t*, unsigned char*) {}
  __device__ X x_operand(Code code) const { return float_operand<FloatSpec>(bits_of(code)); }
  __device__ W w_operand(Code code) const { return float_operand<FloatSpec>(bits_of(code)); }
  __device__ XValue x_value(X x) const { return x; }
  __device__ WValue w_value(W w) const { return w; }
  static __device__ void start(Total& total) { total = 0; }
  __device__ void add(Total& total, XValue x, WValue w) const {
    total = __fadd_rn(total, float_of(float_product<FloatSpec>(x, w)));
  }
  static __device__ void flush(Total&) {}
  // A NaN's sign and payload would depend on the machine.
  __device__ Sum sum(const Total& total) const {
    return total == total ? total : float_of(kFloatQuietNan);
  }
};

}  // namespace mbm_hw

#define MBM_HW_PRODUCTS FloatProducts
#include "convolution_kernel.h"
