#include "geometry.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace mbm_hw {

namespace {

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t positions_of(const Conv2dGeometry& geometry) {
  const auto& size = geometry.out.size;
  return size[0] * size[2] * size[3];
}

constexpr int64_t kMostPlane = 1 << 28;  // pixels of a channel that a thread holds

// Whether the product of all sizes fits int64_t with room to count on.
bool is_countable(const Shape4& shape) {
  int64_t count = 1;
  for (const int64_t size : shape.size) {
    if (size < 1 || __builtin_mul_overflow(count, size, &count)) return false;
  }
  return count <= int64_t(1) << 60;
}

bool weights_adjoin(const Shape4& w) {
  int64_t expected = 1;
  for (int i = 3; i >= 0; --i) {
    if (w.size[i] > 1 && w.stride[i] != expected) return false;
    expected *= w.size[i];
  }
  return true;
}

}  // namespace

void check(const Conv2dGeometry& geometry) {
  const auto& [x, w, out, stride, padding, dilation, groups] = geometry;
  const auto require = [](bool holds) {
    if (!holds) throw std::invalid_argument("these are not the sizes of a convolution");
  };
  require(is_countable(x) && is_countable(w) && is_countable(out) && weights_adjoin(w));
  require(groups >= 1 && w.size[0] % groups == 0 && x.size[1] % groups == 0);
  require(x.size[1] / groups == w.size[1]);
  require(out.size[0] == x.size[0] && out.size[1] == w.size[0]);
  for (int i = 0; i < 2; ++i) {
    const auto is_step = [](int64_t step) { return step >= 1 && step <= kMostStep; };
    require(is_step(stride[i]) && is_step(dilation[i]) && is_step(x.size[2 + i]) &&
            is_step(w.size[2 + i]) && padding[i] >= 0 && padding[i] <= kMostStep);
    const int64_t padded = x.size[2 + i] + 2 * padding[i];
    const int64_t extent = dilation[i] * (w.size[2 + i] - 1) + 1;
    require(padded <= kMostStep && extent <= padded);
    require(out.size[2 + i] == (padded - extent) / stride[i] + 1);
  }
}

bool can_swap_sides(const Conv2dGeometry& geometry) {
  const std::array<int64_t, 2> none{0, 0};
  return geometry.groups == 1 && geometry.padding == none && geometry.x.size[2] == 1 &&
         geometry.x.size[3] == 1 && geometry.w.size[2] == 1 && geometry.w.size[3] == 1;
}

TaskGrid::TaskGrid(const Conv2dGeometry& geometry, int threads, bool swapped)
    : groups_(geometry.groups),
      positions_(positions_of(geometry)),
      outputs_(geometry.w.size[0] / geometry.groups) {
  int64_t most = kTilePositions;
  if (constexpr int kFew = 16; swapped && outputs_ <= kFew) {
    // The values of a tile are read twice, for their scale and for their codes: from the cache.
    constexpr int64_t kCached = 1 << 16;
    most = std::clamp(kCached / geometry.w.size[1], int64_t(kPositionStep), most);
  }
  position_tiles_ = divide_up(positions_, most);
  tile_positions_ =
      divide_up(divide_up(positions_, position_tiles_), kPositionStep) * kPositionStep;
  position_tiles_ = divide_up(positions_, tile_positions_);
  // Four tasks for each thread even out their ends, but each packs its activations anew: at least
  // 16 outputs share a packing.
  const int64_t wanted = divide_up(4 * int64_t(threads), groups_ * position_tiles_);
  const int64_t share = divide_up(outputs_, threads > 1 ? wanted : 1);
  tile_outputs_ = std::clamp<int64_t>(share, 16, kTileOutputs);
  output_tiles_ = divide_up(outputs_, tile_outputs_);
}

Task TaskGrid::operator[](int64_t index) const {
  const int64_t output = index % output_tiles_ * tile_outputs_;
  index /= output_tiles_;
  const int64_t position = index % position_tiles_ * tile_positions_;
  return {.group = index / position_tiles_,
          .position = position,
          .positions = std::min(tile_positions_, positions_ - position),
          .output = output,
          .outputs = std::min(tile_outputs_, outputs_ - output)};
}

std::vector<Run> runs_of(const Conv2dGeometry& geometry, int64_t position, int64_t positions) {
  const int64_t rows = geometry.out.size[2], columns = geometry.out.size[3];
  std::vector<Run> runs;
  const int64_t first = position;
  while (positions > 0) {
    const int64_t column = position % columns;
    const int64_t length = std::min(columns - column, positions);
    runs.push_back({position / columns / rows, position / columns % rows, column, length,
                    position - first});
    position += length;
    positions -= length;
  }
  return runs;
}

int useful_threads(const Conv2dGeometry& geometry, int threads) {
  const auto& size = geometry.w.size;
  const double products = double(positions_of(geometry)) * size[0] * size[1] * size[2] * size[3];
  constexpr double kWorthAThread = 1 << 18;
  return int(std::clamp(products / kWorthAThread, 1.0, double(std::max(threads, 1))));
}

bool goes_by_channel(const Conv2dGeometry& geometry, int threads) {
  const auto& size = geometry.w.size;
  const auto padded = [&](int i) { return geometry.x.size[2 + i] + 2 * geometry.padding[i]; };
  return size[1] == 1 && size[2] * size[3] <= kTileDepth &&
         size[0] / geometry.groups <= kTileOutputs && padded(0) * padded(1) <= kMostPlane &&
         geometry.x.size[0] * geometry.groups >= threads;
}

bool meets_values_again(const Conv2dGeometry& geometry, int threads) {
  const auto& size = geometry.w.size;
  return !goes_by_channel(geometry, useful_threads(geometry, threads)) &&
         (size[0] / geometry.groups > kTileOutputs || size[2] > geometry.stride[0]);
}

int64_t dense_size(const Shape4& shape) {
  int64_t size = 1, last = 0;
  for (int i = 0; i < 4; ++i) {
    size *= shape.size[i];
    last += (shape.size[i] - 1) * shape.stride[i];
  }
  return last + 1 == size ? size : 0;
}

Conv2dGeometry with_images_as_rows(Conv2dGeometry geometry) {
  const std::array<int64_t, 2> ones{1, 1}, zeros{0, 0};
  const bool pointwise = geometry.w.size[2] == 1 && geometry.w.size[3] == 1 &&
                         geometry.stride == ones && geometry.padding == zeros;
  const auto rows_adjoin = [](const Shape4& shape) {
    return shape.size[2] == 1 || shape.stride[2] == shape.size[3] * shape.stride[3];
  };
  if (!pointwise || !rows_adjoin(geometry.x) || !rows_adjoin(geometry.out)) return geometry;
  const bool one_pixel = geometry.x.size[2] * geometry.x.size[3] == 1;
  for (Shape4* shape : {&geometry.x, &geometry.out}) {
    auto& [size, stride] = *shape;
    size[3] *= size[2];
    size[2] = 1;
    if (one_pixel) {
      std::swap(size[0], size[3]);
      stride[3] = stride[0];
    }
  }
  return geometry;
}

Conv2dGeometry with_sides_swapped(const Conv2dGeometry& geometry) {
  const auto& [x, w, out, stride, padding, dilation, groups] = geometry;
  const int64_t images = x.size[0], terms = w.size[1], outputs = w.size[0];
  return {.x = {{1, terms, 1, outputs}, {0, w.stride[1], 0, w.stride[0]}},
          .w = {{images, terms, 1, 1}, {terms, 1, 1, 1}},
          .out = {{1, images, 1, outputs}, {0, out.stride[0], 0, out.stride[1]}},
          .stride = {1, 1},
          .padding = {0, 0},
          .dilation = {1, 1},
          .groups = 1};
}

}  // namespace mbm_hw
