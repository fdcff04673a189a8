// The products of floating-point formats: what the convolution needs, around the kernels.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "float_format.h"
#include "float_kernels.h"
#include "tile.h"

namespace mbm_hw {

// What the float multipliers share.
class FloatMultiplier {
 public:
  using Code = float;
  using Operand = uint32_t;
  using Weight = uint32_t;
  using Sum = float;
  static constexpr bool kTakesPlanes = true;
  static constexpr int kScratch = 0;

  bool takes_codes() const { return true; }
  auto encoder() const {
    return [](float code) { return std::bit_cast<uint32_t>(code); };
  }
  auto weight_encoder() const { return encoder(); }

  // What sums are multiplied by to take the products' scale off.
  float unscale() const { return unscale_; }

 protected:
  FloatMultiplier(int exponent_bits, int mantissa_bits, Isa isa);

  FloatProducts products_;
  float unscale_;
  Isa isa_;
};

// The spec's derived numbers, as the Python properties of the same names give them.
struct FloatLogParameters {
  int exponent_bits, mantissa_bits;
  int truncation;
  bool forced;
  uint32_t corrections[2];  // in units of 2**-mantissa_bits
  uint32_t offset;          // likewise
};

// Mitchell's product, MBM's and LMul's.
class FloatLogMultiplier : public FloatMultiplier {
 public:
  static constexpr const char* kName = "sums of float patterns";

  FloatLogMultiplier(const FloatLogParameters& parameters, Isa isa);

  void add(const Tile<Operand, Sum>& tile) const;
};

// The product rounded to the nearest, ties to even.
class FloatExactMultiplier : public FloatMultiplier {
 public:
  static constexpr const char* kName = "float products";

  FloatExactMultiplier(int exponent_bits, int mantissa_bits, Isa isa)
      : FloatMultiplier(exponent_bits, mantissa_bits, isa) {}

  void add(const Tile<Operand, Sum>& tile) const;
};

// Any product of mantissas, from a table: see FloatProducts. The table is kept.
class FloatTableMultiplier : public FloatMultiplier {
 public:
  static constexpr const char* kName = "float products by table";

  FloatTableMultiplier(int exponent_bits, int mantissa_bits, std::vector<int32_t> table, Isa isa);
  FloatTableMultiplier(const FloatTableMultiplier&) = delete;
  FloatTableMultiplier& operator=(const FloatTableMultiplier&) = delete;

  void add(const Tile<Operand, Sum>& tile) const;

 private:
  std::vector<int32_t> table_;
};

}  // namespace mbm_hw
