// The products of float formats step by step, special values too; for the float kernels.
#pragma once

#include "float_kernels.h"

namespace mbm_hw::MBM_HW_ISA {
namespace {

constexpr uint32_t kOne = 1u << 23;  // of a mantissa

inline uint32_t bits_of(float x) { return __builtin_bit_cast(uint32_t, x); }
inline float float_of(uint32_t x) { return __builtin_bit_cast(float, x); }

// The operand as the products take it: subnormal numbers are zeros.
inline uint32_t encoded(const FloatProducts& products, uint32_t pattern) {
  const uint32_t magnitude = pattern & ~kFloatSign;
  const uint32_t normal = (pattern & products.kept) | products.lowest;
  const uint32_t nonzero = magnitude < kFloatInfinity ? normal : pattern;
  return magnitude < products.smallest ? pattern & kFloatSign : nonzero;
}

// Zero, infinity and NaN among the operands, then underflow and overflow of the finite product,
// whose pattern is exponent << 23 | mantissa; the exponent may be negative, or beyond float32's.
inline uint32_t with_special_values(const FloatProducts& products, uint32_t a, uint32_t b,
                                    int32_t exponent, uint32_t mantissa) {
  const uint32_t sign = (a ^ b) & kFloatSign;
  a &= ~kFloatSign;
  b &= ~kFloatSign;
  // Signed comparisons, bitwise operators and no branches, so that compilers make vectors of it.
  const int32_t low = int32_t(a < b ? a : b), high = int32_t(a < b ? b : a);
  constexpr int32_t kInfinity = kFloatInfinity;
  uint32_t product = (uint32_t(exponent) << 23 | mantissa) + products.scale;
  product = exponent >= int32_t(products.overflow >> 23) ? kFloatInfinity : product;
  product = exponent < int32_t(products.smallest >> 23) ? 0 : product;
  product = low == 0 ? 0 : product;
  product = high >= kInfinity ? kFloatInfinity : product;
  product |= sign;
  product = high > kInfinity ? kFloatQuietNan : product;
  return (high == kInfinity) & (low == 0) ? kFloatQuietNan : product;
}

inline int32_t exponent_sum(uint32_t a, uint32_t b) {
  return int32_t(a >> 23 & 0xFF) + int32_t(b >> 23 & 0xFF) - 127;
}

// The product's exponent, less than the smallest where it is so before normalisation.
inline int32_t exponent(const FloatProducts& products, uint32_t a, uint32_t b, uint32_t increment) {
  const int32_t sum = exponent_sum(a, b), zero = int32_t(products.smallest >> 23) - 1;
  return sum < zero ? sum : sum + int32_t(increment);
}

struct LogProduct {
  uint32_t operator()(const FloatProducts& products, uint32_t a, uint32_t b) const {
    const uint32_t total = (a & kFloatMantissa) + (b & kFloatMantissa) + products.offset;
    const uint32_t carry = total >> 23;
    const uint32_t fraction = total & kFloatMantissa;
    const uint32_t plain = fraction + products.corrections[0];
    const uint32_t with_carry = fraction + products.corrections[1];
    const uint32_t cornered = int32_t(with_carry) >= int32_t(kOne) ? fraction : with_carry;
    const uint32_t corrected = carry == 0 ? plain : cornered;
    const uint32_t overflow = corrected >> 23;
    const uint32_t grid = ~0u << products.dropped;
    const uint32_t mantissa = overflow == 0 ? corrected : (kOne + corrected) >> 1 & grid;
    return with_special_values(products, a, b, exponent(products, a, b, carry | overflow),
                               mantissa & kFloatMantissa);
  }
};

struct ExactProduct {
  uint32_t operator()(const FloatProducts& products, uint32_t a, uint32_t b) const {
    const uint64_t one = kOne;
    const uint64_t product =  // 1 to 4, times 2**46
        (one + (a & kFloatMantissa)) * (one + (b & kFloatMantissa));
    const uint32_t increment = uint32_t(product >> 47);
    const uint32_t shift = 23 + products.dropped + increment;
    const uint64_t half = uint64_t(1) << (shift - 1);
    const uint64_t odd = product >> shift & 1;
    // Rounding up to the next power of two leaves a mantissa of 0 and one more in the exponent.
    const uint64_t kept = (product + half - 1 + odd) >> shift << products.dropped;
    const int32_t exponent = exponent_sum(a, b) + int32_t(increment) + int32_t(kept >> 24);
    return with_special_values(products, a, b, exponent, uint32_t(kept) & kFloatMantissa);
  }
};

// Any product of mantissas.
struct TableProduct {
  uint32_t operator()(const FloatProducts& products, uint32_t a, uint32_t b) const {
    const int bits = 23 - products.dropped;
    const uint32_t i = (a & kFloatMantissa) >> products.dropped;
    const uint32_t j = (b & kFloatMantissa) >> products.dropped;
    const uint32_t entry = uint32_t(products.table[i << bits | j]);
    const uint32_t mantissa = (entry & ((1u << bits) - 1)) << products.dropped;
    return with_special_values(products, a, b, exponent(products, a, b, entry >> bits), mantissa);
  }
};

}  // namespace
}  // namespace mbm_hw::MBM_HW_ISA
