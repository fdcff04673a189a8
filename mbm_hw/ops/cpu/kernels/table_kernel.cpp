#include "kernels.h"

namespace mbm_hw::MBM_HW_ISA {

template <class Entry, class Operand, class Sum>
static void add(const Entry* rows, int width, const Tile<Operand, Sum>& tile) {
  for (int o = 0; o < tile.outputs; ++o) {
    const Operand* w = tile.w + o * tile.w_stride;
    Sum* __restrict sums = tile.sums + o * kTilePositions;
    const auto row = [&](int k) { return rows + (int64_t(w[k]) << width); };
    int k = 0;
    // Four products of at most 24 bits fit 32: the sum is loaded and stored once for four of them.
    for (; k + 4 <= tile.depth; k += 4) {
      const Operand* x = tile.x + k * kTilePositions;
      const Entry *r0 = row(k), *r1 = row(k + 1), *r2 = row(k + 2), *r3 = row(k + 3);
      for (int p = 0; p < tile.positions; ++p) {
        sums[p] += int32_t(r0[x[p]]) + int32_t(r1[x[p + kTilePositions]]) +
                   int32_t(r2[x[p + 2 * kTilePositions]]) + int32_t(r3[x[p + 3 * kTilePositions]]);
      }
    }
    for (; k < tile.depth; ++k) {
      const Operand* x = tile.x + k * kTilePositions;
      const Entry* r0 = row(k);
      for (int p = 0; p < tile.positions; ++p) sums[p] += r0[x[p]];
    }
  }
}

void table_add(const int16_t* rows, int width, const Tile<uint8_t, int32_t>& tile) {
  add(rows, width, tile);
}
void table_add(const uint16_t* rows, int width, const Tile<uint8_t, int64_t>& tile) {
  add(rows, width, tile);
}
void table_add(const int32_t* rows, int width, const Tile<uint16_t, int64_t>& tile) {
  add(rows, width, tile);
}

}  // namespace mbm_hw::MBM_HW_ISA
