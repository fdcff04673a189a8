// Products of 8-bit codes read from registers by `vpshufb`, which looks up 32 bytes in 16 and gives
// 0 where an index is negative. A row of 128 products is 8 pieces of 16; piece n is looked up with
// the code less 16 n, and holds its entries xor those of the piece before. So for a code in piece m
// the pieces above give 0, and the others' xor is the entry of piece m. See byte_table_kernel.cpp
// for the byte planes and their sums.
//
// Per 32 products: 7 subtractions, 16 look-ups, 14 xor, 2 shifts, 4 adds for codes below 128, 43
// instructions; twice the look-ups, 82, for all codes.
#include "kernels.h"

#if defined(__AVX2__) && !defined(__AVX512F__)

#include <immintrin.h>

namespace mbm_hw::MBM_HW_ISA {

using Vector = __m256i;

static inline Vector load(const uint8_t* data) { return _mm256_load_si256((const Vector*)data); }
static inline Vector piece(const uint8_t* data) {
  return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i*)data));
}

struct Words {
  Vector all, odd;
};

static inline void add_bytes(Words& sums, Vector bytes) {
  sums.all = _mm256_add_epi16(sums.all, bytes);
  sums.odd = _mm256_add_epi16(sums.odd, _mm256_srli_epi16(bytes, 8));
}

// low, high ^= the entries of codes from 0 to 127; nothing for negative ones.
static inline void look_up(const uint8_t* row, Vector code, Vector& low, Vector& high) {
  for (int n = 0; n < 8; ++n) {
    low = _mm256_xor_si256(low, _mm256_shuffle_epi8(piece(row + 16 * n), code));
    high = _mm256_xor_si256(high, _mm256_shuffle_epi8(piece(row + 128 + 16 * n), code));
    code = _mm256_subs_epi8(code, _mm256_set1_epi8(16));
  }
}

template <bool all, class Sum>
static void add_products(const BytePlanes& planes, const Tile<uint8_t, Sum>& tile) {
  const int bias = planes.bias * tile.depth;
  for (int o = 0; o < tile.outputs; ++o) {
    const uint8_t* w = tile.w + o * tile.w_stride;
    for (int p = 0; p < tile.positions; p += 32) {
      Words low{}, high{};
      for (int k = 0; k < tile.depth; ++k) {
        const Vector code = load(tile.x + k * kTilePositions + p);
        Vector l = _mm256_setzero_si256(), h = l;
        look_up(planes.first + kBytePlanesRow * w[k], code, l, h);
        if (all) {
          const Vector upper = _mm256_xor_si256(code, _mm256_set1_epi8(-128));
          look_up(planes.second + kBytePlanesRow * w[k], upper, l, h);
        }
        add_bytes(low, l);
        add_bytes(high, h);
      }
      alignas(32) uint16_t words[4][16];
      const Vector parts[4] = {low.all, low.odd, high.all, high.odd};
      for (int i = 0; i < 4; ++i) _mm256_store_si256((Vector*)words[i], parts[i]);
      Sum* sums = tile.sums + o * kTilePositions + p;
      for (int i = 0; i < 16; ++i) {
        const int low_even = uint16_t(words[0][i] - (words[1][i] << 8));
        const int high_even = uint16_t(words[2][i] - (words[3][i] << 8));
        sums[2 * i] += low_even + 256 * high_even - bias;
        sums[2 * i + 1] += words[1][i] + 256 * words[3][i] - bias;
      }
    }
  }
}

template <class Sum>
static void add(const BytePlanes& planes, const Tile<uint8_t, Sum>& tile) {
  Vector any = _mm256_setzero_si256();
  for (int k = 0; k < tile.depth; ++k) {
    for (int p = 0; p < tile.positions; p += 32) {
      any = _mm256_or_si256(any, load(tile.x + k * kTilePositions + p));
    }
  }
  _mm256_movemask_epi8(any) ? add_products<true>(planes, tile) : add_products<false>(planes, tile);
}

void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int32_t>& tile) {
  add(planes, tile);
}
void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int64_t>& tile) {
  add(planes, tile);
}

}  // namespace mbm_hw::MBM_HW_ISA

#endif
