// Exact products of codes of at most 8 bits, two terms at a time: `vpmaddwd` multiplies 16 words and
// sums pairs. So 4 x 32 products, with 2 registers of activations to 4 outputs, take
//   2 loads, 2 unpackings, 4 broadcasts of weights, 8 multiplications, 8 additions     24 instructions
// or 6 to 32 products; from tables in registers (nibble_table_kernel.cpp) 32 take 43.
#include "kernels.h"

#if defined(__AVX2__) && !defined(__AVX512F__)

#include <immintrin.h>

namespace mbm_hw::MBM_HW_ISA {

using Vector = __m256i;

static inline Vector load(const void* data) {
  return _mm256_loadu_si256(static_cast<const Vector*>(data));
}

static inline void add_to(int32_t* sums, Vector added) {
  _mm256_storeu_si256(reinterpret_cast<Vector*>(sums), _mm256_add_epi32(load(sums), added));
}

static inline void add_to(int64_t* sums, Vector added) {
  for (int half = 0; half < 2; ++half) {
    auto* target = reinterpret_cast<Vector*>(sums + 4 * half);
    const __m128i part = half ? _mm256_extracti128_si256(added, 1) : _mm256_castsi256_si128(added);
    _mm256_storeu_si256(target, _mm256_add_epi64(load(target), _mm256_cvtepi32_epi64(part)));
  }
}

// Adds the tile's terms for 16 positions and `count` outputs.
template <int count, class Operand, class Sum>
static inline void add_block(const Operand* x, const Operand* w, int64_t w_stride, int depth,
                             Sum* sums) {
  Vector low[count], high[count];
  for (int o = 0; o < count; ++o) low[o] = high[o] = _mm256_setzero_si256();
  for (int k = 0; k < depth; k += 2, x += 2 * kTilePositions) {
    const bool is_pair = k + 1 < depth;
    const Vector even = load(x);
    const Vector odd = is_pair ? load(x + kTilePositions) : _mm256_setzero_si256();
    const Vector x_low = _mm256_unpacklo_epi16(even, odd);  // positions 0 to 3 and 8 to 11
    const Vector x_high = _mm256_unpackhi_epi16(even, odd);
    for (int o = 0; o < count; ++o) {
      const Operand* weights = w + o * w_stride + k;
      const uint32_t second = is_pair ? uint16_t(weights[1]) : 0;
      const Vector pair = _mm256_set1_epi32(int32_t(uint16_t(weights[0]) | second << 16));
      low[o] = _mm256_add_epi32(low[o], _mm256_madd_epi16(x_low, pair));
      high[o] = _mm256_add_epi32(high[o], _mm256_madd_epi16(x_high, pair));
    }
  }
  for (int o = 0; o < count; ++o, sums += kTilePositions) {
    add_to(sums, _mm256_permute2x128_si256(low[o], high[o], 0x20));
    add_to(sums + 8, _mm256_permute2x128_si256(low[o], high[o], 0x31));
  }
}

// A tile's sums of products of 8-bit codes fit int32: 256 * 255 * 255 < 2^31.
template <class Operand, class Sum>
static void add(const Tile<Operand, Sum>& tile) {
  constexpr int kOutputs = 4;
  for (int p = 0; p < tile.positions; p += 16) {
    const Operand* w = tile.w;
    Sum* sums = tile.sums + p;
    int o = 0;
    for (; o + kOutputs <= tile.outputs; o += kOutputs) {
      add_block<kOutputs>(tile.x + p, w + o * tile.w_stride, tile.w_stride, tile.depth,
                          sums + o * kTilePositions);
    }
    for (; o < tile.outputs; ++o) {
      add_block<1>(tile.x + p, w + o * tile.w_stride, tile.w_stride, tile.depth,
                   sums + o * kTilePositions);
    }
  }
}

void exact_pairs_add(const Tile<int16_t, int32_t>& tile) { add(tile); }
void exact_pairs_add(const Tile<uint16_t, int64_t>& tile) { add(tile); }

}  // namespace mbm_hw::MBM_HW_ISA

#endif
