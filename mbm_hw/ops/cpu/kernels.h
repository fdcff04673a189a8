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
// patterns of x, the low and the high bytes of product + bias. On cache lines.
//   AVX-512   128 low bytes, then 128 high ones
//   AVX2      in pieces: of 16 products the low bytes, then the high ones, each xor those of the
//             piece before; the second half row holds its products in descending order of x
inline constexpr int kBytePlanesRow = 256;
struct BytePlanes {
  const uint8_t* first;   // of x below 128
  const uint8_t* second;  // of x from 128; may be null where there is none
  int bias;               // 0 or 2^15: makes them unsigned
  bool odd;               // the product of -x is minus that of x, for x from -127 to 127
};

// What is added to products of small operands.
struct SmallProducts {
  const int8_t* rows;    // [w + kSmall][x & 127], w and x from -kSmall to kSmall; or null
  uint32_t first, end;   // the patterns of |w| that it concerns: from, and to below
  uint8_t pieces[127];   // [w + kSmall], 1 to 4: of its row, pieces of 16 have all that is not 0
};

// What `pattern_add` must know of a spec. Its weights are float32 patterns, truncated.
struct PatternParameters {
  int width, truncation;
  int group;         // terms whose products are summed as floats, or 0: they are made integers
  uint32_t bend;     // added to the patterns of products
  float correction;  // 0, or the constant added where the fractions' sum does not carry
  int sixty_fourths;   // the same constant where `power_add` is to add it, else 0
  SmallProducts small, small_in_64ths;  // the second goes with sixty_fourths
};
inline constexpr uint32_t kPatternOfZero = 67u << 23;  // 2**-60
inline constexpr int kSmall = 63;  // the largest magnitude that can have such products
inline constexpr int kPatternPanel = 64;  // positions whose patterns are made together
inline constexpr int kPatternScratch = kTileDepth * (4 * kPatternPanel + 2 * kTileOutputs + 4);
inline constexpr int kPairScratch = kTileDepth * 2 * kPatternPanel;

// Each `add` adds a tile of products to the tile's sums; see tile.h.
MBM_HW_EACH_ISA(
  // Exact products.
  void exact_add(const Tile<int16_t, int32_t>& tile);
  void exact_add(const Tile<uint16_t, int64_t>& tile);
  void exact_add(const Tile<int16_t, int64_t>& tile);

  // Logarithmic products of any spec, step by step as mbm_hw/multipliers/log.py computes them.
  void log_add(const LogParameters& parameters, const Tile<uint32_t, int64_t>& tile);

  // codes[i] = x[i] / scale (or x[i] * scale) rounded half to even, in +-limit; 0 for NaN. Returns
  // whether there was a NaN.
  bool quantize(const float* x, int64_t count, float scale, bool multiply, float limit,
                int8_t* codes);
  bool quantize(const float* x, int64_t count, float scale, bool multiply, float limit,
                int16_t* codes);

  // The largest |x[i]|; NaN where there is one.
  float largest_magnitude(const float* x, int64_t count);

  // target[column * target_pitch + row] = rows[row * pitch + column]
  void transpose(const uint8_t* rows, int64_t pitch, int64_t count, int64_t columns,
                 uint8_t* target, int64_t target_pitch);
  void transpose(const uint16_t* rows, int64_t pitch, int64_t count, int64_t columns,
                 uint16_t* target, int64_t target_pitch);
  void transpose(const uint32_t* rows, int64_t pitch, int64_t count, int64_t columns,
                 uint32_t* target, int64_t target_pitch);

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
MBM_HW_BOTH_VECTOR_ISAS(
  // Exact products of operands of `width` bits.
  void exact_pairs_add(const Tile<int16_t, int32_t>& tile, int width);
  void exact_pairs_add(const Tile<uint16_t, int64_t>& tile, int width);
  void exact_pairs_add(const Tile<int16_t, int64_t>& tile, int width);

  void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int32_t>& tile);
  void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int64_t>& tile);

  // Logarithmic products of signed operands, and what the first of them leaves to the others.
  void pattern_add(const PatternParameters& parameters,
                   const Tile<int8_t, int32_t, uint32_t>& tile);
  void pattern_add(const PatternParameters& parameters,
                   const Tile<int16_t, int64_t, uint32_t>& tile);
  void small_add(const PatternParameters& parameters, const Tile<int8_t, int32_t, uint32_t>& tile);
  void small_add(const PatternParameters& parameters, const Tile<int16_t, int64_t, uint32_t>& tile);
  void power_add(const PatternParameters& parameters, const Tile<int16_t, int64_t, uint32_t>& tile);
)
#endif

}  // namespace mbm_hw
