// Exact products of int16: see pair_sums.h. A tile's sums fit int32 as long as products stay within
// 2**23; beyond 12 bits weights come in two parts, each of at most 2**7 in size.
#include "kernels.h"
#include "pair_sums.h"

#ifdef MBM_HW_LANES

namespace mbm_hw::MBM_HW_ISA {
namespace {

// Of 2 * kLanes positions from p: the pairs of terms k and k + 1, if there is one.
template <class Operand, class Sum>
void make_pairs(const Tile<Operand, Sum>& tile, int k, int p, Integers (&pairs)[2]) {
  alignas(64) static constexpr int16_t zeros[2 * kLanes] = {};
  const auto* odd = k + 1 < tile.depth ? (const int16_t*)tile.row(k + 1) + p : zeros;
  interleave((const int16_t*)tile.row(k) + p, odd, pairs);
}

// Of weights in two parts the first or the second: weight = first + 256 * second.
template <int parts>
int16_t part_of(int weight, int part) {
  if (parts == 1) return int16_t(weight);
  const auto first = int8_t(weight);
  return int16_t(part ? (weight - first) / 256 : first);
}

template <int parts, class Operand>
void make_weights(const Operand* w, int depth, int part, int16_t* made) {
  for (int k = 0; k < depth; ++k) made[k] = part_of<parts>(w[k], part);
  if (depth % 2) made[depth] = 0;
}

template <class Sum>
void add_part(Sum* sums, Integers added, [[maybe_unused]] int part) {
  if constexpr (sizeof(Sum) == 8) {
    if (part) return add_raised<8>(sums, added);
  }
  add_to(sums, added);
}

// A few outputs do not repay what it takes to lay out pairs.
template <int parts, class Operand, class Sum>
void add_directly(const Tile<Operand, Sum>& tile) {
  int16_t weights[parts][kTileDepth];
  for (int o = 0; o < tile.outputs; ++o) {
    for (int part = 0; part < parts; ++part) {
      make_weights<parts>(tile.w + o * tile.w_stride, tile.depth, part, weights[part]);
    }
    for (int p = 0; p < tile.positions; p += 2 * kLanes) {
      Integers sums[parts][2];
      for (auto& sum : sums) sum[0] = sum[1] = all(0);
      for (int k = 0; k < tile.depth; k += 2) {
        Integers pairs[2];
        make_pairs(tile, k, p, pairs);
        for (int part = 0; part < parts; ++part) {
          const Integers weight = weight_pair(weights[part] + k);
          for (int v = 0; v < 2; ++v) sums[part][v] = add_pairs(sums[part][v], pairs[v], weight);
        }
      }
      for (int part = 0; part < parts; ++part) {
        Sum* target = tile.sums + o * kTilePositions + p;
        for (int v = 0; v < 2; ++v) add_part(target + v * kLanes, sums[part][v], part);
      }
    }
  }
}

template <int parts, class Operand, class Sum>
void add_parts(const Tile<Operand, Sum>& tile) {
  if (tile.outputs < kPairOutputs) return add_directly<parts>(tile);
  auto& made = *reinterpret_cast<Pairs*>(tile.scratch);
  for (int panel = 0; panel < tile.positions; panel += kPairPositions) {
    for (int k = 0; k < tile.depth; k += 2) {
      for (int p = 0; p < kPairPositions; p += 2 * kLanes) {
        Integers pairs[2];
        make_pairs(tile, k, panel + p, pairs);
        for (int v = 0; v < 2; ++v) store(made[k / 2] + p + v * kLanes, pairs[v]);
      }
    }
    in_blocks<kPairOutputs>(tile.outputs, [&]<int outputs>(int first) {
      for (int part = 0; part < parts; ++part) {
        PairWeights weights;
        for (int o = 0; o < outputs; ++o) {
          const Operand* w = tile.w + (first + o) * tile.w_stride;
          make_weights<parts>(w, tile.depth, part, weights[o]);
        }
        sum_pairs<outputs>(made, weights, tile.depth, [&](int o, int p, Integers sums) {
          add_part(tile.sums + (first + o) * kTilePositions + panel + p, sums, part);
        });
      }
    });
  }
}

}  // namespace

void exact_pairs_add(const Tile<int16_t, int32_t>& tile, int) { add_parts<1>(tile); }
void exact_pairs_add(const Tile<uint16_t, int64_t>& tile, int) { add_parts<1>(tile); }
void exact_pairs_add(const Tile<int16_t, int64_t>& tile, int width) {
  width > 12 ? add_parts<2>(tile) : add_parts<1>(tile);
}

}  // namespace mbm_hw::MBM_HW_ISA

#endif
