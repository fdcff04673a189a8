// The tensor cores' mma.m16n8k32 on int8, emulated from the PTX ISA's tables ("Matrix Fragments for
// mma.m16n8k32"): each lane's four bytes of a register, and the element of A, B or C that each is.
#pragma once

#include "device.h"

namespace cuda_emulation {

inline constexpr int kMostWarps = 32, kMostTiles = 8;

// The operands of a warp's mma's, together: each lane enters what its registers hold.
struct Operands {
  int8_t a[kMostTiles][16][32];
  int8_t b[kMostTiles][32][8];
};
inline Operands& operands() {
  static Operands of_warp[kMostWarps];
  return of_warp[thread_index() / kLanes];
}

inline void enter_a(int8_t (&a)[16][32], const uint32_t (&words)[4], int lane) {
  for (int i = 0; i < 16; ++i) {
    const int row = lane / 4 + (i < 4 || (i >= 8 && i < 12) ? 0 : 8);
    const int column = lane % 4 * 4 + (i & 3) + (i < 8 ? 0 : 16);
    a[row][column] = int8_t(words[i / 4] >> (i % 4 * 8));
  }
}

inline void enter_b(int8_t (&b)[32][8], const uint32_t (&words)[2], int lane) {
  for (int i = 0; i < 8; ++i) {
    const int row = lane % 4 * 4 + (i & 3) + (i < 4 ? 0 : 16), column = lane / 4;
    b[row][column] = int8_t(words[i / 4] >> (i % 4 * 8));
  }
}

inline void mma(int32_t (&sums)[4], const int8_t (&a)[16][32], const int8_t (&b)[32][8], int lane) {
  for (int i = 0; i < 4; ++i) {
    const int row = lane / 4 + (i < 2 ? 0 : 8), column = lane % 4 * 2 + (i & 1);
    uint32_t sum = uint32_t(sums[i]);  // wraps
    for (int k = 0; k < 32; ++k) sum += uint32_t(a[row][k] * b[k][column]);
    sums[i] = int32_t(sum);
  }
}

}  // namespace cuda_emulation

namespace mbm_hw {

template <int rows, int columns>
struct WarpTile;

template <int rows, int columns>
void multiply(int32_t (&sums)[rows][columns][4], const WarpTile<rows, columns>& tile) {
  using namespace cuda_emulation;
  static_assert(rows <= kMostTiles && columns <= kMostTiles);
  const int lane = int(thread_index()) % kLanes;
  Operands& of_warp = operands();
  for (int i = 0; i < rows; ++i) enter_a(of_warp.a[i], tile.a[i], lane);
  for (int j = 0; j < columns; ++j) enter_b(of_warp.b[j], tile.b[j], lane);
  barrier(kWarp);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) mma(sums[i][j], of_warp.a[i], of_warp.b[j], lane);
  }
  barrier(kWarp);
}

}  // namespace mbm_hw
