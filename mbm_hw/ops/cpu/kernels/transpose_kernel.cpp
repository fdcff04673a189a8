// Transposition in blocks of vectors of 16 bytes: interleaving the first half of the rows with the
// second, as often as a block's side has bits, transposes it.
#include "kernels.h"

namespace mbm_hw::MBM_HW_ISA {

// GCC below 12 has no __builtin_shufflevector, clang no __builtin_shuffle.
#if defined(__clang__) || __GNUC__ >= 12
#define MBM_HW_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define MBM_HW_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, decltype(a){__VA_ARGS__})
#endif

typedef uint8_t Vector8 __attribute__((vector_size(16)));
typedef uint16_t Vector16 __attribute__((vector_size(16)));
typedef uint32_t Vector32 __attribute__((vector_size(16)));

static inline void interleave(Vector8 a, Vector8 b, Vector8* both) {
  both[0] = MBM_HW_SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  both[1] = MBM_HW_SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
static inline void interleave(Vector16 a, Vector16 b, Vector16* both) {
  both[0] = MBM_HW_SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  both[1] = MBM_HW_SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
static inline void interleave(Vector32 a, Vector32 b, Vector32* both) {
  both[0] = MBM_HW_SHUFFLE(a, b, 0, 4, 1, 5);
  both[1] = MBM_HW_SHUFFLE(a, b, 2, 6, 3, 7);
}

template <class Vector, class T>
static inline void transpose_block(const T* rows, int64_t pitch, T* target, int64_t target_pitch) {
  constexpr int kSide = 16 / sizeof(T);
  Vector block[kSide], other[kSide];
  for (int i = 0; i < kSide; ++i) __builtin_memcpy(&block[i], rows + i * pitch, sizeof(Vector));
  for (int bit = 1; bit < kSide; bit *= 2) {
    for (int i = 0; i < kSide / 2; ++i) interleave(block[i], block[i + kSide / 2], other + 2 * i);
    for (int i = 0; i < kSide; ++i) block[i] = other[i];
  }
  for (int i = 0; i < kSide; ++i) {
    __builtin_memcpy(target + i * target_pitch, &block[i], sizeof(Vector));
  }
}

// A cache line's columns at a time: rows, and their targets, often lie a power of two apart, where
// few of them stay in the cache.
template <class Vector, class T>
static void transpose_any(const T* rows, int64_t pitch, int64_t count, int64_t columns, T* target,
                          int64_t target_pitch) {
  constexpr int kSide = 16 / sizeof(T), kLine = 64 / sizeof(T);
  for (int64_t line = 0; line < columns; line += kLine) {
    const int64_t line_end = columns - line < kLine ? columns : line + kLine;
    for (int64_t row = 0; row < count; row += kSide) {
      const int64_t row_end = count - row < kSide ? count : row + kSide;
      int64_t column = line;
      for (; row_end - row == kSide && column + kSide <= line_end; column += kSide) {
        transpose_block<Vector>(rows + row * pitch + column, pitch,
                                target + column * target_pitch + row, target_pitch);
      }
      for (; column < line_end; ++column) {
        for (int64_t r = row; r < row_end; ++r) {
          target[column * target_pitch + r] = rows[r * pitch + column];
        }
      }
    }
  }
}

void transpose(const uint8_t* rows, int64_t pitch, int64_t count, int64_t columns, uint8_t* target,
               int64_t target_pitch) {
  transpose_any<Vector8>(rows, pitch, count, columns, target, target_pitch);
}
void transpose(const uint16_t* rows, int64_t pitch, int64_t count, int64_t columns,
               uint16_t* target, int64_t target_pitch) {
  transpose_any<Vector16>(rows, pitch, count, columns, target, target_pitch);
}
void transpose(const uint32_t* rows, int64_t pitch, int64_t count, int64_t columns,
               uint32_t* target, int64_t target_pitch) {
  transpose_any<Vector32>(rows, pitch, count, columns, target, target_pitch);
}

}  // namespace mbm_hw::MBM_HW_ISA
