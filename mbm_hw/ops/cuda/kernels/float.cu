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

struct FloatProducts {
  using Code = float;
  using Sum = float;
  using X = uint32_t;
  using W = uint32_t;
  using Total = float;
  static constexpr int kSharedBytes = 0, kFlushTerms = 0, kUnroll = 1;
  static constexpr float kAbsentWeight = 1;
  static constexpr bool kHasPlain = Short::kExists, kHasCorner = false;
  static constexpr int kPlainUnroll = 2;

  struct XValue {
    uint32_t pattern;
    float nonzero;
    uint32_t mantissa;
    float power;
  };
  struct WValue {
    uint32_t pattern;
    uint32_t corner;   // a mantissa of x from here on meets the corner: no correction
    float correction;  // c * 2**kb
  };

  __device__ FloatProducts(const int32_t*, unsigned char*) {}
  __device__ X x_operand(Code code) const { return float_operand<FloatSpec>(bits_of(code)); }
  __device__ W w_operand(Code code) const { return float_operand<FloatSpec>(bits_of(code)); }
  static __device__ void start(Total& total) { total = 0; }
  static __device__ void flush(Total&) {}

  static __device__ bool is_plain_x(X x) {
    const uint32_t magnitude = x & ~kFloatSign;
    return magnitude == 0 || magnitude - Short::kLeast < Short::kEndX - Short::kLeast;
  }
  static __device__ bool is_plain_w(W w) {
    const uint32_t magnitude = w & ~kFloatSign;
    return (magnitude == 0 && (Short::kScaled || FloatSpec::kExact)) ||
           magnitude - Short::kLeast < Short::kEndW - Short::kLeast;
  }

  __device__ X x_value(X x) const { return x; }
  __device__ W w_value(W w) const { return w; }
  __device__ void add(Total& total, X x, W w) const {
    const uint32_t product = float_product<FloatSpec>(x, w);
    const uint32_t magnitude = product & ~kFloatSign;
    const bool is_scaled = magnitude != 0 && magnitude < kFloatInfinity;
    total = __fadd_rn(total, float_of(is_scaled ? product + Short::kScale : product));
  }

  __device__ XValue plain_x_value(X x) const {
    if constexpr (FloatSpec::kExact) return {x};
    const bool zero = (x & ~kFloatSign) == 0;
    const uint32_t pattern = zero ? Short::kZero : x;
    return {pattern, zero ? 0.0f : 1.0f, pattern & kFloatMantissa,
            float_of(pattern & ~kFloatMantissa)};
  }
  __device__ WValue plain_w_value(W w) const {
    if constexpr (FloatSpec::kExact) {
      return {(w & ~kFloatSign) == 0 ? w : w + Short::kScale};
    }
    constexpr uint32_t offset = Short::kScale - (127u << 23);
    constexpr uint32_t halved = FloatSpec::kCorrectionWithCarry << Short::kDropped;
    // A bit less than the constant: where the fused multiply-add would round a tie, down.
    const float constant =
        float(int32_t(FloatSpec::kCorrection << Short::kDropped)) * (1.0f / kFloatOne);
    const uint32_t pattern = (w & ~kFloatSign) == 0 ? Short::kZero : w;
    return {pattern + offset, 2 * kFloatOne - halved - (pattern & kFloatMantissa),
            float_of((pattern & ~kFloatMantissa) + (bits_of(constant) - 1) + offset)};
  }
  __device__ void add_plain(Total& total, const XValue& x, const WValue& w) const {
    if constexpr (FloatSpec::kExact) {
      uint32_t product = bits_of(__fmul_rn(float_of(x.pattern), float_of(w.pattern)));
      if constexpr (Short::kDropped > 0) {
        constexpr uint32_t below_half = ((1u << Short::kDropped) >> 1) - 1;
        product = (product + (product >> Short::kDropped & 1) + below_half) & Short::kGrid;
      }
      if (!Short::kScaled || (product & 1u << 30)) total = __fadd_rn(total, float_of(product));
    } else {
      float product = float_of(x.pattern + w.pattern);
      if constexpr (Short::kCorrected) {
        if (x.mantissa < w.corner) product = __fmaf_rn(x.power, w.correction, product);
      }
      if constexpr (Short::kFloors) product = float_of(bits_of(product) & Short::kGrid);
      if constexpr (Short::kScaled) {
        if (bits_of(product) & 1u << 30) total = __fadd_rn(total, product);
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
