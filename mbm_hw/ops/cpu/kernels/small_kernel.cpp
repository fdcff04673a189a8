// What pattern_kernel.cpp's products of small operands lack: -1, 0 or 1; see small_products.h. They
// are byte sums: 3 instructions (2 on AVX-512) for 32 (64) products of a weight whose row has entries
// only for codes below 16 in size.
#include "small_products.h"

#ifdef MBM_HW_LANES

namespace mbm_hw::MBM_HW_ISA {
namespace {

constexpr int kMostTerms = 127;  // in a sum of bytes

struct Made {
  SmallCodes codes;
  SmallWeights weights;
};
static_assert(sizeof(Made) <= kPatternScratch);

inline Integers plus_bytes(Integers a, Integers b) {
#ifdef MBM_HW_AVX512
  return _mm512_add_epi8(a, b);
#else
  return _mm256_add_epi8(a, b);
#endif
}

template <class Code, class Sum>
void add(const PatternParameters& parameters, const Tile<Code, Sum, uint32_t>& tile) {
  auto& [made, chosen] = *reinterpret_cast<Made*>(tile.scratch);
  choose_small(parameters.small, tile, chosen);
  for (int panel = 0; panel < tile.positions; panel += kPatternPanel) {
    make_small_codes(tile, panel, made);
    for (int o = 0; o < tile.outputs; ++o) {
      const int count = chosen.count[o];
      for (int first = 0; first < count; first += kMostTerms) {
        const int end = count - first < kMostTerms ? count : first + kMostTerms;
        Integers totals[kByteVectors];
        for (int v = 0; v < kByteVectors; ++v) totals[v] = all(0);
        for (int i = first; i < end; ++i) {
          const SmallEntries entries(parameters.small, chosen.found[o][i], made);
#pragma GCC unroll 2
          for (int v = 0; v < kByteVectors; ++v) totals[v] = plus_bytes(totals[v], entries(v));
        }
        alignas(64) int8_t bytes[kPatternPanel];
        for (int v = 0; v < kByteVectors; ++v) store(bytes + v * kBytes, totals[v]);
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
