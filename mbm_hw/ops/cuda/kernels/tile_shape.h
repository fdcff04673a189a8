// The tile of outputs x positions that a block computes, and who of its threads computes what.
#pragma once

namespace mbm_hw {

// kRows x kColumns outputs x positions to a block, kThreadRows x kThreadColumns to a thread.
template <int rows, int columns, int depth, int thread_rows, int thread_columns>
struct TileShape {
  static constexpr int kRows = rows, kColumns = columns, kDepth = depth;
  static constexpr int kThreadRows = thread_rows, kThreadColumns = thread_columns;
  static constexpr int kThreadsAcross = columns / thread_columns;
  static constexpr int kThreads = rows / thread_rows * kThreadsAcross;
  static constexpr int kRowVector = thread_rows < 4 ? thread_rows : 4;
  static constexpr int kColumnVector = thread_columns < 4 ? thread_columns : 4;

  // The tile's row and column of a thread's i-th: in vectors of up to 4 that adjoin, so that loads
  // are wide, and these spread over the tile, so that a warp's loads meet different banks.
  static __device__ int row(int thread, int i) {
    constexpr int spread = kRowVector * (rows / thread_rows);
    return i / kRowVector * spread + thread / kThreadsAcross * kRowVector + i % kRowVector;
  }
  static __device__ int column(int thread, int i) {
    constexpr int spread = kColumnVector * kThreadsAcross;
    return i / kColumnVector * spread + thread % kThreadsAcross * kColumnVector + i % kColumnVector;
  }
};

}  // namespace mbm_hw
