// Sums of products of int16, two terms at a time and exact in int32: `vpdpwssd` takes 32 products on
// AVX-512, `vpmaddwd` and an addition take 16 on AVX2. A block of sums is in registers: a pair of
// terms loads kPairVectors of activations and, for each output, the weights.
#pragma once

#include <cstring>

#include "kernels.h"
#include "sums.h"

#ifdef MBM_HW_LANES

namespace mbm_hw::MBM_HW_ISA {
namespace {

#ifdef MBM_HW_AVX512
constexpr int kPairVectors = 4;
#else
constexpr int kPairVectors = 2;
#endif
constexpr int kPairOutputs = 6;
constexpr int kPairPositions = 64;  // whose pairs are made together

// The activations of two terms side by side, the first in the low half.
using Pairs = uint32_t[kTileDepth / 2][kPairPositions];
static_assert(sizeof(Pairs) <= kPairScratch);
// Of each output; a zero follows the last of an odd number.
using PairWeights = int16_t[kPairOutputs][kTileDepth];

inline Integers weight_pair(const int16_t* w) {
  uint32_t pair;
  std::memcpy(&pair, w, sizeof pair);
  return all(pair);
}

// Of a block: sums over `depth` terms of x[.][p ...] times w[o][.].
template <int outputs>
struct BlockOfPairSums {
  alignas(64) uint32_t sums[outputs][kPairVectors * kLanes];

  // Not inlined: GCC then keeps the sums in registers.
  __attribute__((noinline)) BlockOfPairSums(const Pairs& x, int p, const PairWeights& w,
                                            int depth) {
    Integers sum[outputs][kPairVectors];
    for (int o = 0; o < outputs; ++o) {
      for (int v = 0; v < kPairVectors; ++v) sum[o][v] = all(0);
    }
    for (int k = 0; k < depth; k += 2) {
      Integers pair[kPairVectors];
      for (int v = 0; v < kPairVectors; ++v) pair[v] = load(x[k / 2] + p + v * kLanes);
#pragma GCC unroll 8
      for (int o = 0; o < outputs; ++o) {
        const Integers weights = weight_pair(w[o] + k);
        for (int v = 0; v < kPairVectors; ++v) sum[o][v] = add_pairs(sum[o][v], pair[v], weights);
      }
    }
#pragma GCC unroll 8
    for (int o = 0; o < outputs; ++o) {
      for (int v = 0; v < kPairVectors; ++v) store(sums[o] + v * kLanes, sum[o][v]);
    }
  }
};

// Calls finish(o, p, sums): sums[i] is that over `depth` terms of x[.][p + i] times w[o][.].
template <int outputs, class Finish>
inline void sum_pairs(const Pairs& x, const PairWeights& w, int depth, const Finish& finish) {
  constexpr int kStrip = kPairVectors * kLanes;
  for (int p = 0; p < kPairPositions; p += kStrip) {
    const BlockOfPairSums<outputs> block(x, p, w, depth);
    for (int o = 0; o < outputs; ++o) {
      for (int i = 0; i < kStrip; i += kLanes) finish(o, p + i, load(block.sums[o] + i));
    }
  }
}

}  // namespace
}  // namespace mbm_hw::MBM_HW_ISA

#endif
