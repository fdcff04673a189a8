#include "conv2d.h"

namespace mbm_hw {

namespace {

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t positions_of(const Conv2dGeometry& geometry) {
  const auto& size = geometry.out.size;
  return size[0] * size[2] * size[3];
}

}  // namespace

TaskGrid::TaskGrid(const Conv2dGeometry& geometry, int threads)
    : groups_(geometry.groups),
      positions_(positions_of(geometry)),
      outputs_(geometry.w.size[0] / geometry.groups) {
  position_tiles_ = divide_up(positions_, kTilePositions);
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
  constexpr double kWorthAThread = 1 << 19;
  return int(std::clamp(products / kWorthAThread, 1.0, double(std::max(threads, 1))));
}

bool goes_by_channel(const Conv2dGeometry& geometry, int threads) {
  const auto& size = geometry.w.size;
  return size[1] == 1 && geometry.stride == std::array<int64_t, 2>{1, 1} &&
         size[2] * size[3] <= kTileDepth && size[0] / geometry.groups <= kTileOutputs &&
         geometry.x.size[0] * geometry.groups >= threads;
}

Conv2dGeometry with_images_as_rows(Conv2dGeometry geometry) {
  const std::array<int64_t, 2> ones{1, 1}, zeros{0, 0};
  const bool pointwise = geometry.w.size[2] == 1 && geometry.w.size[3] == 1 &&
                         geometry.stride == ones && geometry.padding == zeros;
  const auto rows_adjoin = [](const Shape4& shape) {
    return shape.stride[2] == shape.size[3] * shape.stride[3];
  };
  if (!pointwise || !rows_adjoin(geometry.x) || !rows_adjoin(geometry.out)) return geometry;
  for (Shape4* shape : {&geometry.x, &geometry.out}) {
    shape->size[3] *= shape->size[2];
    shape->size[2] = 1;
  }
  return geometry;
}

}  // namespace mbm_hw
