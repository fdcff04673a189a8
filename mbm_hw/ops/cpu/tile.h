// The interface between the convolution and the multipliers: a tile, [depth x positions] of packed
// activations against [outputs x depth] of packed weights.
#pragma once

#include <cstdint>

namespace mbm_hw {

// Positions (output pixels, over all images) of a tile: what one weight's table row is reused for.
inline constexpr int kTilePositions = 256;
// Terms of the sum in a tile: tiles of this size stay in the second-level cache.
inline constexpr int kTileDepth = 256;
// Outputs (channels) that share one packing of the activations.
inline constexpr int kTileOutputs = 256;

// sums[o][p] += sum over k < depth of product(x[k][p], w[o][k]), o < outputs, p < positions.
//
// Kernels may work on positions rounded up to a multiple of kPositionStep: those beyond `positions`
// hold code 0, and their sums are not used.
inline constexpr int kPositionStep = 64;

template <class Operand, class Sum, class Weight = Operand>
struct Tile {
  const Operand* x;  // [depth][kTilePositions]
  const Weight* w;   // [outputs][w_stride]
  int64_t w_stride;
  Sum* sums;  // [outputs][kTilePositions]
  int outputs, depth, positions;
  uint8_t* scratch;  // the multiplier's kScratch bytes
};

// A multiplier, for the convolution, is a class with
//   Code     the type of a code in the tensors: int8_t, uint8_t, int16_t, int32_t; float
//   Operand  what an activation's code is packed into
//   Weight   what a weight's code is packed into
//   Sum      int32_t, int64_t or float, the type of the result
//   kName    how it gets its products
//   kScratch bytes of scratch memory that add() wants; they begin on a cache line, as x and sums do
//   Operand encode(Code) const
//   Weight encode_weight(Code) const
//   void add(const Tile<Operand, Sum, Weight>&) const
//   Sum finish(Sum) const, where the result is not the sum itself

}  // namespace mbm_hw
