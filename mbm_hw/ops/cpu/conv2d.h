// The convolution, for any multiplier: packs codes into tiles and writes out what becomes of sums.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "aligned.h"
#include "band.h"
#include "channel_plan.h"
#include "geometry.h"
#include "parallel.h"
#include "reader.h"
#include "results.h"
#include "sources.h"
#include "stopwatch.h"
#include "tile.h"

namespace mbm_hw {

// One convolution; sums over (channel, kernel row, kernel column).
//
// With `swapped` the image is made of weights, one position for each output, and the kernels of
// activations: a matrix product whose outputs adjoin. See sources.h and results.h for the others.
template <class Multiplier, class Source, class Result>
class Conv2d {
 public:
  using Element = typename Source::Element;
  using Code = typename Multiplier::Code;
  using Operand = typename Multiplier::Operand;
  using Weight = typename Multiplier::Weight;
  using Sum = typename Multiplier::Sum;

  Conv2d(const Multiplier& multiplier, const Source& source, const Result& result,
         const Conv2dGeometry& geometry, bool swapped)
      : multiplier_(multiplier),
        source_(source),
        result_(result),
        geometry_(with_images_as_rows(geometry)),
        swapped_(swapped),
        zero_(multiplier.encoder()(0)),
        terms_(geometry.w.size[1] * geometry.w.size[2] * geometry.w.size[3]) {}

  // bias : [O], or null for none.
  template <class Target>
  void run(const Element* x, const Element* w, const float* bias, Target* out, int threads) {
    x_ = x;
    bias_ = bias;
    const int used = useful_threads(geometry_, threads);
    const int64_t outputs = geometry_.w.size[0];
    weights_ = AlignedArray<Weight>(outputs * terms_);
    scales_ = AlignedArray<float>(outputs);
    run_tasks(outputs, used, [&](const NextTask& next) {
      for (int64_t o; next(o);) pack_weights(w + o * terms_, o);
    });
    if (!swapped_ && goes_by_channel(geometry_, used)) {
      const ChannelPlan plan(geometry_);
      run_tasks(geometry_.x.size[0] * geometry_.groups, used, [&](const NextTask& next) {
        Buffers buffers(*this);
        for (int64_t index; next(index);) run_channel(plan, index, out, buffers);
      });
      return;
    }
    const TaskGrid tasks(geometry_, used, swapped_);
    run_tasks(tasks.count(), used, [&](const NextTask& next) {
      Buffers buffers(*this);
      for (int64_t index; next(index);) run_task(tasks[index], out, buffers);
    });
  }

 private:
  // A thread's own.
  struct Buffers {
    explicit Buffers(const Conv2d& layer) : reader(layer.multiplier_, layer.source_) {}

    Reader<Multiplier, Source> reader;
    AlignedArray<Operand> packed{kTileDepth * kTilePositions};
    AlignedArray<Sum> sums{kTileOutputs * kTilePositions};
    AlignedArray<uint8_t> scratch{size_t(Multiplier::kScratch)};
    float scales[kTilePositions];  // of positions, if swapped
    std::vector<Operand> band;  // see Band and read_weights
  };

  void pack_weights(const Element* row, int64_t output) {
    const float scale = swapped_ ? source_.x_scale() : source_.weight_scale(row, terms_, output);
    scales_[output] = source_.x_scale() * scale;
    Weight* packed = weights_.data() + output * terms_;
    Code buffer[kTileDepth];
    for (int64_t first = 0; first < terms_; first += kTileDepth) {
      const int64_t count = std::min<int64_t>(kTileDepth, terms_ - first);
      const Code* codes = source_.codes(row + first, count, 1, scale, buffer);
      encode(codes, count, multiplier_.weight_encoder(), packed + first);
    }
  }

  template <class Target>
  void run_task(const Task& task, Target* out, Buffers& buffers) const {
    const auto runs = runs_of(geometry_, task.position, task.positions);
    const int64_t first = task.group * (geometry_.w.size[0] / geometry_.groups) + task.output;
    const int64_t area = geometry_.w.size[2] * geometry_.w.size[3];
    const bool direct = area == 1 && geometry_.padding == std::array<int64_t, 2>{0, 0};
    std::optional<Band> band;
    if (!direct) band.emplace(geometry_, runs);
    if (swapped_) read_weights(task, buffers);
    std::fill_n(buffers.sums.data(), task.outputs * kTilePositions, Sum(0));
    const int64_t step = terms_at_once(area, direct ? 0 : band->channel_size());
    for (int64_t term = 0; term < terms_; term += step) {
      const int depth = int(std::min(step, terms_ - term));
      if (swapped_) {
        MBM_HW_CALL(source_.isa(), transpose, as_bits(buffers.band.data() + term), terms_,
                    task.positions, depth, as_bits(buffers.packed.data()), kTilePositions);
      } else if (direct) {
        pack_pixels(task, runs, term, depth, buffers);
      } else {
        pack_terms(task, runs, *band, term, depth, buffers);
      }
      fill_rest(task.positions, depth, buffers);
      add_products(buffers.packed.data(), nullptr, weights_.data() + first * terms_ + term,
                   task.outputs, depth, task.positions, buffers);
    }
    for (int64_t o = 0; o < task.outputs; ++o) {
      write_output(out, runs, first + o, task.position, buffers.sums.data() + o * kTilePositions,
                   buffers);
    }
  }

  // Whole channels where a tile's depth allows it; as many as a thread may hold the band of.
  static int64_t terms_at_once(int64_t area, int64_t channel_size) {
    if (area >= kTileDepth) return kTileDepth;
    constexpr int64_t kHeld = 1 << 28;  // bytes
    const int64_t held = kHeld / (channel_size * int64_t(sizeof(Operand)) + 1);
    return std::clamp<int64_t>(held, 1, kTileDepth / area) * area;
  }

  void add_products(const Operand* x, const int64_t* rows, const Weight* weights, int64_t outputs,
                    int depth, int64_t positions, Buffers& buffers) const {
    Stopwatch::time([&] {
      multiplier_.add({x, weights, terms_, buffers.sums.data(), int(outputs), depth,
                       int(positions), buffers.scratch.data(), rows});
    });
  }

  // Reads the weights that are the tile's positions, if swapped: the band is [positions][terms].
  void read_weights(const Task& task, Buffers& buffers) const {
    buffers.band.resize(std::max<size_t>(buffers.band.size(), task.positions * terms_));
    for (int64_t p = 0; p < task.positions; ++p) {
      const int64_t o = task.position + p;
      const Element* row = x_ + o * geometry_.x.stride[3];
      const float scale = source_.weight_scale(row, terms_, o);
      // The next row comes from memory while this one, in the cache, is made into codes.
      for (int64_t k = 0; k < terms_ && p + 1 < task.positions; k += 64 / sizeof(Element)) {
        __builtin_prefetch(row + geometry_.x.stride[3] + k);
      }
      buffers.reader.read_row(row, terms_, 1, scale, buffers.band.data() + p * terms_);
      buffers.scales[p] = source_.x_scale() * scale;
    }
  }

  // The positions that kernels may work on beyond the tile's.
  void fill_rest(int64_t positions, int depth, Buffers& buffers) const {
    const int64_t rest = (kTilePositions - positions) % kPositionStep;
    for (int k = 0; k < depth && rest; ++k) {
      std::fill_n(buffers.packed.data() + k * kTilePositions + positions, rest, zero_);
    }
  }

  // Packs terms that are channels of one pixel.
  void pack_pixels(const Task& task, const std::vector<Run>& runs, int64_t term, int depth,
                   Buffers& buffers) const {
    const auto& stride = geometry_.x.stride;
    const int64_t channel = task.group * geometry_.w.size[1] + term;
    for (const Run& run : runs) {
      buffers.reader.read(x_ + run.image * stride[0] + channel * stride[1] +
                              run.row * geometry_.stride[0] * stride[2] +
                              run.column * geometry_.stride[1] * stride[3],
                          depth, stride[1], run.length, geometry_.stride[1] * stride[3],
                          buffers.packed.data() + run.position, kTilePositions);
    }
  }

  // Packs any terms: reads what they meet once, and copies it for each.
  void pack_terms(const Task& task, const std::vector<Run>& runs, const Band& band, int64_t term,
                  int depth, Buffers& buffers) const {
    const int64_t columns = geometry_.w.size[3], area = geometry_.w.size[2] * columns;
    const int64_t first = term / area, channels = (term + depth - 1) / area - first + 1;
    read_band(band, 0, task.group * geometry_.w.size[1] + first, channels, buffers);
    for (int64_t k = term; k < term + depth; ++k) {
      const Operand* source = buffers.band.data() + (k / area - first) * band.channel_size() +
                              band.term_offset(k % area / columns, k % columns);
      Operand* target = buffers.packed.data() + (k - term) * kTilePositions;
      for (const Run& run : runs) {
        std::copy_n(source + band.run_offset(run), run.length, target + run.position);
      }
    }
  }

  // All outputs of one channel of one image.
  template <class Target>
  void run_channel(const ChannelPlan& plan, int64_t index, Target* out, Buffers& buffers) const {
    const int64_t image = index / geometry_.groups, channel = index % geometry_.groups;
    const int64_t outputs = geometry_.w.size[0] / geometry_.groups;
    out += image * geometry_.out.stride[0];
    read_band(plan.band, image, channel, 1, buffers);
    for (size_t tile = 0; tile < plan.runs.size(); ++tile) {
      const int64_t first = tile * kTilePositions;
      const int64_t count = std::min<int64_t>(kTilePositions, plan.positions - first);
      const Operand* plane = buffers.band.data() + first;
      for (int64_t k = 0; k < terms_ && !Multiplier::kTakesPlanes; ++k) {
        std::copy_n(plane + plan.term_offsets[k], kTilePositions,
                    buffers.packed.data() + k * kTilePositions);
      }
      std::fill_n(buffers.sums.data(), outputs * kTilePositions, Sum(0));
      const Weight* weights = weights_.data() + channel * outputs * terms_;
      if constexpr (Multiplier::kTakesPlanes) {
        add_products(plane, plan.term_offsets.data(), weights, outputs, int(terms_), count, buffers);
      } else {
        add_products(buffers.packed.data(), nullptr, weights, outputs, int(terms_), count, buffers);
      }
      for (int64_t o = 0; o < outputs; ++o) {
        write_output(out, plan.runs[tile], channel * outputs + o, 0,
                     buffers.sums.data() + o * kTilePositions, buffers);
      }
    }
  }

  void read_band(const Band& band, int64_t image, int64_t channel, int64_t channels,
                 Buffers& buffers) const {
    const int64_t size = band.channel_size();
    // Kernels' tiles may reach beyond the last row.
    buffers.band.resize(channels * size + kTilePositions, zero_);
    const auto& stride = geometry_.x.stride;
    for (const Band::Strip& strip : band.strips()) {
      Operand* target = buffers.band.data() + strip.offset;
      for (int64_t c = 0; c < channels; ++c) {
        std::fill_n(target + c * size, strip.before, zero_);
        std::fill_n(target + c * size + strip.before + strip.inside, strip.after, zero_);
      }
      if (strip.inside == 0) continue;
      buffers.reader.read(x_ + (image + strip.image) * stride[0] + channel * stride[1] +
                              strip.row * stride[2] + strip.column * stride[3],
                          channels, stride[1], strip.inside, geometry_.stride[1] * stride[3],
                          target + strip.before, size);
    }
  }

  template <class Target>
  void write_output(Target* out, const std::vector<Run>& runs, int64_t output, int64_t position,
                    const Sum* sums, const Buffers& buffers) const {
    const auto& stride = geometry_.out.stride;
    for (const Run& run : runs) {
      Target* target = out + run.image * stride[0] + output * stride[1] + run.row * stride[2] +
                       run.column * stride[3];
      const int64_t o = swapped_ ? position + run.position : output;
      const Affine affine{swapped_ ? buffers.scales + run.position : &scales_.data()[output],
                          bias_ ? bias_ + o : nullptr, swapped_};
      result_.write(multiplier_, sums + run.position, run.length, affine, target, stride[3]);
    }
  }

  const Multiplier& multiplier_;
  const Source source_;
  const Result result_;
  const Conv2dGeometry geometry_;
  const bool swapped_;
  const Operand zero_;  // of code 0
  const int64_t terms_;
  const Element* x_ = nullptr;
  const float* bias_ = nullptr;
  AlignedArray<Weight> weights_;  // [outputs][terms]
  AlignedArray<float> scales_;    // of the outputs' sums
};

}  // namespace mbm_hw
