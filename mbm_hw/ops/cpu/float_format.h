// Where a floating-point format's values lie among float32's.
//
// A value widened to float32 keeps its mantissa in the top bits, and 127 - bias is added to its
// exponent field: a format's arithmetic is float32's on a coarser grid.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

#include "float_kernels.h"
#include "geometry.h"

namespace mbm_hw {

// Where a format lies in float32. Bit patterns without the sign: normal numbers are smallest to
// below `overflow`.
struct FloatFormat {
  FloatFormat(int exponent_bits, int mantissa_bits)
      : smallest(uint32_t(129 - (1 << (exponent_bits - 1))) << 23),
        overflow(uint32_t(127 + (1 << (exponent_bits - 1))) << 23),
        dropped(23 - mantissa_bits) {}

  // Whether the pattern is a value of the format; its subnormal numbers are.
  bool holds(uint32_t pattern) const {
    const uint32_t magnitude = pattern & ~kFloatSign;
    if (magnitude >= kFloatInfinity) return true;
    if (magnitude >= overflow) return false;
    if (magnitude >= smallest || smallest == 1u << 23) return !(magnitude & ((1u << dropped) - 1));
    // A subnormal number of a format narrower than float32's exponents: its grid is that of
    // `smallest`, which added to it leaves no lower bits.
    const float least = std::bit_cast<float>(smallest);
    const float value = std::bit_cast<float>(magnitude);
    const float sum = value + least;
    return sum - least == value && !(std::bit_cast<uint32_t>(sum) & ((1u << dropped) - 1));
  }

  uint32_t smallest, overflow;
  int dropped;  // bits of float32's mantissa that the format has not
};

// What kernels that round and look at values must know.
FloatProducts products_of(const FloatFormat& format);

// A value of `x` that the format has not, if there is one.
std::optional<float> value_outside(const FloatFormat& format, const float* x, const Shape4& shape,
                                   Isa isa);

// Rounds `count` values to the format's; see float_round.
void round_values(const FloatFormat& format, const float* x, int64_t count, float* rounded,
                  int threads, Isa isa);

}  // namespace mbm_hw
