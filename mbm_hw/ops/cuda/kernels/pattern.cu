// Mitchell's products of codes of up to 8 bits by floating-point patterns: an integer addition makes
// the product, a float addition sums it. The bit pattern of Mitchell's product of two floats is the
// integer sum of their patterns less that of 1.0. Code 0 is 2**-60: its products vanish in sums.
//
// Products are integers, MBM_HW_FLUSH_TERMS of which a float sums exactly.
#include "geometry.h"

namespace mbm_hw {

constexpr uint32_t kPatternOfOne = 0x3F800000, kPatternOfZero = 67u << 23;  // 2**-60

struct PatternProducts {
  using Code = MBM_HW_CODE;
  using Sum = MBM_HW_SUM;
  using X = uint32_t;
  using W = uint32_t;
  static constexpr int kSharedBytes = 0, kFlushTerms = MBM_HW_FLUSH_TERMS, kUnroll = 4;
  static constexpr int kAbsentWeight = 0, kPlainUnroll = 0;
  static constexpr bool kHasPlain = false, kHasCorner = false;
  struct Total {
    float near;
    Sum sum;
  };

  __device__ PatternProducts(const int32_t*, unsigned char*) {}
  static __device__ uint32_t pattern(Code code) {
    return code == 0 ? kPatternOfZero : bits_of(float(code));
  }
  __device__ X x_operand(Code code) const { return pattern(code) - kPatternOfOne; }
  __device__ W w_operand(Code code) const { return pattern(code); }
  __device__ X x_value(X x) const { return x; }
  __device__ W w_value(W w) const { return w; }
  static __device__ void start(Total& total) { total = {0.0f, 0}; }
  __device__ void add(Total& total, X x, W w) const {
    total.near = __fadd_rn(total.near, float_of(x + w));
  }
  static __device__ void flush(Total& total) {
    total.sum += __float2int_rn(total.near);
    total.near = 0;
  }
  __device__ Sum sum(const Total& total) const { return total.sum; }
};

}  // namespace mbm_hw

#define MBM_HW_PRODUCTS PatternProducts
#include "convolution_kernel.h"
