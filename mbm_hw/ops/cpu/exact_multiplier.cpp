#include "exact_multiplier.h"

#include <type_traits>

namespace mbm_hw {

template <class CodeT, class OperandT, class SumT>
void ExactMultiplier<CodeT, OperandT, SumT>::add(const Tile<OperandT, SumT>& tile) const {
  // 32 bits hold one product of any two operands.
  using Product = std::conditional_t<std::is_signed_v<OperandT>, int32_t, uint32_t>;
  for (int o = 0; o < tile.outputs; ++o) {
    const OperandT* w = tile.w + o * tile.w_stride;
    SumT* __restrict sums = tile.sums + o * kTilePositions;
    int k = 0;
    for (; k + 4 <= tile.depth; k += 4) {
      const OperandT* x = tile.x + k * kTilePositions;
      const Product w0 = w[k], w1 = w[k + 1], w2 = w[k + 2], w3 = w[k + 3];
      for (int p = 0; p < tile.positions; ++p) {
        sums[p] += SumT(w0 * x[p]) + SumT(w1 * x[p + kTilePositions]) +
                   SumT(w2 * x[p + 2 * kTilePositions]) + SumT(w3 * x[p + 3 * kTilePositions]);
      }
    }
    for (; k < tile.depth; ++k) {
      const OperandT* x = tile.x + k * kTilePositions;
      const Product weight = w[k];
      for (int p = 0; p < tile.positions; ++p) sums[p] += SumT(weight * x[p]);
    }
  }
}

template struct ExactMultiplier<int8_t, int16_t, int32_t>;
template struct ExactMultiplier<uint8_t, uint16_t, int64_t>;
template struct ExactMultiplier<int16_t, int16_t, int64_t>;
template struct ExactMultiplier<int32_t, uint16_t, int64_t>;

}  // namespace mbm_hw
