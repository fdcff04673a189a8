// What products of small operands lack, from a row of bytes for each small weight: few weights are.
#pragma once

#include "kernels.h"
#include "lanes.h"

#ifdef MBM_HW_LANES

namespace mbm_hw::MBM_HW_ISA {
namespace {

constexpr int kBytes = 4 * kLanes, kByteVectors = kPatternPanel / kBytes;

inline Integers load(const int8_t* x) { return load((const uint32_t*)x); }
inline void store(int8_t* x, Integers v) { store((uint32_t*)x, v); }

struct SmallCodes {
  alignas(64) int8_t codes[kTileDepth][kPatternPanel];  // from -63 to 63, or 0 for others
#ifdef MBM_HW_AVX2
  alignas(64) int8_t indices[kTileDepth][kPatternPanel];  // their magnitudes up to 15, + 112
#endif
};

#ifdef MBM_HW_AVX2
// Where codes' magnitudes lie in piece n; the top bit, where they do not: a byte shuffle gives 0.
inline Integers index_of(Integers code, int n) {
  const Integers index = _mm256_sub_epi8(_mm256_abs_epi8(code), _mm256_set1_epi8(int8_t(16 * n)));
  return _mm256_adds_epu8(index, _mm256_set1_epi8(112));
}
#endif

template <class Code, class Sum>
void make_small_codes(const Tile<Code, Sum, uint32_t>& tile, int panel, SmallCodes& made) {
  for (int k = 0; k < tile.depth; ++k) {
    const Code* x = tile.row(k) + panel;
    for (int p = 0; p < kPatternPanel; ++p) {
      const bool is_small = x[p] >= -kSmall && x[p] <= kSmall;
      made.codes[k][p] = int8_t(is_small ? x[p] : Code(0));
    }
#ifdef MBM_HW_AVX2
    for (int p = 0; p < kPatternPanel; p += kBytes) {
      store(made.indices[k] + p, index_of(load(made.codes[k] + p), 0));
    }
#endif
  }
}

struct SmallWeight {
  uint8_t term;
  int8_t code;
};

// Those of a tile's outputs.
struct SmallWeights {
  SmallWeight found[kTileOutputs][kTileDepth];
  int count[kTileOutputs];
};

template <class Code, class Sum>
void choose_small(const SmallProducts& small, const Tile<Code, Sum, uint32_t>& tile,
                  SmallWeights& chosen) {
  const Integers below = all(small.first - 1), end = all(small.end);
  for (int o = 0; o < tile.outputs; ++o) {
    const uint32_t* w = tile.w + o * tile.w_stride;
    int count = 0;
    for (int k = 0; k < tile.depth; k += kLanes) {
      const int rest = tile.depth - k;
      uint32_t last[kLanes] = {};
      for (int i = 0; i < rest && rest < kLanes; ++i) last[i] = w[k + i];
      const Integers magnitudes = both(load(rest < kLanes ? last : w + k), all(0x7FFFFFFF));
      uint32_t found =
          bits_of(where_below(below, magnitudes)) & bits_of(where_below(magnitudes, end));
      for (; found; found &= found - 1) {
        const int term = k + __builtin_ctz(found);
        chosen.found[o][count++] = {uint8_t(term), int8_t(__builtin_bit_cast(float, w[term]))};
      }
    }
    chosen.count[o] = count;
  }
}

// The entries of a weight's row for its term's codes.
struct SmallEntries {
  const int8_t *row, *codes;
#ifdef MBM_HW_AVX2
  const int8_t* indices;
  int pieces;
#endif

  SmallEntries(const SmallProducts& small, SmallWeight weight, const SmallCodes& made)
      : row(small.rows + 128 * (weight.code + kSmall)), codes(made.codes[weight.term]) {
#ifdef MBM_HW_AVX2
    indices = made.indices[weight.term];
    pieces = small.pieces[weight.code + kSmall];
#endif
  }

  // Bytes kBytes * v and on.
  Integers operator()(int v) const {
    const Integers code = load(codes + kBytes * v);
#ifdef MBM_HW_AVX512
    return _mm512_permutex2var_epi8(load(row), code, load(row + 64));
#else
    const auto piece = [&](int n, Integers index) {
      const __m128i entries = _mm_load_si128((const __m128i*)(row + 16 * n));
      return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(entries), index);
    };
    Integers found = piece(0, load(indices + kBytes * v));
    for (int n = 1; n < pieces; ++n) found = either(found, piece(n, index_of(code, n)));
    return _mm256_sign_epi8(found, code);
#endif
  }
};

}  // namespace
}  // namespace mbm_hw::MBM_HW_ISA

#endif
