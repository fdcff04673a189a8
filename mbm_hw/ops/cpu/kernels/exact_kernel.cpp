#include "kernels.h"

namespace mbm_hw::MBM_HW_ISA {

// Product: holds the product of any two operands.
template <class Product, class Operand, class Sum>
static void add(const Tile<Operand, Sum>& tile) {
  for (int o = 0; o < tile.outputs; ++o) {
    const Operand* w = tile.w + o * tile.w_stride;
    Sum* __restrict sums = tile.sums + o * kTilePositions;
    int k = 0;
    for (; k + 4 <= tile.depth; k += 4) {
      const Operand *x0 = tile.row(k), *x1 = tile.row(k + 1);
      const Operand *x2 = tile.row(k + 2), *x3 = tile.row(k + 3);
      const Product w0 = w[k], w1 = w[k + 1], w2 = w[k + 2], w3 = w[k + 3];
      for (int p = 0; p < tile.positions; ++p) {
        sums[p] += Sum(w0 * x0[p]) + Sum(w1 * x1[p]) + Sum(w2 * x2[p]) + Sum(w3 * x3[p]);
      }
    }
    for (; k < tile.depth; ++k) {
      const Operand* x = tile.row(k);
      const Product weight = w[k];
      for (int p = 0; p < tile.positions; ++p) sums[p] += Sum(weight * x[p]);
    }
  }
}

void exact_add(const Tile<int16_t, int32_t>& tile) { add<int32_t>(tile); }
void exact_add(const Tile<uint16_t, int64_t>& tile) { add<uint32_t>(tile); }
void exact_add(const Tile<int16_t, int64_t>& tile) { add<int32_t>(tile); }

}  // namespace mbm_hw::MBM_HW_ISA
