// Products of 8-bit codes read from registers. A weight's row of 128 or 256 products is a byte
// plane of their low and one of their high halves; `vpermi2b` looks up 64 bytes in 128.
//
// The bytes are summed in 16-bit words without being widened: adding a register of bytes as words
// sums the even ones, plus 256 times the odd ones, mod 2^16; adding it shifted right by 8 sums the
// odd ones. 256 terms fit. So 64 products take, with 256 positions (4 registers) to a row:
//   codes below 128:   2 look-ups, 2 shifts, 4 adds                        8 instructions
//   odd tables:        the same with codes' magnitudes, 2 xor with signs   10
//   all codes:         4 look-ups, 2 blends, 1 mask, 2 shifts, 4 adds      13
// Zen 4 does two of these 512-bit instructions a cycle, so at best 16 products a cycle in the first
// case, as many as fused multiply-adds of float32.
#include "intrinsics.h"
#include "kernels.h"

#ifdef MBM_HW_AVX512

namespace mbm_hw::MBM_HW_ISA {

using Vector = __m512i;

static constexpr int kVectors = kTilePositions / 64;

// What the tile's activations allow.
enum Codes { kBelow128, kSignAndMagnitude, kAll };

// Sums of bytes in words: all of a plane as words, and its odd bytes.
struct Words {
  Vector all, odd;
};

static inline void add_bytes(Words& sums, Vector bytes) {
  sums.all = _mm512_add_epi16(sums.all, bytes);
  sums.odd = _mm512_add_epi16(sums.odd, _mm512_srli_epi16(bytes, 8));
}

static inline Vector load(const uint8_t* data) { return _mm512_load_si512(data); }

struct Row {
  Vector low[2], high[2];
};

static inline Row load_row(const uint8_t* planes, uint8_t weight) {
  const uint8_t* row = planes + kBytePlanesRow * size_t(weight);
  return {{load(row), load(row + 64)}, {load(row + 128), load(row + 192)}};
}

template <Codes codes, int count>
static inline void sum_products(const BytePlanes& planes, const uint8_t* x, const uint8_t* signs,
                                const uint8_t* w, int depth, Words (&low)[count],
                                Words (&high)[count]) {
  for (int v = 0; v < count; ++v) low[v] = high[v] = Words{};
  for (int k = 0; k < depth; ++k, x += kTilePositions, signs += kTilePositions) {
    const Row row = load_row(planes.first, w[k]);
    const Row upper = codes == kAll ? load_row(planes.second, w[k]) : Row{};
    for (int v = 0; v < count; ++v) {
      const Vector code = load(x + 64 * v);
      Vector l = _mm512_permutex2var_epi8(row.low[0], code, row.low[1]);
      Vector h = _mm512_permutex2var_epi8(row.high[0], code, row.high[1]);
      if constexpr (codes == kAll) {
        const __mmask64 above = _mm512_movepi8_mask(code);
        l = _mm512_mask_blend_epi8(
            above, l, _mm512_permutex2var_epi8(upper.low[0], code, upper.low[1]));
        h = _mm512_mask_blend_epi8(
            above, h, _mm512_permutex2var_epi8(upper.high[0], code, upper.high[1]));
      }
      if constexpr (codes == kSignAndMagnitude) {
        const Vector sign = load(signs + 64 * v);
        l = _mm512_xor_si512(l, sign);
        h = _mm512_xor_si512(h, sign);
      }
      add_bytes(low[v], l);
      add_bytes(high[v], h);
    }
  }
}

// Words 0 to 15 of two registers in turn, or 16 to 31.
static inline Vector interleave(Vector even, Vector odd, int half) {
  alignas(64) uint16_t order[32];
  for (int i = 0; i < 16; ++i) {
    order[2 * i] = uint16_t(i + 16 * half);
    order[2 * i + 1] = uint16_t(i + 16 * half + 32);
  }
  return _mm512_permutex2var_epi16(even, _mm512_load_si512(order), odd);
}

static inline void add_to(int32_t* sums, Vector added) {
  _mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_loadu_si512(sums), added));
}

static inline void add_to(int64_t* sums, Vector added) {
  const Vector low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(added));
  const Vector high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(added, 1));
  _mm512_storeu_si512(sums, _mm512_add_epi64(_mm512_loadu_si512(sums), low));
  _mm512_storeu_si512(sums + 8, _mm512_add_epi64(_mm512_loadu_si512(sums + 8), high));
}

// sums[0 to 63] += low + 256 * high - bias + added[0 to 63]
template <class Sum>
static inline void write(Sum* sums, const Words& low, const Words& high, int bias,
                         const int32_t* added) {
  const auto even = [](const Words& words) {
    return _mm512_sub_epi16(words.all, _mm512_slli_epi16(words.odd, 8));
  };
  for (int half = 0; half < 2; ++half) {
    const Vector l = interleave(even(low), low.odd, half);
    const Vector h = interleave(even(high), high.odd, half);
    for (int quarter = 0; quarter < 2; ++quarter) {
      const __m256i l16 = quarter ? _mm512_extracti64x4_epi64(l, 1) : _mm512_castsi512_si256(l);
      const __m256i h16 = quarter ? _mm512_extracti64x4_epi64(h, 1) : _mm512_castsi512_si256(h);
      const Vector sum = _mm512_add_epi32(_mm512_cvtepu16_epi32(l16),
                                          _mm512_slli_epi32(_mm512_cvtepu16_epi32(h16), 8));
      const int first = 32 * half + 16 * quarter;
      const Vector offset =
          _mm512_sub_epi32(_mm512_loadu_si512(added + first), _mm512_set1_epi32(bias));
      add_to(sums + first, _mm512_add_epi32(sum, offset));
    }
  }
}

template <Codes codes, int count, class Sum>
static void add_vectors(const BytePlanes& planes, const Tile<uint8_t, Sum>& tile, const uint8_t* x,
                        const uint8_t* signs, const int32_t* added) {
  const int bias = planes.bias * tile.depth;
  for (int o = 0; o < tile.outputs; ++o) {
    Words low[count], high[count];
    sum_products<codes, count>(planes, x, signs, tile.w + o * tile.w_stride, tile.depth, low, high);
    Sum* sums = tile.sums + o * kTilePositions;
    for (int v = 0; v < count; ++v) write(sums + 64 * v, low[v], high[v], bias, added + 64 * v);
  }
}

template <Codes codes, class Sum>
static void add_all(const BytePlanes& planes, const Tile<uint8_t, Sum>& tile, const uint8_t* x,
                    const uint8_t* signs, const int32_t* added) {
  switch ((tile.positions + 63) / 64) {
    case 1: return add_vectors<codes, 1>(planes, tile, x, signs, added);
    case 2: return add_vectors<codes, 2>(planes, tile, x, signs, added);
    case 3: return add_vectors<codes, 3>(planes, tile, x, signs, added);
    default: return add_vectors<codes, 4>(planes, tile, x, signs, added);
  }
}

template <class Sum>
static void add(const BytePlanes& planes, const Tile<uint8_t, Sum>& tile) {
  const int count = (tile.positions + 63) / 64;
  const auto code = [&](int k, int v) { return load(tile.x + k * kTilePositions + 64 * v); };
  __mmask64 any_above = 0, any_lowest = 0;
  const Vector lowest = _mm512_set1_epi8(-128);
  for (int k = 0; k < tile.depth; ++k) {
    for (int v = 0; v < count; ++v) {
      any_above |= _mm512_movepi8_mask(code(k, v));
      any_lowest |= _mm512_cmpeq_epi8_mask(code(k, v), lowest);
    }
  }
  alignas(64) int32_t added[kTilePositions] = {};
  if (!any_above) return add_all<kBelow128>(planes, tile, tile.x, tile.x, added);
  constexpr int kWorthIt = 4;  // outputs that share the magnitudes and signs
  if (any_lowest || !planes.odd || tile.outputs < kWorthIt) {
    return add_all<kAll>(planes, tile, tile.x, tile.x, added);
  }
  // v + bias is a product's word, xor with ones makes it -v + bias - 1.
  uint8_t* const magnitudes = tile.scratch;
  uint8_t* const signs = magnitudes + kTileDepth * kTilePositions;
  for (int v = 0; v < count; ++v) {
    Words negative = {};
    for (int k = 0; k < tile.depth; ++k) {
      const int64_t at = k * kTilePositions + 64 * v;
      const Vector sign = _mm512_movm_epi8(_mm512_movepi8_mask(code(k, v)));
      _mm512_store_si512(magnitudes + at, _mm512_abs_epi8(code(k, v)));
      _mm512_store_si512(signs + at, sign);
      add_bytes(negative, _mm512_and_si512(sign, _mm512_set1_epi8(1)));
    }
    write(added + 64 * v, negative, Words{}, 0, added + 64 * v);
  }
  add_all<kSignAndMagnitude>(planes, tile, magnitudes, signs, added);
}

void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int32_t>& tile) {
  add(planes, tile);
}
void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int64_t>& tile) {
  add(planes, tile);
}

}  // namespace mbm_hw::MBM_HW_ISA

#endif
