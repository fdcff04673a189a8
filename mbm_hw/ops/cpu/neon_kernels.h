// The kernels that are compiled for NEON alone, and what they must know.
#pragma once

#include <cstdint>

#include "tile.h"

namespace mbm_hw {

// The low and the high bytes of product + bias: a row of 256 patterns of x for each weight's.
inline constexpr int kNeonRow = 256;
struct NeonPlanes {
  const uint8_t *low, *high;
  int bias;  // 0 or 2^15: makes the products unsigned
};

// What `pattern_add` must know of a spec.
struct NeonPatterns {
  uint32_t kept, forced;  // of an operand's pattern, as truncation has it
  float correction;       // 0, or the constant added where the fractions' sum does not carry
  bool wide;              // whether sums of a tile may leave int32
  // What is added to products of small operands: [w + kNeonSmall][x & 127]; or null.
  const int8_t* small;
};
inline constexpr int kNeonSmall = 63;  // the largest magnitude that can have such products
inline constexpr uint32_t kNeonPatternOfOne = 0x3F800000;
inline constexpr uint32_t kNeonPatternOfZero = 67u << 23;  // 2**-60
inline constexpr int kNeonPanel = 16;                      // positions whose patterns are made together
inline constexpr int kNeonScratch = kTileDepth * kNeonPanel * 8;

namespace neon {
void byte_table_add(const NeonPlanes& planes, const Tile<uint8_t, int32_t>& tile);
void byte_table_add(const NeonPlanes& planes, const Tile<uint8_t, int64_t>& tile);
void pattern_add(const NeonPatterns& patterns, const Tile<int16_t, int64_t, uint32_t>& tile);
}  // namespace neon

}  // namespace mbm_hw
