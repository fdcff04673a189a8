// Products of float formats, bit for bit as mbm_hw/multipliers/log.py has them, widened to float32.
//
// A format's value widened to float32 keeps its mantissa in the top bits, and 127 - bias is added to
// its exponent field: the format's steps, on a grid of 23 bits. A spec is a type with kExponentBits,
// kMantissaBits, kTruncation, kForced, kCorrection and kCorrectionWithCarry (in units of
// 2**-kMantissaBits), kExact.
#pragma once

#include "types.h"

namespace mbm_hw {

constexpr uint32_t kFloatSign = 1u << 31, kFloatOne = 1u << 23, kFloatMantissa = kFloatOne - 1;
constexpr uint32_t kFloatInfinity = 0xFFu << 23, kFloatQuietNan = kFloatInfinity | 1u << 22;

// Where a format lies in float32. Without the sign, normal numbers are kSmallest to below kOverflow.
template <int exponent_bits, int mantissa_bits>
struct FloatFormat {
  static constexpr int kDropped = 23 - mantissa_bits;
  static constexpr uint32_t kSmallest = uint32_t(129 - (1 << (exponent_bits - 1))) << 23;
  static constexpr uint32_t kOverflow = uint32_t(127 + (1 << (exponent_bits - 1))) << 23;
  static constexpr uint32_t kLower = (1u << kDropped) - 1;

  // Whether the pattern is a value of the format; its subnormal numbers are.
  static MBM_HW_INLINE bool holds(uint32_t pattern) {
    const uint32_t magnitude = pattern & ~kFloatSign;
    if (magnitude >= kFloatInfinity) return true;
    if (magnitude >= kOverflow) return false;
    if (magnitude >= kSmallest || kSmallest == kFloatOne) return !(magnitude & kLower);
    // A subnormal number: a multiple of the format's least one, 2**(23 - dropped) below kSmallest.
    const uint32_t field = magnitude >> 23;
    if (magnitude == 0) return true;
    if (field == 0) return false;
    const uint32_t shift = kDropped + (kSmallest >> 23) - field;
    return shift <= 23 && !((magnitude & kFloatMantissa) & ((1u << shift) - 1));
  }

  // The nearest of the format's values, ties to even, as if the exponent had no bounds; then
  // infinity and zero, each with its sign. NaN becomes the quiet NaN.
  static MBM_HW_INLINE uint32_t round(uint32_t pattern) {
    // Half a step below kSmallest already rounds to it. Where that is among float32's own subnormal
    // numbers, it takes half as many patterns.
    constexpr uint32_t step = 1u << kDropped;
    constexpr uint32_t least = kSmallest - (kSmallest == kFloatOne ? step / 4 : step / 2);
    const uint32_t magnitude = pattern & ~kFloatSign, sign = pattern & kFloatSign;
    if (magnitude > kFloatInfinity) return kFloatQuietNan | sign;
    if (magnitude < least) return sign;
    uint32_t rounded = magnitude;
    if (kDropped > 0) {
      rounded += (step / 2 - 1) + (magnitude >> kDropped & 1);
      rounded = rounded >> kDropped << kDropped;
    }
    return (rounded >= kOverflow ? kFloatInfinity : rounded) | sign;
  }
};

// The operand as products take it: subnormal numbers are zeros; the kept bits, the lowest set.
template <class Spec>
MBM_HW_INLINE uint32_t float_operand(uint32_t pattern) {
  using Format = FloatFormat<Spec::kExponentBits, Spec::kMantissaBits>;
  constexpr int lowest = Format::kDropped + Spec::kTruncation;
  constexpr uint32_t forced = Spec::kTruncation > 0 || Spec::kForced ? 1u << lowest : 0;
  const uint32_t magnitude = pattern & ~kFloatSign;
  if (magnitude < Format::kSmallest) return pattern & kFloatSign;
  if (magnitude >= kFloatInfinity || Spec::kExact) return pattern;
  return (pattern & (~0u << lowest)) | forced;
}

// Exponent increment << 23 | mantissa, for float32's mantissas of operands.
template <class Spec>
MBM_HW_INLINE uint32_t log_mantissa_product(uint32_t i, uint32_t j) {
  constexpr int dropped = 23 - Spec::kMantissaBits;
  const uint32_t total = i + j;
  const uint32_t carry = total >> 23, fraction = total & kFloatMantissa;
  const uint32_t correction = carry ? Spec::kCorrectionWithCarry : Spec::kCorrection;
  uint32_t corrected = fraction + (correction << dropped);
  if (carry && corrected >= kFloatOne) corrected = fraction;
  const uint32_t overflow = corrected >> 23;
  const uint32_t mantissa = overflow ? (kFloatOne + corrected) >> 1 & (~0u << dropped) : corrected;
  return (carry | overflow) << 23 | (mantissa & kFloatMantissa);
}

// The same, rounded to the nearest, ties to even.
template <class Spec>
MBM_HW_INLINE uint32_t rounded_mantissa_product(uint32_t i, uint32_t j) {
  constexpr int dropped = 23 - Spec::kMantissaBits;
  const uint64_t product = uint64_t(kFloatOne + i) * (kFloatOne + j);  // 1 to 4, times 2**46
  const uint32_t increment = uint32_t(product >> 47);
  const uint32_t shift = 23 + dropped + increment;
  const uint64_t half = uint64_t(1) << (shift - 1), odd = product >> shift & 1;
  const uint32_t kept = uint32_t((product + half - 1 + odd) >> shift << dropped);
  // Rounding up to the next power of two leaves a mantissa of 0 and one more in the exponent.
  return (increment << 23) + kept - kFloatOne;
}

// The product of two operands that `float_operand` has made, as a pattern of float32.
template <class Spec>
MBM_HW_INLINE uint32_t float_product(uint32_t a, uint32_t b) {
  using Format = FloatFormat<Spec::kExponentBits, Spec::kMantissaBits>;
  const uint32_t sign = (a ^ b) & kFloatSign;
  const uint32_t magnitude_a = a & ~kFloatSign, magnitude_b = b & ~kFloatSign;
  const bool zero = magnitude_a == 0 || magnitude_b == 0;
  if (magnitude_a > kFloatInfinity || magnitude_b > kFloatInfinity) return kFloatQuietNan;
  if (magnitude_a == kFloatInfinity || magnitude_b == kFloatInfinity) {
    return zero ? kFloatQuietNan : kFloatInfinity | sign;
  }
  if (zero) return sign;
  const uint32_t i = a & kFloatMantissa, j = b & kFloatMantissa;
  const uint32_t significand =
      Spec::kExact ? rounded_mantissa_product<Spec>(i, j) : log_mantissa_product<Spec>(i, j);
  const int32_t exponent =
      int32_t(magnitude_a >> 23) + int32_t(magnitude_b >> 23) - 127 + int32_t(significand >> 23);
  if (exponent >= int32_t(Format::kOverflow >> 23)) return kFloatInfinity | sign;
  if (exponent < int32_t(Format::kSmallest >> 23)) return sign;
  return uint32_t(exponent) << 23 | (significand & kFloatMantissa) | sign;
}

}  // namespace mbm_hw
