// The kernels that are compiled for each instruction set: plain functions on plain data.
#pragma once

#include <cstdint>

#include "isa.h"
#include "tile.h"

namespace mbm_hw {

// The spec's derived numbers, as the Python properties of the same names give them; width 4 to 16.
struct LogParameters {
  int width;
  int truncation;
  uint32_t corrections[2];
  int small_characteristic;
};

// An operand of `log_add`: fraction | characteristic << (width - 1) | kLogZero | kLogNegative.
// kLogZero is above the sum of two characteristics; two zeros add up to twice the bit.
inline constexpr uint32_t kLogZero = 1u << 28;
inline constexpr uint32_t kLogNegative = 1u << 31;

// The products of up to 8-bit codes as byte planes: a row for each weight's pattern holds, for 128
// patterns of x, the low bytes of product + bias and then their high bytes. On cache lines.
inline constexpr int kBytePlanesRow = 256;
struct BytePlanes {
  const uint8_t* first;   // of x below 128
  const uint8_t* second;  // of x from 128; may be null where there is none
  int bias;               // 0 or 2^15: makes them unsigned
  bool odd;               // the product of -x is minus that of x, for x from -127 to 127
};

// What `pattern_add` must know of a spec. Its weights are float32 patterns, truncated.
struct PatternParameters {
  int width, truncation;
  float correction;     // 0, or the constant added where the fractions' sum does not carry
  const int8_t* small;  // what is added to products of small operands: [w + kSmall][x & 127]; or null
  uint32_t small_min, small_end;  // the patterns of |w| that it concerns: from, and to below
};
inline constexpr uint32_t kPatternOfZero = 67u << 23;  // 2**-60
inline constexpr int kSmall = 63;  // the largest magnitude that can have such products
inline constexpr int kPatternScratch = kTileDepth * (64 * 8 + kTilePositions);

// Each `add` adds a tile of products to the tile's sums; see tile.h.
MBM_HW_EACH_ISA(
  // Exact products.
  void exact_add(const Tile<int16_t, int32_t>& tile);
  void exact_add(const Tile<uint16_t, int64_t>& tile);
  void exact_add(const Tile<int16_t, int64_t>& tile);

  // Logarithmic products of any spec, step by step as mbm_hw/reference.py computes them.
  void log_add(const LogParameters& parameters, const Tile<uint32_t, int64_t>& tile);

  // codes[i] = x[i] / scale (or x[i] * scale) rounded half to even, in +-limit; 0 for NaN.
  void quantize(const float* x, int64_t count, float scale, bool multiply, float limit,
                int8_t* codes);
  void quantize(const float* x, int64_t count, float scale, bool multiply, float limit,
                int16_t* codes);

  // y[i] = float(sums[i]) * scale + bias, rounded after each step.
  void rescale(const int32_t* sums, int64_t count, float scale, float bias, float* y);
  void rescale(const int64_t* sums, int64_t count, float scale, float bias, float* y);
  void rescale_each(const int32_t* sums, int64_t count, const float* scale, const float* bias,
                    float* y);
  void rescale_each(const int64_t* sums, int64_t count, const float* scale, const float* bias,
                    float* y);

  // Products read from rows in memory: rows[w << width | x].
  void table_add(const int16_t* rows, int width, const Tile<uint8_t, int32_t>& tile);
  void table_add(const uint16_t* rows, int width, const Tile<uint8_t, int64_t>& tile);
  void table_add(const int32_t* rows, int width, const Tile<uint16_t, int64_t>& tile);
)

#ifdef MBM_HW_X86
namespace avx2 {
// Exact products of codes of at most 8 bits.
void exact_pairs_add(const Tile<int16_t, int32_t>& tile);
void exact_pairs_add(const Tile<uint16_t, int64_t>& tile);
// Each 16 bytes of the planes hold their entries xor those of the 16 before in their half row.
void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int32_t>& tile);
void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int64_t>& tile);
void pattern_add(const PatternParameters& parameters, const Tile<int8_t, int32_t, uint32_t>& tile);
void pattern_add(const PatternParameters& parameters, const Tile<int16_t, int64_t, uint32_t>& tile);
}  // namespace avx2
namespace avx512 {
void pattern_add(const PatternParameters& parameters, const Tile<int8_t, int32_t, uint32_t>& tile);
void pattern_add(const PatternParameters& parameters, const Tile<int16_t, int64_t, uint32_t>& tile);
void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int32_t>& tile);
void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int64_t>& tile);
}  // namespace avx512
#endif

}  // namespace mbm_hw
