// MBM's correction apart from Mitchell's products. 5/64 * 2**(k + k2) is a product of two powers of
// two, summed exactly as pairs of int16 (pair_sums.h) up to 12 bits: half a `vpdpwssd` for a register
// of products, or `vpmaddwd` and an addition for two on AVX2, where pattern_kernel.cpp's multiply-add
// and conversion are two instructions for one. The sum is in 64ths; what products of small operands,
// k + k2 below 6, lack of their floors comes from a table (small_products.h).
#include "kernels.h"
#include "pair_sums.h"
#include "small_products.h"

#ifdef MBM_HW_LANES

namespace mbm_hw::MBM_HW_ISA {
namespace {

constexpr uint32_t kWithoutMantissa = 0xFF800000;

struct Made {
  alignas(64) Pairs powers;
  SmallCodes small;
  SmallWeights chosen;
};
static_assert(sizeof(Made) <= kPatternScratch && kPairPositions == kPatternPanel);

// Codes without their fractions.
template <class Code>
Integers powers_of(const Code* x) {
  return truncated(floats(both(integers(to_floats(widened(x))), all(kWithoutMantissa))));
}

template <class Code, class Sum>
void make_powers(const Tile<Code, Sum, uint32_t>& tile, int panel, Pairs& made) {
  for (int k = 0; k < tile.depth; k += 2) {
    for (int p = panel; p < panel + kPairPositions; p += kLanes) {
      const Integers even = powers_of(tile.row(k) + p);
      const Integers odd = k + 1 < tile.depth ? powers_of(tile.row(k + 1) + p) : all(0);
      store(made[k / 2] + p - panel, either(both(even, all(0xFFFF)), raised<16>(odd)));
    }
  }
}

void make_weights(const uint32_t* w, int depth, int16_t* made) {
  for (int k = 0; k < depth; ++k) {
    made[k] = int16_t(__builtin_bit_cast(float, w[k] & kWithoutMantissa));
  }
  if (depth % 2) made[depth] = 0;
}

// What products of small operands lack, in 64ths; at most 64 each, so that a tile's sums fit.
void sum_lacking(const SmallProducts& small, int o, const Made& made, int16_t* sums) {
  Integers totals[2 * kByteVectors];
  for (Integers& total : totals) total = all(0);
  for (int i = 0; i < made.chosen.count[o]; ++i) {
    const SmallEntries entries(small, made.chosen.found[o][i], made.small);
#pragma GCC unroll 2
    for (int v = 0; v < kByteVectors; ++v) {
      add_bytes(entries(v), totals[2 * v], totals[2 * v + 1]);
    }
  }
  for (int v = 0; v < 2 * kByteVectors; ++v) store((uint32_t*)(sums + v * 2 * kLanes), totals[v]);
}

template <class Code, class Sum>
void add(const PatternParameters& parameters, const Tile<Code, Sum, uint32_t>& tile) {
  auto& made = *reinterpret_cast<Made*>(tile.scratch);
  const Integers factor = all(parameters.sixty_fourths);
  choose_small(parameters.small_in_64ths, tile, made.chosen);
  for (int panel = 0; panel < tile.positions; panel += kPairPositions) {
    make_powers(tile, panel, made.powers);
    make_small_codes(tile, panel, made.small);
    in_blocks<kPairOutputs>(tile.outputs, [&]<int outputs>(int first) {
      alignas(64) PairWeights weights;
      alignas(64) int16_t lacking[outputs][kPairPositions];
      for (int o = 0; o < outputs; ++o) {
        const uint32_t* w = tile.w + (first + o) * tile.w_stride;
        make_weights(w, tile.depth, weights[o]);
        sum_lacking(parameters.small_in_64ths, first + o, made, lacking[o]);
      }
      sum_pairs<outputs>(made.powers, weights, tile.depth, [&](int o, int p, Integers powers) {
        // (powers * factor + lacking) / 64, which has no remainder, within 32 bits
        const Integers parts =
            plus(product(both(powers, all(63)), factor), widened(lacking[o] + p));
        const Integers whole = product(lowered<6>(powers), factor);
        add_to(tile.sums + (first + o) * kTilePositions + panel + p,
               plus(whole, lowered<6>(parts)));
      });
    });
  }
}

}  // namespace

void power_add(const PatternParameters& parameters, const Tile<int16_t, int64_t, uint32_t>& tile) {
  add(parameters, tile);
}

}  // namespace mbm_hw::MBM_HW_ISA

#endif
