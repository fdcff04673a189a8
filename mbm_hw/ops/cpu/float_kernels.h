// The kernels of the float multipliers, compiled for each instruction set; see isa.h.
#pragma once

#include <cstdint>

#include "isa.h"
#include "tile.h"

namespace mbm_hw {

inline constexpr uint32_t kFloatSign = 1u << 31;
inline constexpr uint32_t kFloatInfinity = 0xFFu << 23;
inline constexpr uint32_t kFloatQuietNan = kFloatInfinity | 1u << 22;
inline constexpr uint32_t kFloatMantissa = (1u << 23) - 1;

// A float spec, as it lies in float32. The operands of a tile are patterns of float32.
struct FloatProducts {
  // Patterns without a sign: the format's normal numbers are `smallest` to below `overflow`.
  uint32_t smallest, overflow;
  int dropped;      // bits of float32's mantissa that the format has not
  // What the log products take of a normal operand: the bits kept, and the lowest of them, set.
  uint32_t kept, lowest;
  // The constants added without and with a carry, in units of 2**-23.
  uint32_t corrections[2];
  // LMul's, added to the sum of the patterns, carries and all, in units of 2**-23.
  uint32_t offset;
  // Of products by table: [mantissa of a][mantissa of b], increment << mantissa bits | mantissa.
  const int32_t* table;
  // Added to the exponent field of products, times 2**23, so that those of formats of up to 6
  // exponent bits have bit 30 set, and underflows have not. The sums are scaled so, exactly.
  uint32_t scale;
};

// Each adds a tile of products to the tile's sums, k ascending; see tile.h.
MBM_HW_EACH_ISA(
  void float_log_add(const FloatProducts& products, const Tile<uint32_t, float>& tile);
  void float_exact_add(const FloatProducts& products, const Tile<uint32_t, float>& tile);
  void float_table_add(const FloatProducts& products, const Tile<uint32_t, float>& tile);

  // Rounds `count` values to the nearest of the format's, ties to even, as if the exponent had no
  // bounds; then to infinity and to zero, each with its sign. NaN becomes the quiet NaN.
  void float_round(const FloatProducts& products, const float* x, int64_t count, float* rounded);

  // y[i] = sums[i] * unscale + bias, rounded after each step; NaN is the quiet one.
  void float_finish(const float* sums, int64_t count, float unscale, float bias, float* y);
  void float_finish_each(const float* sums, int64_t count, float unscale, const float* bias,
                         float* y);

  // Whether all of `count` values, `step` apart, are zeros or normal numbers of the format.
  bool float_all_plain(const FloatProducts& products, const float* x, int64_t count, int64_t step);
)

}  // namespace mbm_hw
