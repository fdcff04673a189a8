// Products of a float format, added to a float32 accumulator one after another.
//
// Products of finite numbers that cannot overflow take few instructions, others the multiplier's
// steps: a panel is plain if all of its products may go the short way. There, the pattern of
// Mitchell's product is the sum of the operands' patterns less that of 1.0. MBM's is that, as a
// float, plus c * 2**(ka + kb), with and without a carry: a fused multiply-add, whose rounding is
// the multiplier's halving. A zero operand must leave the sum as it is, see Short.
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

// The short way, for a format.
struct Short {
  using Format = FloatFormat<FloatSpec::kExponentBits, FloatSpec::kMantissaBits>;
  static constexpr int kBias = (1 << (FloatSpec::kExponentBits - 1)) - 1;
  static constexpr int kDropped = Format::kDropped;
  static constexpr bool kCorrected = FloatSpec::kCorrection != 0;
  // A correction that is not halved exactly, or a product that two roundings could spoil.
  static constexpr bool kExists =
      FloatSpec::kExact ? kDropped == 0 || kDropped >= 12
                        : FloatSpec::kCorrection == 2 * FloatSpec::kCorrectionWithCarry;

  // Formats of up to 6 exponent bits: sums are scaled by 2**bias, so that products that underflow
  // are those without bit 30, and so are those of zeros, which are 2**-63. Others: numbers with
  // exponents in the middle, whose products do not underflow; zeros are 1.0, and a factor of 0
  // keeps them out of the sum. A zero weight is not plain then.
  static constexpr bool kScaled = FloatSpec::kExponentBits <= 6;
  static constexpr uint32_t kScale = kScaled ? uint32_t(kBias) << 23 : 0;
  static constexpr uint32_t kLeast = kScaled ? Format::kSmallest : 96u << 23;
  static constexpr uint32_t kEndX = kScaled ? uint32_t(128 + kBias / 2) << 23 : 159u << 23;
  static constexpr uint32_t kEndW =
      kScaled ? uint32_t(127 + kBias - kBias / 2) << 23 : 159u << 23;
  static constexpr uint32_t kZero = kScaled ? 64u << 23 : 127u << 23;

  static constexpr uint32_t kGrid = ~0u << kDropped;
  // Whether a halved mantissa may lie off the format's grid.
  static constexpr bool kFloors =
      kDropped > 0 && kCorrected &&
      !((FloatSpec::kTruncation > 0 || FloatSpec::kForced) &&
        !((FloatSpec::kCorrection << kDropped) >> kDropped & 1));
};

// sum += x * w if a < b, held back by a predicate: the compiler would select with an instruction more.
__device__ __forceinline__ void add_product_if_below(float& sum, float x, float w, uint32_t a,
                                                     uint32_t b) {
#ifdef __CUDACC_RTC__
  asm("{ .reg .pred below; setp.lt.u32 below, %3, %4; @below fma.rn.f32 %0, %1, %2, %0; }"
      : "+f"(sum)
      : "f"(x), "f"(w), "r"(a), "r"(b));
#else
  if (a < b) sum = __fmaf_rn(x, w, sum);
#endif
}

// sum += x if x is 2 or more in size: if it has bit 30.
__device__ __forceinline__ void add_if_two(float& sum, float x) {
#ifdef __CUDACC_RTC__
  asm("{ .reg .pred large; .reg .f32 size; abs.f32 size, %1; setp.ge.f32 large, size, 0f40000000;"
      " @large add.rn.f32 %0, %0, %1; }"
      : "+f"(sum)
      : "f"(x));
#else
  if (bits_of(x) & 1u << 30) sum = __fadd_rn(sum, x);
#endif
}

// Operands. A zero's pattern is kZero: nonzero() keeps its products out of a plain panel's sums, or
// where sums are scaled, their missing bit 30.
struct Pattern {
  uint32_t pattern;

  static __device__ Pattern of(uint32_t pattern, bool) { return {pattern}; }
  __device__ float nonzero() const { return 1; }
  __device__ bool is_zero() const { return pattern == Short::kZero; }
  template <bool corners, class X>
  __device__ void correct(float&, const X&) const {}
};
struct __align__(8) MaskedPattern {
  uint32_t pattern;
  float mask;

  static __device__ MaskedPattern of(uint32_t pattern, bool is_zero) {
    return {pattern, is_zero ? 0.0f : 1.0f};
  }
  __device__ float nonzero() const { return mask; }
  __device__ bool is_zero() const { return mask == 0; }
};
struct __align__(16) CorrectedPattern {
  uint32_t pattern;
  uint32_t corner;   // a mantissa of x from here on meets the corner: no correction
  float correction;  // c * 2**kb

  static __device__ CorrectedPattern of(uint32_t offset_pattern, uint32_t pattern) {
    constexpr uint32_t halved = FloatSpec::kCorrectionWithCarry << Short::kDropped;
    // A bit less than the constant: where the fused multiply-add would round a tie, down.
    const float constant =
        float(int32_t(FloatSpec::kCorrection << Short::kDropped)) * (1.0f / kFloatOne);
    const uint32_t power = offset_pattern - (pattern & kFloatMantissa);
    const uint32_t corner = 2 * kFloatOne - halved - (pattern & kFloatMantissa);
    return {offset_pattern, corner < kFloatOne ? corner : kFloatOne,
            float_of(power + (bits_of(constant) - 1))};
  }
  template <bool corners, class X>
  __device__ void correct(float& product, const X& x) const {
    if constexpr (corners) {
      add_product_if_below(product, x.power, correction, x.pattern & kFloatMantissa, corner);
    } else {
      product = __fmaf_rn(x.power, correction, product);
    }
  }
};
template <bool first, class A, class B>
struct Choice {
  using Type = A;
};
template <class A, class B>
struct Choice<false, A, B> {
  using Type = B;
};

struct FloatProducts {
  using Code = float;
  using Sum = float;
  using X = Choice<FloatSpec::kExact || Short::kScaled, Pattern, MaskedPattern>::Type;
  using W = Choice<Short::kCorrected && !FloatSpec::kExact, CorrectedPattern, Pattern>::Type;
  using Total = float;
  static constexpr int kSharedBytes = 0, kFlushTerms = 0, kUnroll = 1;
  static constexpr float kAbsentWeight = 1;
  static constexpr bool kHasPlain = Short::kExists, kHasCorner = false;
  static constexpr int kPlainUnroll = 2;
  // Added to weights' patterns, so that products need no more than to be added up.
  static constexpr uint32_t kOffset =
      Short::kScale - (FloatSpec::kExact ? 0 : kHasPlain ? 127u << 23 : 0);

  struct XValue {
    uint32_t pattern;
    float nonzero;
    float power;
  };

  __device__ FloatProducts(const int32_t*, unsigned char*) {}
  static __device__ bool is_zero(uint32_t pattern) { return (pattern & ~kFloatSign) == 0; }
  __device__ X x_operand(Code code) const {
    const uint32_t raw = float_operand<FloatSpec>(bits_of(code));
    const bool zero = !FloatSpec::kExact && is_zero(raw);
    return X::of(zero ? Short::kZero : raw, zero);
  }
  __device__ W w_operand(Code code) const {
    const uint32_t raw = float_operand<FloatSpec>(bits_of(code));
    if (FloatSpec::kExact) return W::of(is_zero(raw) ? raw : raw + kOffset, 0);
    const uint32_t pattern = !is_zero(raw) ? raw : Short::kScaled ? Short::kZero : 0;
    return W::of(pattern + kOffset, pattern);
  }
  static __device__ void start(Total& total) { total = 0; }
  static __device__ void flush(Total&) {}

  // The multiplier's operands; a zero's sign is lost, and of no consequence.
  __device__ uint32_t x_value(const X& x) const {
    return !FloatSpec::kExact && x.is_zero() ? 0 : x.pattern;
  }
  __device__ uint32_t w_value(const W& w) const {
    if constexpr (FloatSpec::kExact) return is_zero(w.pattern) ? w.pattern : w.pattern - kOffset;
    const uint32_t pattern = w.pattern - kOffset;
    return Short::kScaled && pattern == Short::kZero ? 0 : pattern;
  }
  __device__ bool is_plain_x(const X& x) const {
    const uint32_t magnitude = x_value(x) & ~kFloatSign;
    return magnitude == 0 || magnitude - Short::kLeast < Short::kEndX - Short::kLeast;
  }
  __device__ bool is_plain_w(const W& w) const {
    const uint32_t magnitude = w_value(w) & ~kFloatSign;
    return (magnitude == 0 && (Short::kScaled || FloatSpec::kExact)) ||
           magnitude - Short::kLeast < Short::kEndW - Short::kLeast;
  }

  __device__ void add(Total& total, uint32_t x, uint32_t w) const {
    const uint32_t product = float_product<FloatSpec>(x, w);
    const uint32_t magnitude = product & ~kFloatSign;
    const bool is_scaled = magnitude != 0 && magnitude < kFloatInfinity;
    total = __fadd_rn(total, float_of(is_scaled ? product + Short::kScale : product));
  }

  __device__ XValue plain_x_value(const X& x) const {
    return {x.pattern, x.nonzero(), float_of(x.pattern & ~kFloatMantissa)};
  }
  __device__ W plain_w_value(const W& w) const { return w; }
  static constexpr bool kSplitsPlain = Short::kCorrected && !Short::kScaled;
  static __device__ bool may_meet_corner(uint32_t least) { return least < kFloatOne; }
  template <bool corners>
  __device__ void add_plain(Total& total, const XValue& x, const W& w) const {
    if constexpr (FloatSpec::kExact) {
      uint32_t product = bits_of(__fmul_rn(float_of(x.pattern), float_of(w.pattern)));
      if constexpr (Short::kDropped > 0) {
        constexpr uint32_t below_half = ((1u << Short::kDropped) >> 1) - 1;
        product = (product + (product >> Short::kDropped & 1) + below_half) & Short::kGrid;
      }
      if constexpr (Short::kScaled) {
        add_if_two(total, float_of(product));
      } else {
        total = __fadd_rn(total, float_of(product));
      }
    } else {
      float product = float_of(x.pattern + w.pattern);
      w.template correct<corners>(product, x);
      if constexpr (Short::kFloors) product = float_of(bits_of(product) & Short::kGrid);
      if constexpr (Short::kScaled) {
        add_if_two(total, product);
      } else {
        total = __fmaf_rn(product, x.nonzero, total);
      }
    }
  }

  // A NaN's sign and payload would depend on the machine.
  __device__ Sum sum(const Total& total) const {
    if (total != total) return float_of(kFloatQuietNan);
    return __fmul_rn(total, float_of((127u << 23) - Short::kScale));
  }
};

}  // namespace mbm_hw

#define MBM_HW_PRODUCTS FloatProducts
#include "convolution_kernel.h"
