// The convolution on tensor cores: an implicit matrix product, outputs x positions, summed over k =
// (channel, kernel row, kernel column), of factors (mbm_hw/factorization.py) in place of products.
//
// Neither im2col nor factors are ever in global memory: a block gathers panels of codes, as bytes,
// and keeps two of them in shared memory; each thread looks up the factors of the codes that its
// fragments need, 4 or 8 bytes at a time, in lines of shared memory, and multiplies.
//
// Codes 0 fill a panel beyond the last k: their factors of w must be 0.
#pragma once

#include "geometry.h"
#include "tensor_fragments.h"

namespace mbm_hw {

// warps_down x warps_across warps to a block, each of rows x columns mma's.
template <int warps_down, int warps_across, int rows, int columns>
struct TensorShape {
  static constexpr int kMmaDown = rows, kMmaAcross = columns;
  static constexpr int kWarpsAcross = warps_across;
  static constexpr int kWarpRows = rows * kMmaRows, kWarpColumns = columns * kMmaColumns;
  static constexpr int kRows = warps_down * kWarpRows, kColumns = warps_across * kWarpColumns;
  static constexpr int kThreads = warps_down * warps_across * kWarp;
  static constexpr int kDepth = 32;          // codes along k in a panel
  static constexpr int kPitch = kDepth + 4;  // bytes: rows of a warp's loads meet different banks
};

// The factors of all codes: of x and of w, a block of `widths` after the other, a line each code.
template <int code_width, int... widths>
struct FactorLines {
  static constexpr int kCodes = 1 << code_width;
  static constexpr int kBlockBytes = kCodes * kLine;
  static constexpr int kBlocks = sizeof...(widths);
  static constexpr int kSideBytes = kBlocks * kBlockBytes;
  static constexpr int kBytes = 2 * kSideBytes;

  // packed : for x and for w, for each block, [codes][width] bytes.
  template <int threads>
  static __device__ void fill(unsigned char* lines, const int32_t* packed, int thread) {
    for (int side = 0; side < 2; ++side) {
      (fill_block<threads, widths>(lines, packed, thread), ...);
    }
  }

  // Calls add(FactorBlock, where the block begins) for each block.
  template <class Add>
  static __device__ __forceinline__ void each_block(const Add& add) {
    int block = 0;
    (add(FactorBlock<widths>(), kBlockBytes * block++), ...);
  }

 private:
  template <int threads, int width>
  static __device__ void fill_block(unsigned char*& lines, const int32_t*& packed, int thread) {
    constexpr int words = FactorBlock<width>::kWords;
    auto* target = reinterpret_cast<int32_t*>(lines);
#pragma unroll 16
    for (int i = thread; i < kBlockBytes / 4; i += threads) {
      target[i] = packed[i / (kLine / 4) * words + FactorBlock<width>::word(i % (kLine / 4))];
    }
    lines += kBlockBytes;
    packed += kCodes * words;
  }
};

template <class Factors, class Shape, class Code, class Sum, int scale, bool adds>
class TensorConvolution {
  static constexpr int kGatherColumns =
      Shape::kColumns > Shape::kThreads ? Shape::kColumns / Shape::kThreads : 1;
  static constexpr int kGatherStep =
      Shape::kThreads > Shape::kColumns ? Shape::kThreads / Shape::kColumns : 1;
  static constexpr int kQuads = Shape::kDepth / 4;
  static constexpr int kGatherQuads = kQuads / kGatherStep;
  static constexpr int kWeightQuads = Shape::kRows * kQuads;
  static constexpr int kGatherWeights = (kWeightQuads + Shape::kThreads - 1) / Shape::kThreads;
  static_assert(kQuads % kGatherStep == 0 && Shape::kDepth % 8 == 0);

 public:
  struct Shared {
    uint32_t x[2][Shape::kColumns][Shape::kPitch / 4];  // four codes to a word
    uint32_t w[2][Shape::kRows][Shape::kPitch / 4];
  };

  __device__ TensorConvolution(const Geometry& g, const unsigned char* lines, Shared& shared)
      : g_(g),
        lines_(lines),
        shared_(shared),
        thread_(int(threadIdx.x)),
        lane_(int(threadIdx.x) % kWarp),
        warp_row_(int(threadIdx.x) / kWarp / Shape::kWarpsAcross * Shape::kWarpRows),
        warp_column_(int(threadIdx.x) / kWarp % Shape::kWarpsAcross * Shape::kWarpColumns) {}

  // x, out : as the geometry says. w : [groups * outputs][depth].
  __device__ void run(const Code* x, const Code* w, Sum* out) {
    const Origin origin{int32_t(blockIdx.y) * Shape::kRows, int32_t(blockIdx.x) * Shape::kColumns,
                        int32_t(blockIdx.z)};
    const int32_t depth = g_.depth();
    w += (int64_t(origin.group) * g_.outputs + origin.row) * depth;

    int32_t sums[Shape::kMmaDown][Shape::kMmaAcross][4] = {};
    Quads quads;
    load(x, w, origin, 0, quads);
    store(quads, 0);
    __syncthreads();
#pragma unroll 1
    for (int32_t k = 0, panel = 0; k < depth; k += Shape::kDepth, panel ^= 1) {
      const bool is_last = k + Shape::kDepth >= depth;
      if (!is_last) load(x, w, origin, k + Shape::kDepth, quads);
      const int32_t rest = depth - k < Shape::kDepth ? depth - k : Shape::kDepth;
      Factors::each_block([&](auto block, int begin) {
#pragma unroll 1
        for (int32_t first = 0; first < rest; first += block.kCodes) {
          add(sums, block, lines_ + begin, panel, first);
        }
      });
      if (!is_last) {
        store(quads, panel ^ 1);
        __syncthreads();
      }
    }
    write(sums, out, origin);
  }

 private:
  // Where a block's tile begins.
  struct Origin {
    int32_t row, column, group;
  };

  // What a thread gathers for a panel, four codes along k to a word.
  struct Quads {
    uint32_t x[kGatherColumns][kGatherQuads];
    uint32_t w[kGatherWeights];
  };

  static __device__ uint32_t pattern(Code code) { return uint32_t(code) & (Factors::kCodes - 1); }

  // Gathers the panel of the terms from k on: a thread's columns of x, and its part of w's rows.
  __device__ void load(const Code* x, const Code* w, const Origin& origin, int32_t k,
                       Quads& quads) const {
    const int32_t depth = g_.depth(), rows = g_.outputs - origin.row;
#pragma unroll
    for (int j = 0; j < kGatherColumns; ++j) {
      const int32_t column = origin.column + thread_ % Shape::kColumns + j * Shape::kThreads;
      const Window window(g_, column, origin.group);
#pragma unroll
      for (int i = 0; i < kGatherQuads; ++i) {
        const int32_t first = k + (thread_ / Shape::kColumns + i * kGatherStep) * 4;
        quads.x[j][i] = 0;
#pragma unroll
        for (int byte = 0; byte < 4; ++byte) {
          if (first + byte >= depth) continue;
          const Term term(g_, first + byte);
          if (term.is_inside(g_, window)) {
            quads.x[j][i] |= pattern(x[window.offset + term.offset]) << (8 * byte);
          }
        }
      }
    }
#pragma unroll
    for (int i = 0; i < kGatherWeights; ++i) {
      const int index = thread_ + i * Shape::kThreads;
      const int32_t row = index / kQuads, term = k + index % kQuads * 4;
      quads.w[i] = 0;
      if (index >= kWeightQuads || row >= rows) continue;
      const Code* source = w + int64_t(row) * depth + term;
#pragma unroll
      for (int byte = 0; byte < 4; ++byte) {
        if (term + byte < depth) quads.w[i] |= pattern(source[byte]) << (8 * byte);
      }
    }
  }

  __device__ void store(const Quads& quads, int panel) const {
#pragma unroll
    for (int i = 0; i < kGatherQuads; ++i) {
#pragma unroll
      for (int j = 0; j < kGatherColumns; ++j) {
        shared_.x[panel][thread_ % Shape::kColumns + j * Shape::kThreads]
                 [thread_ / Shape::kColumns + i * kGatherStep] = quads.x[j][i];
      }
    }
#pragma unroll
    for (int i = 0; i < kGatherWeights; ++i) {
      const int index = thread_ + i * Shape::kThreads;
      if (index < kWeightQuads) shared_.w[panel][index / kQuads][index % kQuads] = quads.w[i];
    }
  }

  // The two words of a step for the codes of a panel's row, four to a word; `step` is a constant.
  template <class Block>
  __device__ __forceinline__ void fetch(Block, const unsigned char* lines,
                                        const uint32_t (&codes)[Block::kCodes / 4], int step,
                                        uint32_t& low, uint32_t& high) const {
    const auto line = [&](int code) {
      const uint32_t begin = (codes[code / 4] >> (code % 4 + Block::code(lane_)) * 8 & 255u) * kLine;
      return lines + (begin | uint32_t(Block::offset(lane_)));
    };
    if constexpr (Block::kWords == 8) {
      const uint2 both = *reinterpret_cast<const uint2*>(line(step));
      low = both.x;
      high = both.y;
    } else {
      const int code = step * Block::kStepCodes;
      low = *reinterpret_cast<const uint32_t*>(line(code));
      high = *reinterpret_cast<const uint32_t*>(line(code + Block::kSecond));
    }
  }

  // Adds the block's factors of so many codes as are four to a word, or make up a step.
  template <class Block>
  __device__ __forceinline__ void add(int32_t (&sums)[Shape::kMmaDown][Shape::kMmaAcross][4],
                                      Block block, const unsigned char* lines, int panel,
                                      int first) const {
    constexpr int words = Block::kCodes / 4;
    uint32_t w[Shape::kMmaDown][2][words], x[Shape::kMmaAcross][words];
#pragma unroll
    for (int word = 0; word < words; ++word) {
      const int at = first / 4 + word;
#pragma unroll
      for (int i = 0; i < Shape::kMmaDown * 2; ++i) {
        const int row = warp_row_ + i / 2 * kMmaRows + i % 2 * 8 + lane_ / 4;
        w[i / 2][i % 2][word] = shared_.w[panel][row][at];
      }
#pragma unroll
      for (int j = 0; j < Shape::kMmaAcross; ++j) {
        x[j][word] = shared_.x[panel][warp_column_ + j * kMmaColumns + lane_ / 4][at];
      }
    }
#pragma unroll
    for (int step = 0; step < Block::kCodes / Block::kStepCodes; ++step) {
      WarpTile<Shape::kMmaDown, Shape::kMmaAcross> tile;
#pragma unroll
      for (int j = 0; j < Shape::kMmaAcross; ++j) {
        fetch(block, lines, x[j], step, tile.b[j][0], tile.b[j][1]);
      }
#pragma unroll
      for (int i = 0; i < Shape::kMmaDown; ++i) {
        fetch(block, lines + Factors::kSideBytes, w[i][0], step, tile.a[i][0], tile.a[i][2]);
        fetch(block, lines + Factors::kSideBytes, w[i][1], step, tile.a[i][1], tile.a[i][3]);
      }
      multiply(sums, tile);
    }
  }

  __device__ void write(const int32_t (&sums)[Shape::kMmaDown][Shape::kMmaAcross][4], Sum* out,
                        const Origin& origin) const {
    const int32_t first_row = origin.row + warp_row_, first_column = origin.column + warp_column_;
#pragma unroll
    for (int j = 0; j < Shape::kMmaAcross * 2; ++j) {
      const int32_t position = first_column + j / 2 * kMmaColumns + sum_column(lane_, j % 2);
      if (position >= g_.positions) continue;
      const int32_t line = position / g_.out_width, image = line / g_.out_height;
      const int64_t offset = image * g_.out_n + (line - image * g_.out_height) * g_.out_h +
                             (position - line * g_.out_width) * g_.out_w;
#pragma unroll
      for (int i = 0; i < Shape::kMmaDown * 2; ++i) {
        const int32_t row = first_row + i / 2 * kMmaRows + sum_row(lane_, i % 2 * 2);
        if (row >= g_.outputs) continue;
        Sum& sum = out[offset + (int64_t(origin.group) * g_.outputs + row) * g_.out_c];
        const Sum added = Sum(sums[i / 2][j / 2][i % 2 * 2 + j % 2] >> scale);
        sum = adds ? sum + added : added;
      }
    }
  }

  const Geometry& g_;
  const unsigned char* lines_;
  Shared& shared_;
  const int thread_, lane_, warp_row_, warp_column_;
};

}  // namespace mbm_hw
