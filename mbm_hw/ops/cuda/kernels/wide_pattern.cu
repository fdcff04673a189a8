// Mitchell's and MBM's products of signed codes of 9 to 16 bits by patterns of doubles, whose upper
// words hold an operand: an integer addition of upper words makes Mitchell's product, a double
// addition sums it. MBM's correction, 2**(ka + kb) times a constant, is a fused multiply-add.
//
// The sum is kept at an offset where a double's last bit is 1, so that adding rounds to an integer.
// Without truncation a product is an integer but for the correction. With it there are the operands'
// forced bits behind the point, where neither loses any others: together at most a half, which is
// rounded down since products' patterns are 1 less. What is still missing are the corner's products,
// of operands whose characteristics sum up to at most 5: see add_corner.
#include "geometry.h"
#include "log_spec.h"

namespace mbm_hw {

static_assert(LogSpec::kCorrection == 2 * LogSpec::kCorrectionWithCarry);

constexpr uint32_t kSign = 1u << 31, kExponent = 0xFFF00000, kUpperOfOne = 1023u << 20;
constexpr uint32_t kUpperOfZero = 823u << 20;  // 2**-200: its products vanish in sums
constexpr double kOffset = 3.0 * (1ull << 51);

struct WidePatternProducts {
  using Code = MBM_HW_CODE;
  using Sum = int64_t;
  using X = uint32_t;
  using W = uint32_t;
  static constexpr int kSharedBytes = 0, kFlushTerms = 1 << 19, kUnroll = 1;
  static constexpr int kAbsentWeight = 0, kPlainUnroll = 0;
  static constexpr bool kHasPlain = false;
  static constexpr bool kCorrected = LogSpec::kCorrection != 0;
  static constexpr bool kTruncates = LogSpec::kTruncation > 0;
  struct Total {
    double near;
    int64_t sum;
  };
  struct Value {
    uint32_t upper;
    double power;
  };

  __device__ WidePatternProducts(const int32_t*, unsigned char*) {}

  static __device__ double with_upper(uint32_t upper) { return __hiloint2double(int(upper), 0); }
  static __device__ uint32_t operand(Code code) {
    constexpr int dropped = 21 - LogSpec::kWidth + LogSpec::kTruncation;
    if (code == 0) return kUpperOfZero;
    const auto upper = uint32_t(__double2hiint(double(code)));
    return kTruncates ? (upper & (~0u << dropped)) | 1u << dropped : upper;
  }
  __device__ X x_operand(Code code) const { return operand(code); }
  __device__ W w_operand(Code code) const { return operand(code); }
  __device__ Value x_value(X x) const {
    return {x - kUpperOfOne - (kTruncates ? 1 : 0), with_upper(x & kExponent)};
  }
  __device__ Value w_value(W w) const {
    // A bit less than the constant: a correction of a half and something is rounded down.
    constexpr double constant = double(LogSpec::kCorrection) / (1u << (LogSpec::kWidth - 1)) *
                                (1.0 - 1.0 / (1ull << 40));
    return {w, __dmul_rn(with_upper(w & kExponent), constant)};
  }
  static __device__ void start(Total& total) { total = {kOffset, 0}; }
  __device__ void add(Total& total, const Value& x, const Value& w) const {
    const auto product = __hiloint2double(int(x.upper + w.upper), kTruncates ? -1 : 0);
    total.near = __dadd_rn(total.near, product);
    if constexpr (kCorrected) total.near = __fma_rn(x.power, w.power, total.near);
  }
  static __device__ void flush(Total& total) {
    total.sum += __double2ll_rn(__dadd_rn(total.near, -kOffset));
    total.near = kOffset;
  }
  __device__ Sum sum(const Total& total) const { return total.sum; }

  // Operands that may meet the corner have keys below kCornerEnd: magnitudes from 1 to 63.
  static constexpr bool kHasCorner = LogSpec::kSmallCharacteristic >= 0;
  static constexpr uint32_t kCornerEnd = (6u << 20) * 2;
  static __device__ uint32_t corner_key(uint32_t operand) { return 2 * operand - 2 * kUpperOfOne; }
  __device__ void add_corner(Total& total, X x, W w) const {
    const int characteristics = int(corner_key(x) >> 21) + int(corner_key(w) >> 21);
    if (characteristics > 5) return;
    Total alone = {kOffset, 0};
    add(alone, x_value(x), w_value(w));
    flush(alone);
    const int64_t product = log_product<LogSpec>(log2_of_pattern(x), log2_of_pattern(w));
    total.near = __dadd_rn(total.near, double(product - alone.sum));
  }

 private:
  // The log2 that `log2_of` makes of a code, from its operand.
  static __device__ uint32_t log2_of_pattern(uint32_t operand) {
    const uint32_t magnitude = (operand & ~kSign) - kUpperOfOne;
    return magnitude >> (21 - LogSpec::kWidth) | (operand & kSign);
  }
};

}  // namespace mbm_hw

#define MBM_HW_PRODUCTS WidePatternProducts
#include "convolution_kernel.h"
