// The tensor cores' instruction mma.m16n8k32 on int8, and the factors that it is fed with.
//
// A fragment's word holds four values along k; which k is free as long as A and B agree. So a word
// holds four factors of one code, and a thread fetches it from the code's line of factors in shared
// memory. Ref: PTX ISA, "Matrix Fragments for mma.m16n8k32": with group = lane / 4 and
// member = lane % 4, A's words are rows group, group + 8, group, group + 8, B's column group, of
// four k each that belong to `member`: the first half of the words to k < 16, the second to k >= 16.
#pragma once

#include "types.h"

namespace mbm_hw {

inline constexpr int kWarp = 32;
inline constexpr int kMmaRows = 16, kMmaColumns = 8, kMmaDepth = 32;
inline constexpr int kLine = 128;  // bytes of shared memory: one of each bank's words

// A block of factors: `width` of each code. Its line repeats them, so that each group of threads
// has a copy in banks of its own, whatever the codes: a warp's loads do not conflict.
//
// A step, of one mma, takes 32 / width codes. A thread's two words, at k < 16 and k >= 16:
template <int width>
struct FactorBlock {
  static_assert(width == 4 || width == 8 || width == 16 || width == 32);
  static constexpr int kWords = width / 4;
  static constexpr int kStepCodes = 32 / width;
  static constexpr int kCodes = kStepCodes < 4 ? 4 : kStepCodes;  // whole words of codes, and steps
  static constexpr int kMembers = kWords < 4 ? kWords : 4;  // of a group's four, that share a code
  static constexpr int kSecond = width == 32 ? 0 : 4 / kMembers;

  // Which of a step's codes the first word belongs to; the second one's is kSecond codes later.
  static MBM_HW_INLINE int code(int lane) { return lane % 4 / kMembers; }
  // Where the first of the two lies in its code's line; with 32 factors the second one adjoins.
  static MBM_HW_INLINE int offset(int lane) { return width == 32 ? lane % 16 * 8 : lane * 4; }
  // What a line's word is a copy of.
  static MBM_HW_INLINE int word(int index) { return index % kWords; }
};

// The fragments of a warp's tile of mma's: [rows / 16][columns / 8].
template <int rows, int columns>
struct WarpTile {
  uint32_t a[rows][4];
  uint32_t b[columns][2];
};

#ifdef __CUDACC_RTC__

// sums += A * B. int32 sums wrap, since there is no .satfinite.
MBM_HW_INLINE void mma(int32_t (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

template <int rows, int columns>
MBM_HW_INLINE void multiply(int32_t (&sums)[rows][columns][4], const WarpTile<rows, columns>& tile) {
#pragma unroll
  for (int i = 0; i < rows; ++i) {
#pragma unroll
    for (int j = 0; j < columns; ++j) mma(sums[i][j], tile.a[i], tile.b[j]);
  }
}

#else

// A host's compiler has the instruction from whoever emulates the device: from tests/cuda_emulation.
template <int rows, int columns>
void multiply(int32_t (&sums)[rows][columns][4], const WarpTile<rows, columns>& tile);

#endif

// The row, or column, within an mma's sums of a thread's i-th of four.
MBM_HW_INLINE int sum_row(int lane, int i) { return lane / 4 + i / 2 * 8; }
MBM_HW_INLINE int sum_column(int lane, int i) { return lane % 4 * 2 + i % 2; }

}  // namespace mbm_hw
