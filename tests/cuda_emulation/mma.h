// The tensor cores' mma.m16n8k32 on int8, emulated from the PTX ISA's tables ("Matrix Fragments for
// mma.m16n8k32"): each lane's four bytes of a register, and the element of A, B or C that each is.
#pragma once

#include "device.h"

#include <array>
#include <vector>

namespace cuda_emulation {

// What all lanes of the running thread's warp pass as `value`.
template <class T>
std::array<T, kLanes> all_exchanged(const T& value) {
  static_assert(sizeof(T) <= kExchangeBytes);
  std::memcpy(exchange()[thread_index() % kLanes], &value, sizeof(T));
  barrier(kWarp);
  std::array<T, kLanes> values;
  for (int lane = 0; lane < kLanes; ++lane) {
    std::memcpy(&values[lane], exchange()[lane], sizeof(T));
  }
  barrier(kWarp);
  return values;
}

struct FragmentA {
  uint32_t words[4];
};
struct FragmentB {
  uint32_t words[2];
};

struct MatrixA {
  int8_t element[16][32];

  explicit MatrixA(const std::array<FragmentA, kLanes>& fragments) {
    for (int lane = 0; lane < kLanes; ++lane) {
      for (int i = 0; i < 16; ++i) {
        const bool upper = i < 4 || (i >= 8 && i < 12);
        const int row = lane / 4 + (upper ? 0 : 8);
        const int column = lane % 4 * 4 + (i & 3) + (i < 8 ? 0 : 16);
        element[row][column] = int8_t(fragments[lane].words[i / 4] >> (i % 4 * 8));
      }
    }
  }
};

struct MatrixB {
  int8_t element[32][8];

  explicit MatrixB(const std::array<FragmentB, kLanes>& fragments) {
    for (int lane = 0; lane < kLanes; ++lane) {
      for (int i = 0; i < 8; ++i) {
        const int row = lane % 4 * 4 + (i & 3) + (i < 4 ? 0 : 16), column = lane / 4;
        element[row][column] = int8_t(fragments[lane].words[i / 4] >> (i % 4 * 8));
      }
    }
  }
};

inline void mma(int32_t (&sums)[4], const MatrixA& a, const MatrixB& b) {
  const int lane = int(thread_index()) % kLanes;
  for (int i = 0; i < 4; ++i) {
    const int row = lane / 4 + (i < 2 ? 0 : 8), column = lane % 4 * 2 + (i & 1);
    uint32_t sum = uint32_t(sums[i]);  // wraps
    for (int k = 0; k < 32; ++k) sum += uint32_t(a.element[row][k] * b.element[k][column]);
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
  std::vector<MatrixA> a;
  for (const auto& words : tile.a) {
    a.emplace_back(all_exchanged(std::bit_cast<FragmentA>(words)));
  }
  for (int j = 0; j < columns; ++j) {
    const MatrixB b(all_exchanged(std::bit_cast<FragmentB>(tile.b[j])));
    for (int i = 0; i < rows; ++i) mma(sums[i][j], a[i], b);
  }
}

}  // namespace mbm_hw
