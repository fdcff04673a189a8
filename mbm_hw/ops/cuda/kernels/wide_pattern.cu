// Mitchell's and MBM's products of codes of 9 to 16 bits by patterns of doubles, whose upper words
// hold an operand: an integer addition of upper words makes Mitchell's product, a double addition
// sums it. MBM's correction, 2**(ka + kb) times a constant, is a fused multiply-add.
//
// The sum is kept at an offset where a double's last bit is 1, so that adding rounds to an integer.
// Without truncation a product is an integer but for the correction. With it there are the operands'
// forced bits behind the point, where neither loses any others: together at most a half, which is
// rounded down since products' patterns are 1 less. What is still missing are the corners' products,
// of operands whose characteristics sum up to at most 5, and of the largest unsigned ones, whose
// correction would overflow: see add_corner.
#include "geometry.h"
#include "log_spec.h"

namespace mbm_hw {

constexpr uint32_t kSign = 1u << 31, kExponent = 0xFFF00000, kUpperOfOne = 1023u << 20;
constexpr uint32_t kUpperOfZero = 823u << 20;  // 2**-200: its products vanish in sums
constexpr double kOffset = 3.0 * (1ull << 51);

__device__ inline double with_upper(uint32_t upper, int lower = 0) {
  return __hiloint2double(int(upper), lower);
}

struct Corrections {
  static constexpr int kWithout = LogSpec::kCorrection, kWith = LogSpec::kCorrectionWithCarry;
  static constexpr bool kExist = kWithout != 0, kHalved = kWithout == 2 * kWith;
  // A bit less than the constant: a correction of a half and something is rounded down.
  static constexpr double kConstant =
      double(kWithout) / (1u << (LogSpec::kWidth - 1)) * (1.0 - 1.0 / (1ull << 40));
};

// Two operands meet a corner only if their keys sum up to at most kCornerEnd: characteristics up to
// that, or a low key, of those whose correction may overflow.
constexpr int kCornerEnd = 5, kNoKey = 64, kOverflowKey = -32;

__device__ inline int32_t key_of(uint32_t upper) {
  // 2**(width - 1) and 15/16: the correction of a product that carries is less than the rest.
  constexpr uint32_t largest = (1022u + LogSpec::kWidth) << 20 | 15u << 16;
  const uint32_t magnitude = upper & ~kSign;
  if (Corrections::kExist && magnitude >= largest) return kOverflowKey;
  const auto characteristic = int32_t(magnitude >> 20) - 1023;
  return characteristic < 0 || characteristic > kCornerEnd ? kNoKey : characteristic;
}

// Operands, of an upper word less an offset.
struct WidePattern {
  uint32_t upper;

  static __device__ WidePattern of(uint32_t upper, uint32_t offset) { return {upper - offset}; }
  __device__ double correction() const { return 0; }
};
struct __align__(8) KeyedPattern {
  uint32_t upper;
  int32_t key;

  static __device__ KeyedPattern of(uint32_t upper, uint32_t offset) {
    return {upper - offset, key_of(upper)};
  }
};
struct __align__(16) CorrectedPattern {
  uint32_t upper;
  int32_t key;
  int32_t power_lower, power_upper;  // of 2**kb, times the constant

  static __device__ CorrectedPattern of(uint32_t upper, uint32_t offset) {
    const double power = __dmul_rn(with_upper(upper & kExponent), Corrections::kConstant);
    return {upper - offset, key_of(upper), __double2loint(power), __double2hiint(power)};
  }
  __device__ double correction() const { return __hiloint2double(power_upper, power_lower); }
};

template <bool has_corner>
struct WideOperands {
  using X = KeyedPattern;
  using W = CorrectedPattern;
};
template <>
struct WideOperands<false> {
  using X = WidePattern;
  using W = WidePattern;
};

struct WidePatternProducts {
  static constexpr bool kTruncates = LogSpec::kTruncation > 0;
  static constexpr bool kHasCorner = LogSpec::kSmallCharacteristic >= 0;
  static constexpr uint32_t kOffsetOfX = kUpperOfOne + (kTruncates ? 1 : 0);

  using Code = MBM_HW_CODE;
  using Sum = int64_t;
  using X = WideOperands<kHasCorner>::X;
  using W = WideOperands<kHasCorner>::W;
  static constexpr int kSharedBytes = 0, kFlushTerms = 0, kUnroll = 2;
  static constexpr int kAbsentWeight = 0, kPlainUnroll = 0;
  static constexpr bool kHasPlain = false;
  using Total = double;
  struct Value {
    uint32_t upper;
    double power;  // of x: 2**ka. Of w: the correction
  };

  __device__ WidePatternProducts(const int32_t*, unsigned char*) {}

  static __device__ uint32_t upper_of(Code code) {
    constexpr int dropped = 21 - LogSpec::kWidth + LogSpec::kTruncation;
    if (code == 0) return kUpperOfZero;
    const auto upper = uint32_t(__double2hiint(double(code)));
    return kTruncates ? (upper & (~0u << dropped)) | 1u << dropped : upper;
  }
  __device__ X x_operand(Code code) const { return X::of(upper_of(code), kOffsetOfX); }
  __device__ W w_operand(Code code) const { return W::of(upper_of(code), 0); }
  __device__ Value x_value(const X& x) const {
    return {x.upper, with_upper((x.upper + kOffsetOfX) & kExponent)};
  }
  __device__ Value w_value(const W& w) const { return {w.upper, w.correction()}; }
  static __device__ void start(Total& total) { total = kOffset; }
  __device__ void add(Total& total, const Value& x, const Value& w) const {
    total = __dadd_rn(total, with_upper(x.upper + w.upper, kTruncates ? -1 : 0));
    if constexpr (Corrections::kExist) total = __fma_rn(x.power, w.power, total);
    if constexpr (!Corrections::kHalved) {
      constexpr int more = 2 * Corrections::kWith - Corrections::kWithout;
      const double power = __dmul_rn(w.power, double(more) / Corrections::kWithout);
      if (carries(x.upper + kOffsetOfX, w.upper)) total = __fma_rn(x.power, power, total);
    }
  }
  static __device__ void flush(Total&) {}
  __device__ Sum sum(const Total& total) const {
    return __double2ll_rn(__dadd_rn(total, -kOffset));
  }

  static constexpr int kCornerEnd = mbm_hw::kCornerEnd;
  template <class Operand>
  static __device__ int corner_key(const Operand& operand) {
    return operand.key;
  }
  __device__ void add_corner(Total& total, const X& x, const W& w) const {
    Total alone = kOffset;
    add(alone, x_value(x), w_value(w));
    const int64_t product =
        log_product<LogSpec>(log2_of_upper(x.upper + kOffsetOfX), log2_of_upper(w.upper));
    total = __dadd_rn(total, double(product - sum(alone)));
  }

 private:
  static __device__ bool carries(uint32_t x, uint32_t w) {
    return (x & ~kExponent) + (w & ~kExponent) > ~kExponent;
  }
  // The log2 that `log2_of` makes of a code, from its upper word.
  static __device__ uint32_t log2_of_upper(uint32_t upper) {
    const uint32_t magnitude = (upper & ~kSign) - kUpperOfOne;
    return magnitude >> (21 - LogSpec::kWidth) | (upper & kSign);
  }
};

}  // namespace mbm_hw

#define MBM_HW_PRODUCTS WidePatternProducts
#include "convolution_kernel.h"
