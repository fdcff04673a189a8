// Logarithmic products of integers, step by step as mbm_hw/multipliers/log.py computes them.
//
// A spec is a type with the derived numbers of the Python properties of the same names: kWidth,
// kTruncation, kCorrection and kCorrectionWithCarry in units of 2**-(kWidth - 1),
// kSmallCharacteristic. Widths are 4 to 16.
#pragma once

#include "types.h"

namespace mbm_hw {

// An operand: fraction | characteristic << (width - 1), with these bits for signs and for 0.
// kLogZero is above the sum of two characteristics; two zeros add up to twice the bit.
constexpr uint32_t kLogZero = 1u << 28, kLogNegative = 1u << 31;

// The magnitude's log2, with the operand's sign.
template <class Spec>
MBM_HW_INLINE uint32_t log2_of(int32_t code) {
  constexpr int fraction_width = Spec::kWidth - 1;
  if (code == 0) return kLogZero;
  const uint32_t magnitude = code < 0 ? uint32_t(-code) : uint32_t(code);
  const uint32_t characteristic = uint32_t(leading_one_position(magnitude));
  uint32_t fraction = (magnitude << (fraction_width - characteristic)) & ((1u << fraction_width) - 1);
  if (Spec::kTruncation > 0) fraction = (fraction >> Spec::kTruncation | 1) << Spec::kTruncation;
  return fraction | characteristic << fraction_width | (code < 0 ? kLogNegative : 0);
}

// The product of two operands that `log2_of` has made.
template <class Spec>
MBM_HW_INLINE int64_t log_product(uint32_t a, uint32_t b) {
  constexpr uint32_t fraction_width = Spec::kWidth - 1, one = 1u << fraction_width;
  const uint32_t total = (a & ~kLogNegative) + (b & ~kLogNegative);
  const uint32_t carry = ((a ^ b ^ total) >> fraction_width) & 1;
  const uint32_t fraction = total & (one - 1);
  const uint32_t characteristic = (total >> fraction_width) & 31;
  const uint32_t corrected =
      fraction + (carry ? Spec::kCorrectionWithCarry : Spec::kCorrection);
  const bool overflow = characteristic == 2 * Spec::kWidth - 1 && corrected >= one;
  const uint32_t mantissa = one + (overflow ? fraction : corrected);
  const uint32_t shifted = characteristic >= fraction_width
                               ? mantissa << (characteristic - fraction_width)
                               : mantissa >> (fraction_width - characteristic);
  const bool small = carry && int32_t(characteristic) <= Spec::kSmallCharacteristic;
  const int64_t magnitude = total >= kLogZero ? 0 : int64_t(shifted) + small;
  return (a ^ b) & kLogNegative ? -magnitude : magnitude;
}

}  // namespace mbm_hw
