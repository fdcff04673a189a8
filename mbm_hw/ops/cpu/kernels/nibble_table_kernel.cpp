// Products of 8-bit codes read from registers by `vpshufb`, which looks up 32 bytes in 16 and gives
// 0 where an index is negative. A half row of 128 products is 8 pieces of 16; piece n is looked up
// with the code less 16 n, and holds its entries xor those of the piece before. So for a code in
// piece m the pieces above give 0, and the others' xor is the entry of piece m. Codes from 128 on
// are looked up as 255 - code in a half row of their own. See byte_table_kernel.cpp for the byte
// planes and their sums.
//
// Codes near zero are the rule: for each term, 64 positions' codes say how many pieces are needed,
// and terms of equal needs go together. Per 32 products of p pieces: 2 p look-ups, 2 p - 2 xor,
// p - 1 subtractions, 2 shifts, 4 adds: 5 p + 3 instructions, 8 to 43. Zen 3 does four a cycle, two
// of them look-ups. The pieces are loaded once for 2 registers of positions: 8 registers of sums
// leave room for no more.
#include "intrinsics.h"
#include "kernels.h"

#ifdef MBM_HW_AVX2

namespace mbm_hw::MBM_HW_ISA {

using Vector = __m256i;

static constexpr int kVectors = 2, kPositions = 32 * kVectors, kPieces = 8;
static_assert(kPositions <= kPositionStep);

static inline Vector load(const uint8_t* data) { return _mm256_load_si256((const Vector*)data); }
static inline void store(void* data, Vector x) { _mm256_store_si256((Vector*)data, x); }
static inline Vector piece(const uint8_t* data) {
  return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i*)data));
}

// Hides a chain of operations from the compiler, which would turn it into a tree that needs more
// registers than there are.
static inline Vector in_order(Vector x) {
  asm("" : "+x"(x));
  return x;
}

// Sums of bytes in words: all of a plane as words, and its odd bytes.
struct Words {
  Vector all, odd;
};

static inline void add_bytes(Words& sums, Vector bytes) {
  sums.all = _mm256_add_epi16(sums.all, bytes);
  sums.odd = _mm256_add_epi16(sums.odd, _mm256_srli_epi16(bytes, 8));
}

// A block's products so far: the low bytes and the high ones.
struct Sums {
  Words low[kVectors], high[kVectors];
};

// The codes of one term that are below 128, or those above, less than 0 elsewhere.
struct Term {
  uint8_t k;
  bool second;
};

// The terms of a block of positions in the order of the pieces that they need.
struct Terms {
  Term terms[2 * kTileDepth];
  uint8_t codes[2 * kTileDepth][kPositions];
  int end[kPieces + 1];  // of those with so many pieces, or fewer
};

template <int pieces>
static void add_terms(const BytePlanes& planes, const Terms& made, const uint8_t* w, Sums& sums) {
  Sums local = sums;
  for (int i = made.end[pieces - 1]; i < made.end[pieces]; ++i) {
    const Term term = made.terms[i];
    const uint8_t* row = (term.second ? planes.second : planes.first) + kBytePlanesRow * w[term.k];
    Vector code[kVectors], low[kVectors], high[kVectors];
#pragma GCC unroll 8
    for (int n = 0; n < pieces; ++n) {
      const Vector low_piece = piece(row + 32 * n), high_piece = piece(row + 32 * n + 16);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        code[v] = n == 0 ? load(&made.codes[i][32 * v])
                         : _mm256_subs_epi8(code[v], _mm256_set1_epi8(16));
        const Vector l = _mm256_shuffle_epi8(low_piece, code[v]);
        const Vector h = _mm256_shuffle_epi8(high_piece, code[v]);
        low[v] = in_order(n == 0 ? l : _mm256_xor_si256(low[v], l));
        high[v] = in_order(n == 0 ? h : _mm256_xor_si256(high[v], h));
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      add_bytes(local.low[v], low[v]);
      add_bytes(local.high[v], high[v]);
    }
  }
  sums = local;
}

// How many pieces hold the codes that are not negative.
static inline int pieces_of(const Vector (&codes)[kVectors]) {
  for (int n = 0;; ++n) {
    const Vector below = _mm256_set1_epi8(int8_t(16 * n - 1));
    Vector any = _mm256_cmpgt_epi8(codes[0], below);
    for (int v = 1; v < kVectors; ++v) {
      any = _mm256_or_si256(any, _mm256_cmpgt_epi8(codes[v], below));
    }
    if (!_mm256_movemask_epi8(any)) return n;
  }
}

static void make_terms(const uint8_t* x, int depth, Terms& made) {
  const auto codes_of = [&](int k, bool second, Vector (&codes)[kVectors]) {
    for (int v = 0; v < kVectors; ++v) {
      const Vector code = load(x + k * kTilePositions + 32 * v);
      codes[v] = _mm256_xor_si256(code, _mm256_set1_epi8(second ? -1 : 0));
    }
  };
  uint8_t needs[2][kTileDepth];
  int count[kPieces + 1] = {};
  Vector codes[kVectors];
  for (int k = 0; k < depth; ++k) {
    for (const bool second : {false, true}) {
      codes_of(k, second, codes);
      ++count[needs[second][k] = uint8_t(pieces_of(codes))];
    }
  }
  int next[kPieces + 1] = {};
  for (int n = 1; n <= kPieces; ++n) next[n] = n == 1 ? 0 : next[n - 1] + count[n - 1];
  for (int k = 0; k < depth; ++k) {
    for (const bool second : {false, true}) {
      if (!needs[second][k]) continue;
      const int i = next[needs[second][k]]++;
      made.terms[i] = {uint8_t(k), second};
      codes_of(k, second, codes);
      for (int v = 0; v < kVectors; ++v) store(&made.codes[i][32 * v], codes[v]);
    }
  }
  for (int n = 0; n <= kPieces; ++n) made.end[n] = next[n];
}

// sums[0 to 31] += low + 256 * high - bias
template <class Sum>
static inline void write(Sum* sums, const Words& low, const Words& high, int bias) {
  alignas(32) uint16_t words[4][16];
  const Vector parts[4] = {low.all, low.odd, high.all, high.odd};
  for (int i = 0; i < 4; ++i) store(words[i], parts[i]);
  for (int i = 0; i < 16; ++i) {
    const int low_even = uint16_t(words[0][i] - (words[1][i] << 8));
    const int high_even = uint16_t(words[2][i] - (words[3][i] << 8));
    sums[2 * i] += low_even + 256 * high_even - bias;
    sums[2 * i + 1] += words[1][i] + 256 * words[3][i] - bias;
  }
}

template <class Sum>
static void add(const BytePlanes& planes, const Tile<uint8_t, Sum>& tile) {
  auto& made = *reinterpret_cast<Terms*>(tile.scratch);
  for (int p = 0; p < tile.positions; p += kPositions) {
    make_terms(tile.x + p, tile.depth, made);
    for (int o = 0; o < tile.outputs; ++o) {
      const uint8_t* w = tile.w + o * tile.w_stride;
      Sums sums{};
      add_terms<1>(planes, made, w, sums);
      add_terms<2>(planes, made, w, sums);
      add_terms<3>(planes, made, w, sums);
      add_terms<4>(planes, made, w, sums);
      add_terms<5>(planes, made, w, sums);
      add_terms<6>(planes, made, w, sums);
      add_terms<7>(planes, made, w, sums);
      add_terms<8>(planes, made, w, sums);
      for (int v = 0; v < kVectors; ++v) {
        write(tile.sums + o * kTilePositions + p + 32 * v, sums.low[v], sums.high[v],
              planes.bias * tile.depth);
      }
    }
  }
}

void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int32_t>& tile) {
  add(planes, tile);
}
void byte_table_add(const BytePlanes& planes, const Tile<uint8_t, int64_t>& tile) {
  add(planes, tile);
}

}  // namespace mbm_hw::MBM_HW_ISA

#endif
