// Products of floating-point formats, bit for bit as mbm_hw/float_reference.py has them, in float32.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "float_format.h"
#include "tile.h"

namespace mbm_hw {

// What the float multipliers share.
struct FloatMultiplier {
  using Code = float;
  using Operand = uint32_t;
  using Sum = float;

  // A NaN's sign and payload would depend on the machine.
  static float finish(float sum) {
    return std::isnan(sum) ? std::bit_cast<float>(kFloatQuietNan) : sum;
  }
};

// The spec's derived numbers, as the Python properties of the same names give them.
struct FloatLogParameters {
  int exponent_bits, mantissa_bits;
  int truncation;
  bool forced;
  uint32_t corrections[2];  // in units of 2**-mantissa_bits
};

// Mitchell's product and MBM's.
class FloatLogMultiplier : public FloatMultiplier {
 public:
  explicit FloatLogMultiplier(const FloatLogParameters& parameters);

  // The operand's pattern, flushed, its mantissa truncated and forced.
  uint32_t encode(float code) const {
    const uint32_t pattern = format_.flushed(std::bit_cast<uint32_t>(code));
    const uint32_t magnitude = pattern & ~kFloatSign;
    const bool is_normal = magnitude - 1 < kFloatInfinity - 1;
    return is_normal ? (pattern & kept_) | lowest_ : pattern;
  }

  void add(const Tile<Operand, Sum>& tile) const;

 private:
  FloatFormat format_;
  uint32_t kept_, lowest_;  // the bits that truncation keeps; the one that is set
  uint32_t corrections_[2];
};

// The product rounded to the nearest, ties to even.
class FloatExactMultiplier : public FloatMultiplier {
 public:
  FloatExactMultiplier(int exponent_bits, int mantissa_bits)
      : format_(exponent_bits, mantissa_bits) {}

  uint32_t encode(float code) const { return format_.flushed(std::bit_cast<uint32_t>(code)); }

  void add(const Tile<Operand, Sum>& tile) const;

 private:
  FloatFormat format_;
};

}  // namespace mbm_hw
