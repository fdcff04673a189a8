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
// hold any codes, and their sums are not used.
inline constexpr int kPositionStep = 64;

template <class Operand, class Sum, class Weight = Operand>
struct Tile {
  const Operand* x;  // [depth][kTilePositions], but for `rows`
  const Weight* w;   // [outputs][w_stride]
  int64_t w_stride;
  Sum* sums;  // [outputs][kTilePositions]
  int outputs, depth, positions;
  uint8_t* scratch;  // the multiplier's kScratch bytes
  // Where the rows of x begin that overlap, if they do: those of one channel under a kernel. Only
  // multipliers that take planes are given such.
  const int64_t* rows = nullptr;

  __attribute__((always_inline)) const Operand* row(int k) const {
    return x + (rows ? rows[k] : int64_t(k) * kTilePositions);
  }
  // Values from x to the end of all rows, the positions rounded up, if that many can be made into
  // what the kernel works on in fewer steps, in room for `most`; else 0.
  __attribute__((always_inline)) int plane(int most) const {
    int64_t last = 0;
    for (int k = 0; k < depth && rows; ++k) last = rows[k] > last ? rows[k] : last;
    const int width = (positions + kPositionStep - 1) / kPositionStep * kPositionStep;
    const int64_t size = last + width;
    return rows && size <= most && size < int64_t(depth) * width ? int(size) : 0;
  }
};

// A multiplier, for the convolution, is a class with
//   Code     the type of a code in the tensors: int8_t, uint8_t, int16_t, int32_t; float
//   Operand  what an activation's code is packed into
//   Weight   what a weight's code is packed into
//   Sum      int32_t, int64_t or float, the type of the result
//   kName    how it gets its products
//   kTakesPlanes whether its tiles may have `rows`
//   kScratch bytes of scratch memory that add() wants; they begin on a cache line, as x and sums do
//   bool takes_codes() const
//            whether operands are codes, bit for bit
//   encoder(), weight_encoder() const
//            functions Operand(Code) and Weight(Code) that hold copies of what they need: so targets
//            of bytes, which may be anything, cannot change it, and loops become vectors
//   void add(const Tile<Operand, Sum, Weight>&) const
//   float unscale() const, where Sum is float: what sums are to be multiplied by

}  // namespace mbm_hw
