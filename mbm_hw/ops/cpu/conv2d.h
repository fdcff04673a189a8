// The convolution, for any multiplier: packs codes into tiles and writes out the sums.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "aligned.h"
#include "parallel.h"
#include "tile.h"

namespace mbm_hw {

// Of a tensor [N, C, H, W], weights [O, C / groups, kH, kW]; strides in elements, any.
struct Shape4 {
  std::array<int64_t, 4> size;
  std::array<int64_t, 4> stride;
};

// All sizes at least 1; out is [N, O, OH, OW] with the OH, OW that torch's conv2d gives.
struct Conv2dGeometry {
  Shape4 x, w, out;
  std::array<int64_t, 2> stride, padding, dilation;
  int64_t groups;
};

// Which outputs of which positions one task computes: all of its terms.
struct Task {
  int64_t group;
  int64_t position, positions;  // in the order [N, OH, OW]; at most kTilePositions
  int64_t output, outputs;      // within the group; at most kTileOutputs
};

// Cuts the work into tasks: large ones, yet some for every thread.
class TaskGrid {
 public:
  TaskGrid(const Conv2dGeometry& geometry, int threads);

  int64_t count() const { return groups_ * position_tiles_ * output_tiles_; }
  Task operator[](int64_t index) const;

 private:
  int64_t groups_, positions_, outputs_;
  int64_t position_tiles_, output_tiles_;
  int64_t tile_positions_, tile_outputs_;
};

// A stretch of a tile's positions in one row of one output image.
struct Run {
  int64_t image, row, column, length;
  int64_t position;  // in the tile
};

// The runs that the positions from `position` on make up.
std::vector<Run> runs_of(const Conv2dGeometry& geometry, int64_t position, int64_t positions);

// Threads worth starting for so many products: starting one costs as much as some 10^5 of them.
int useful_threads(const Conv2dGeometry& geometry, int threads);

// Whether each channel has outputs of its own, in steps of one pixel, and each thread a channel.
bool goes_by_channel(const Conv2dGeometry& geometry, int threads);

// If the kernel is one pixel, moved by one, an image is one long row: fewer and longer runs.
Conv2dGeometry with_images_as_rows(Conv2dGeometry geometry);

// One convolution on all threads; sums over (channel, kernel row, kernel column).
template <class Multiplier>
class Conv2d {
 public:
  using Code = typename Multiplier::Code;
  using Operand = typename Multiplier::Operand;
  using Weight = typename Multiplier::Weight;
  using Sum = typename Multiplier::Sum;

  Conv2d(const Multiplier& multiplier, const Conv2dGeometry& geometry)
      : multiplier_(multiplier),
        geometry_(with_images_as_rows(geometry)),
        terms_(geometry.w.size[1] * geometry.w.size[2] * geometry.w.size[3]) {}

  void run(const Code* x, const Code* w, Sum* out, int threads) const {
    const int used = useful_threads(geometry_, threads);
    const int64_t outputs = geometry_.w.size[0];
    std::vector<Weight> weights(outputs * terms_);
    run_tasks(outputs, used, [&](const NextTask& next) {
      for (int64_t o; next(o);) pack_weights(w, o, weights.data() + o * terms_);
    });
    if (goes_by_channel(geometry_, used)) {
      run_tasks(geometry_.x.size[0] * geometry_.groups, used, [&](const NextTask& next) {
        Buffers buffers(plane_size());
        for (int64_t index; next(index);) run_channel(index, x, weights.data(), out, buffers);
      });
      return;
    }
    const TaskGrid tasks(geometry_, used);
    run_tasks(tasks.count(), used, [&](const NextTask& next) {
      Buffers buffers(0);
      for (int64_t index; next(index);) {
        run_task(tasks[index], x, weights.data(), out, buffers.packed.data(), buffers.sums.data(),
                 buffers.scratch.data());
      }
    });
  }

 private:
  // A thread's own.
  struct Buffers {
    explicit Buffers(int64_t plane_size) : plane(plane_size) {}
    AlignedArray<Operand> packed{kTileDepth * kTilePositions};
    AlignedArray<Sum> sums{kTileOutputs * kTilePositions};
    AlignedArray<uint8_t> scratch{size_t(Multiplier::kScratch)};
    AlignedArray<Operand> plane;  // of run_channel
  };

  // A channel with its padding, and what the last tile reads beyond it.
  int64_t plane_width() const { return geometry_.x.size[3] + 2 * geometry_.padding[1]; }
  int64_t plane_size() const {
    return (geometry_.x.size[2] + 2 * geometry_.padding[0]) * plane_width() + kTilePositions;
  }

  // All outputs of one channel of one image, in steps of one pixel: the padded channel is encoded
  // once, and what a term meets at consecutive positions lies there consecutively. Positions run
  // over the padded rows: a row's last ones, where the kernel does not fit, are not written out.
  void run_channel(int64_t index, const Code* x, const Weight* weights, Sum* out,
                   Buffers& buffers) const {
    const int64_t image = index / geometry_.groups, channel = index % geometry_.groups;
    const int64_t width = plane_width();
    Operand* const plane = buffers.plane.data();
    std::fill_n(plane, plane_size(), multiplier_.encode(0));
    const auto& [size, stride] = geometry_.x;
    for (int64_t row = 0; row < size[2]; ++row) {
      const Code* source = x + image * stride[0] + channel * stride[1] + row * stride[2];
      Operand* target = plane + (row + geometry_.padding[0]) * width + geometry_.padding[1];
      if (stride[3] == 1) {
        for (int64_t i = 0; i < size[3]; ++i) target[i] = multiplier_.encode(source[i]);
      } else {
        for (int64_t i = 0; i < size[3]; ++i) target[i] = multiplier_.encode(source[i * stride[3]]);
      }
    }
    const int64_t kernel_columns = geometry_.w.size[3];
    const int64_t rows = geometry_.out.size[2], columns = geometry_.out.size[3];
    const int64_t outputs = geometry_.w.size[0] / geometry_.groups;
    const int64_t positions = (rows - 1) * width + columns;
    for (int64_t first = 0; first < positions; first += kTilePositions) {
      const int64_t count = std::min<int64_t>(kTilePositions, positions - first);
      for (int64_t k = 0; k < terms_; ++k) {
        const int64_t row = k / kernel_columns * geometry_.dilation[0];
        const int64_t column = k % kernel_columns * geometry_.dilation[1];
        std::copy_n(plane + first + row * width + column, kTilePositions,
                    buffers.packed.data() + k * kTilePositions);
      }
      Sum* const sums = buffers.sums.data();
      std::fill_n(sums, outputs * kTilePositions, Sum(0));
      multiplier_.add({buffers.packed.data(), weights + channel * outputs * terms_, terms_, sums,
                       int(outputs), int(terms_), int(count), buffers.scratch.data()});
      std::vector<Run> runs;
      for (int64_t at = first; at < first + count;) {
        const int64_t column = at % width, rest = std::min(width - column, first + count - at);
        const int64_t inside = std::clamp<int64_t>(columns - column, 0, rest);
        if (inside > 0) runs.push_back({image, at / width, column, inside, at - first});
        at += rest;
      }
      for (int64_t o = 0; o < outputs; ++o) {
        write_output(out, runs, channel * outputs + o, sums + o * kTilePositions);
      }
    }
  }

  void run_task(const Task& task, const Code* x, const Weight* weights, Sum* out, Operand* packed,
                Sum* sums, uint8_t* scratch) const {
    const auto runs = runs_of(geometry_, task.position, task.positions);
    const int64_t first = task.group * (geometry_.w.size[0] / geometry_.groups) + task.output;
    std::fill_n(sums, task.outputs * kTilePositions, Sum(0));
    for (int64_t term = 0; term < terms_; term += kTileDepth) {
      const int depth = int(std::min<int64_t>(kTileDepth, terms_ - term));
      for (int k = 0; k < depth; ++k) {
        pack_term(x, task, runs, term + k, packed + k * kTilePositions);
      }
      multiplier_.add({packed, weights + first * terms_ + term, terms_, sums, int(task.outputs),
                       depth, int(task.positions), scratch});
    }
    for (int64_t o = 0; o < task.outputs; ++o) {
      write_output(out, runs, first + o, sums + o * kTilePositions);
    }
  }

  void pack_weights(const Code* w, int64_t output, Weight* packed) const {
    const auto& [size, stride] = geometry_.w;
    const bool adjoining =
        stride[3] == 1 && stride[2] == size[3] && stride[1] == size[2] * size[3];
    if (adjoining || size[2] * size[3] == 1) {
      const Code* source = w + output * stride[0];
      for (int64_t k = 0; k < terms_; ++k) {
        packed[k] = multiplier_.encode_weight(source[adjoining ? k : k * stride[1]]);
      }
      return;
    }
    for (int64_t c = 0; c < size[1]; ++c) {
      for (int64_t row = 0; row < size[2]; ++row) {
        const Code* source = w + output * stride[0] + c * stride[1] + row * stride[2];
        for (int64_t column = 0; column < size[3]; ++column) {
          *packed++ = multiplier_.encode_weight(source[column * stride[3]]);
        }
      }
    }
  }

  // Packs what the term meets at the tile's positions; outside the image that is code 0.
  void pack_term(const Code* x, const Task& task, const std::vector<Run>& runs, int64_t term,
                 Operand* packed) const {
    const auto& [size, stride] = geometry_.x;
    const int64_t kernel_columns = geometry_.w.size[3];
    const int64_t kernel_area = geometry_.w.size[2] * kernel_columns;
    const int64_t channel = task.group * geometry_.w.size[1] + term / kernel_area;
    const int64_t kernel_row = term % kernel_area / kernel_columns;
    const int64_t kernel_column = term % kernel_columns;
    const Operand zero = multiplier_.encode(0);
    const int64_t column_step = geometry_.stride[1];
    Operand* const end = packed + kTilePositions;
    for (const Run& run : runs) {
      const int64_t row = run.row * geometry_.stride[0] - geometry_.padding[0] +
                          kernel_row * geometry_.dilation[0];
      const int64_t column = run.column * column_step - geometry_.padding[1] +
                             kernel_column * geometry_.dilation[1];
      int64_t begin = 0, inside_end = 0;  // positions begin to inside_end are inside the image
      if (row >= 0 && row < size[2]) {
        begin = column < 0 ? (-column + column_step - 1) / column_step : 0;
        begin = std::min(begin, run.length);
        inside_end = column < size[3] ? (size[3] - column + column_step - 1) / column_step : 0;
        inside_end = std::clamp(inside_end, begin, run.length);
      }
      packed = std::fill_n(packed, begin, zero);
      if (const int64_t inside = inside_end - begin; inside > 0) {
        const Code* source = x + run.image * stride[0] + channel * stride[1] + row * stride[2] +
                             (column + begin * column_step) * stride[3];
        const int64_t step = column_step * stride[3];
        if (step == 1) {  // apart, so that the compiler uses vectors
          for (int64_t i = 0; i < inside; ++i) packed[i] = multiplier_.encode(source[i]);
        } else {
          for (int64_t i = 0; i < inside; ++i) packed[i] = multiplier_.encode(source[i * step]);
        }
        packed += inside;
      }
      packed = std::fill_n(packed, run.length - inside_end, zero);
    }
    const int64_t rest = (end - packed) % kPositionStep;
    std::fill_n(packed, rest, zero);
  }

  void write_output(Sum* out, const std::vector<Run>& runs, int64_t output, const Sum* sums) const {
    const auto& stride = geometry_.out.stride;
    for (const Run& run : runs) {
      Sum* target = out + run.image * stride[0] + output * stride[1] + run.row * stride[2] +
                    run.column * stride[3];
      const Sum* source = sums + run.position;
      if constexpr (requires { multiplier_.finish(*source); }) {
        for (int64_t i = 0; i < run.length; ++i) target[i * stride[3]] = multiplier_.finish(source[i]);
      } else if (stride[3] == 1) {
        std::copy_n(source, run.length, target);
      } else {
        for (int64_t i = 0; i < run.length; ++i) target[i * stride[3]] = source[i];
      }
    }
  }

  const Multiplier& multiplier_;
  const Conv2dGeometry geometry_;
  const int64_t terms_;
};

}  // namespace mbm_hw
