// What pattern_kernel.cpp's products of small operands lack: -1, 0 or 1, from a row of bytes for
// each small weight. Few weights are small, and theirs are byte sums: 3 instructions (2 on AVX-512)
// for 32 (64) products of a weight whose row has entries only for codes below 16 in size.
#include "kernels.h"
#include "lanes.h"

#ifdef MBM_HW_LANES

namespace mbm_hw::MBM_HW_ISA {
namespace {

constexpr int kMostTerms = 127;  // in a sum of bytes

constexpr int kBytes = 4 * kLanes, kVectors = kPatternPanel / kBytes;

inline Integers load(const int8_t* x) { return load((const uint32_t*)x); }
inline void store(int8_t* x, Integers v) { store((uint32_t*)x, v); }

struct Made {
  alignas(64) int8_t codes[kTileDepth][kPatternPanel];  // from -63 to 63, or 0 for others
  alignas(64) int8_t indices[kTileDepth][kPatternPanel];  // AVX2: their magnitudes up to 15, + 112
  uint8_t chosen[kTileOutputs][kTileDepth];             // the terms of an output's small weights
  int count[kTileOutputs];
};
static_assert(sizeof(Made) <= kPatternScratch);

#ifdef MBM_HW_AVX2
// Where codes' magnitudes lie in piece n; the top bit, where they do not: a byte shuffle gives 0.
inline Integers index_of(Integers code, int n) {
  const Integers index = _mm256_sub_epi8(_mm256_abs_epi8(code), _mm256_set1_epi8(int8_t(16 * n)));
  return _mm256_adds_epu8(index, _mm256_set1_epi8(112));
}
#endif

template <class Code, class Sum>
void make_codes(const Tile<Code, Sum, uint32_t>& tile, int panel, Made& made) {
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

template <class Code, class Sum>
void choose(const PatternParameters& parameters, const Tile<Code, Sum, uint32_t>& tile,
            Made& made) {
  const Integers below = all(parameters.small_min - 1), end = all(parameters.small_end);
  for (int o = 0; o < tile.outputs; ++o) {
    const uint32_t* w = tile.w + o * tile.w_stride;
    int count = 0;
    for (int k = 0; k < tile.depth; k += kLanes) {
      const int rest = tile.depth - k;
      uint32_t last[kLanes] = {};
      for (int i = 0; i < rest && rest < kLanes; ++i) last[i] = w[k + i];
      const Integers magnitudes = both(load(rest < kLanes ? last : w + k), all(0x7FFFFFFF));
      uint32_t chosen =
          bits_of(where_below(below, magnitudes)) & bits_of(where_below(magnitudes, end));
      for (; chosen; chosen &= chosen - 1) {
        made.chosen[o][count++] = uint8_t(k + __builtin_ctz(chosen));
      }
    }
    made.count[o] = count;
  }
}

// totals += the row's entries for the codes.
inline void add_row(const int8_t* row, [[maybe_unused]] int pieces, const Made& made, int k,
                    Integers (&totals)[kVectors]) {
#ifdef MBM_HW_AVX512
  for (int v = 0; v < kVectors; ++v) {
    const Integers code = load(made.codes[k] + kBytes * v);
    const Integers entry = _mm512_permutex2var_epi8(load(row), code, load(row + 64));
    totals[v] = _mm512_add_epi8(totals[v], entry);
  }
#else
  const auto add_piece = [&](int n, int v, Integers code, Integers index) {
    const Integers piece =
        _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i*)(row + 16 * n)));
    const Integers entry = _mm256_shuffle_epi8(piece, index);
    totals[v] = _mm256_add_epi8(totals[v], _mm256_sign_epi8(entry, code));
  };
  for (int v = 0; v < kVectors; ++v) {
    add_piece(0, v, load(made.codes[k] + kBytes * v), load(made.indices[k] + kBytes * v));
  }
  for (int n = 1; n < pieces; ++n) {
    for (int v = 0; v < kVectors; ++v) {
      const Integers code = load(made.codes[k] + kBytes * v);
      add_piece(n, v, code, index_of(code, n));
    }
  }
#endif
}

template <class Code, class Sum>
void add(const PatternParameters& parameters, const Tile<Code, Sum, uint32_t>& tile) {
  auto& made = *reinterpret_cast<Made*>(tile.scratch);
  choose(parameters, tile, made);
  for (int panel = 0; panel < tile.positions; panel += kPatternPanel) {
    make_codes(tile, panel, made);
    for (int o = 0; o < tile.outputs; ++o) {
      for (int first = 0; first < made.count[o]; first += kMostTerms) {
        const int end = made.count[o] - first < kMostTerms ? made.count[o] : first + kMostTerms;
        Integers totals[kVectors];
        for (int v = 0; v < kVectors; ++v) totals[v] = all(0);
        for (int i = first; i < end; ++i) {
          const int k = made.chosen[o][i];
          const int weight = int(__builtin_bit_cast(float, tile.w[o * tile.w_stride + k]));
          add_row(parameters.small + 128 * (weight + kSmall),
                  parameters.small_pieces[weight < 0 ? -weight : weight], made, k, totals);
        }
        alignas(64) int8_t bytes[kPatternPanel];
        for (int v = 0; v < kVectors; ++v) store(bytes + v * kBytes, totals[v]);
        Sum* sums = tile.sums + o * kTilePositions + panel;
        for (int i = 0; i < kPatternPanel; ++i) sums[i] += bytes[i];
      }
    }
  }
}

}  // namespace

void small_add(const PatternParameters& parameters, const Tile<int8_t, int32_t, uint32_t>& tile) {
  add(parameters, tile);
}
void small_add(const PatternParameters& parameters, const Tile<int16_t, int64_t, uint32_t>& tile) {
  add(parameters, tile);
}

}  // namespace mbm_hw::MBM_HW_ISA

#endif
