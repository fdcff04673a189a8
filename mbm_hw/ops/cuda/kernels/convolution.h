// The convolution as an implicit matrix product: outputs x positions, summed over k = (channel,
// kernel row, kernel column), ascending, whole sums in one thread. No im2col in memory: a block
// gathers a panel of x and one of w, makes operands of the codes, once for all that use them, and
// keeps two panels of each in shared memory: one is read while the next one's codes are on their
// way in registers. (Not cp.async: it copies, and these are converted on the way.)
//
// Products is a policy:
//   Code, Sum : in memory. X, W : operands in shared memory, 4 bytes.
//   x_operand(code), w_operand(code) : encode.
//   x_value(x), w_value(w) : what a thread makes of them.
//   Total : a sum's registers.  add(total, x, w), of such values.  kFlushTerms : flush(total) at least so often; 0:
//   never.  sum(total) : the result.  kUnroll : terms that the loop's code is repeated for.
//   kAbsentWeight : a code in place of outputs that there are not.
//   kHasPlain : whether panels may be plain, their products made by plain_x_value, plain_w_value and
//   add_plain; they are if all of their operands are, by is_plain_x and is_plain_w.
//   kSplitsPlain : whether add_plain<false> will do where none of a warp's weights may_meet_corner.
//   kHasCorner : whether add leaves something to add_corner(total, x, w): for operands whose
//   corner_key's sum up to at most kCornerEnd.
#pragma once

#include "geometry.h"
#include "tile_shape.h"

namespace mbm_hw {

template <class Products, class Shape>
class Convolution {
  using Code = typename Products::Code;
  using Sum = typename Products::Sum;
  // Fewer bank conflicts: 16 bytes more.
  static constexpr int kPitch =
      Shape::kRows + (Shape::kRows % 4 ? 0 : 16 / int(sizeof(typename Products::W)));
  // Columns of x that a thread gathers, and the panel's rows that it does not, in between.
  static constexpr int kGatherColumns =
      Shape::kColumns > Shape::kThreads ? Shape::kColumns / Shape::kThreads : 1;
  static constexpr int kGatherStep =
      Shape::kThreads > Shape::kColumns ? Shape::kThreads / Shape::kColumns : 1;
  static constexpr int kGatherRows = Shape::kDepth / kGatherStep;
  static constexpr int kWeights = Shape::kRows * Shape::kDepth;
  static constexpr int kGatherWeights = (kWeights + Shape::kThreads - 1) / Shape::kThreads;
  static_assert(Shape::kDepth % kGatherStep == 0 && Shape::kColumns % 4 == 0);

 public:
  struct Shared {
    typename Products::X x[2][Shape::kDepth][Shape::kColumns];
    typename Products::W w[2][Shape::kDepth][kPitch];
  };

  __device__ Convolution(const Geometry& g, const Products& products, Shared& shared)
      : g_(g), products_(products), shared_(shared), thread_(int(threadIdx.x)) {}

  // x, out : as the geometry says. w : [groups * outputs][depth].
  __device__ void run(const Code* x, const Code* w, Sum* out) {
    const int32_t first_column = int32_t(blockIdx.x) * Shape::kColumns;
    const int32_t first_row = int32_t(blockIdx.y) * Shape::kRows, group = int32_t(blockIdx.z);
    const int32_t depth = g_.depth();
    w += (int64_t(group) * g_.outputs + first_row) * depth;

    typename Products::Total total[Shape::kThreadRows][Shape::kThreadColumns];
#pragma unroll
    for (int i = 0; i < Shape::kThreadRows; ++i) {
#pragma unroll
      for (int j = 0; j < Shape::kThreadColumns; ++j) Products::start(total[i][j]);
    }

    const Gather gather(*this, first_column, group);
    const int32_t rows = g_.outputs - first_row;
    Codes codes;
    load(gather, x, w, rows, 0, codes);
    bool is_plain = stored(codes, 0);
    int32_t terms = 0;
    for (int32_t k = 0, panel = 0; k < depth; k += Shape::kDepth, panel ^= 1) {
      const bool is_last = k + Shape::kDepth >= depth;
      if (!is_last) load(gather, x, w, rows, k + Shape::kDepth, codes);
      const int32_t count = depth - k < Shape::kDepth ? depth - k : Shape::kDepth;
      if constexpr (Products::kHasPlain) {
        is_plain ? add_panel<true>(total, panel, count) : add_panel<false>(total, panel, count);
      } else {
        add_panel<false>(total, panel, count);
      }
      if constexpr (Products::kFlushTerms > 0) {
        terms += Shape::kDepth;
        if (is_last || terms + Shape::kDepth > Products::kFlushTerms) {
          terms = 0;
#pragma unroll
          for (int i = 0; i < Shape::kThreadRows; ++i) {
#pragma unroll
            for (int j = 0; j < Shape::kThreadColumns; ++j) Products::flush(total[i][j]);
          }
        }
      }
      if (!is_last) is_plain = stored(codes, panel ^ 1);
    }
    write(total, out, first_row, first_column, group);
  }

 private:
  struct Codes {
    Code x[kGatherColumns][kGatherRows];
    Code w[kGatherWeights];
  };

  // The windows of the columns that this thread gathers.
  struct Gather {
    Window windows[kGatherColumns];

    __device__ Gather(const Convolution& self, int32_t first_column, int32_t group)
        : Gather(self, first_column, group, Columns<kGatherColumns>()) {}

   private:
    template <int n>
    struct Columns {};
    __device__ Gather(const Convolution& self, int32_t first, int32_t group, Columns<1>)
        : windows{Window(self.g_, first + self.thread_ % Shape::kColumns, group)} {}
    __device__ Gather(const Convolution& self, int32_t first, int32_t group, Columns<2>)
        : windows{Window(self.g_, first + self.thread_, group),
                  Window(self.g_, first + self.thread_ + Shape::kThreads, group)} {}
  };

  __device__ void load(const Gather& gather, const Code* x, const Code* w, int32_t rows, int32_t k,
                       Codes& codes) const {
    const int32_t depth = g_.depth();
#pragma unroll
    for (int i = 0; i < kGatherRows; ++i) {
      const int32_t term_index = k + thread_ / Shape::kColumns + i * kGatherStep;
      if (term_index < depth) {
        const Term term(g_, term_index);
#pragma unroll
        for (int j = 0; j < kGatherColumns; ++j) {
          const Window& window = gather.windows[j];
          codes.x[j][i] =
              term.is_inside(g_, window) ? x[window.offset + term.offset] : Code(0);
        }
      } else {
#pragma unroll
        for (int j = 0; j < kGatherColumns; ++j) codes.x[j][i] = Code(0);
      }
    }
#pragma unroll
    for (int i = 0; i < kGatherWeights; ++i) {
      const int index = thread_ + i * Shape::kThreads;
      const int32_t row = index / Shape::kDepth, term = k + index % Shape::kDepth;
      codes.w[i] = index < kWeights && row < rows && term < depth
                       ? w[int64_t(row) * depth + term]
                       : Code(Products::kAbsentWeight);
    }
  }

  // Makes a panel of the codes, for the whole block; whether it is plain.
  __device__ bool stored(const Codes& codes, int panel) const {
    bool is_plain = true;
#pragma unroll
    for (int i = 0; i < kGatherRows; ++i) {
      const int row = thread_ / Shape::kColumns % kGatherStep + i * kGatherStep;
#pragma unroll
      for (int j = 0; j < kGatherColumns; ++j) {
        const int column = thread_ % Shape::kColumns + j * Shape::kThreads;
        const typename Products::X x = products_.x_operand(codes.x[j][i]);
        shared_.x[panel][row][column] = x;
        if constexpr (Products::kHasPlain) is_plain &= products_.is_plain_x(x);
      }
    }
#pragma unroll
    for (int i = 0; i < kGatherWeights; ++i) {
      const int index = thread_ + i * Shape::kThreads;
      if (kWeights % Shape::kThreads == 0 || index < kWeights) {
        const typename Products::W w = products_.w_operand(codes.w[i]);
        shared_.w[panel][index % Shape::kDepth][index / Shape::kDepth] = w;
        if constexpr (Products::kHasPlain) is_plain &= products_.is_plain_w(w);
      }
    }
    if constexpr (Products::kHasPlain) return __syncthreads_and(is_plain);
    __syncthreads();
    return true;
  }

  template <bool plain, class Total>
  __device__ __forceinline__ void add_panel(Total& total, int panel, int32_t count) const {
    constexpr int unroll = plain ? Products::kPlainUnroll : Products::kUnroll;
    if (count == Shape::kDepth) {
#pragma unroll unroll
      for (int k = 0; k < Shape::kDepth; ++k) add_term<plain>(total, panel, k);
    } else {
#pragma unroll 1
      for (int k = 0; k < count; ++k) add_term<plain>(total, panel, k);
    }
  }

  template <bool plain, class Total>
  __device__ __forceinline__ void add_term(Total& total, int panel, int k) const {
    typename Products::X x[Shape::kThreadColumns];
    typename Products::W w[Shape::kThreadRows];
#pragma unroll
    for (int j = 0; j < Shape::kThreadColumns; ++j) {
      x[j] = shared_.x[panel][k][Shape::column(thread_, j)];
    }
#pragma unroll
    for (int i = 0; i < Shape::kThreadRows; ++i) w[i] = shared_.w[panel][k][Shape::row(thread_, i)];
    if constexpr (plain) {
      if constexpr (Products::kSplitsPlain) {
        uint32_t least = w[0].corner;
#pragma unroll
        for (int i = 1; i < Shape::kThreadRows; ++i) least = min(least, w[i].corner);
        // The warp's threads together: else they would go both ways, one after the other.
        if (!__any_sync(~0u, Products::may_meet_corner(least))) {
          add_plain<false>(total, x, w);
          return;
        }
      }
      add_plain<true>(total, x, w);
    } else {
      add_all(total, x, w, [&](auto x) { return products_.x_value(x); },
              [&](auto w) { return products_.w_value(w); },
              [&](auto& total, const auto& x, const auto& w) { products_.add(total, x, w); });
      if constexpr (Products::kHasCorner) add_corners(total, x, w);
    }
  }

  template <bool corners, class Total, class X, class W>
  __device__ __forceinline__ void add_plain(Total& total, const X& x, const W& w) const {
    add_all(total, x, w, [&](auto x) { return products_.plain_x_value(x); },
            [&](auto w) { return products_.plain_w_value(w); },
            [&](auto& total, const auto& x, const auto& w) {
              products_.template add_plain<corners>(total, x, w);
            });
  }

  template <class Total, class X, class W>
  __device__ __forceinline__ void add_corners(Total& total, const X& x, const W& w) const {
    constexpr int end = Products::kCornerEnd;
    int least_x = products_.corner_key(x[0]), least_w = products_.corner_key(w[0]);
#pragma unroll
    for (int j = 1; j < Shape::kThreadColumns; ++j) least_x = min(least_x, products_.corner_key(x[j]));
#pragma unroll
    for (int i = 1; i < Shape::kThreadRows; ++i) least_w = min(least_w, products_.corner_key(w[i]));
    if (least_x + least_w > end) return;
#pragma unroll
    for (int i = 0; i < Shape::kThreadRows; ++i) {
      if (least_x + products_.corner_key(w[i]) > end) continue;
#pragma unroll
      for (int j = 0; j < Shape::kThreadColumns; ++j) {
        if (products_.corner_key(x[j]) + products_.corner_key(w[i]) <= end) {
          products_.add_corner(total[i][j], x[j], w[i]);
        }
      }
    }
  }

  template <class Total, class X, class W, class XValue, class WValue, class Add>
  __device__ __forceinline__ static void add_all(Total& total, const X& x, const W& w,
                                                 const XValue& x_value, const WValue& w_value,
                                                 const Add& add) {
    decltype(x_value(x[0])) x_values[Shape::kThreadColumns];
#pragma unroll
    for (int j = 0; j < Shape::kThreadColumns; ++j) x_values[j] = x_value(x[j]);
#pragma unroll
    for (int i = 0; i < Shape::kThreadRows; ++i) {
      const auto weight = w_value(w[i]);
#pragma unroll
      for (int j = 0; j < Shape::kThreadColumns; ++j) add(total[i][j], x_values[j], weight);
    }
  }

  template <class Total>
  __device__ void write(const Total& total, Sum* out, int32_t first_row, int32_t first_column,
                        int32_t group) const {
#pragma unroll
    for (int j = 0; j < Shape::kThreadColumns; ++j) {
      const int32_t position = first_column + Shape::column(thread_, j);
      if (position >= g_.positions) continue;
      const int32_t line = position / g_.out_width, image = line / g_.out_height;
      const int64_t offset = image * g_.out_n + (line - image * g_.out_height) * g_.out_h +
                             (position - line * g_.out_width) * g_.out_w;
#pragma unroll
      for (int i = 0; i < Shape::kThreadRows; ++i) {
        const int32_t row = first_row + Shape::row(thread_, i);
        if (row >= g_.outputs) continue;
        out[offset + (int64_t(group) * g_.outputs + row) * g_.out_c] = products_.sum(total[i][j]);
      }
    }
  }

  const Geometry& g_;
  const Products& products_;
  Shared& shared_;
  int thread_;
};

}  // namespace mbm_hw
