// A convolution's shapes, and how its outputs are cut into tasks.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tile.h"

namespace mbm_hw {

// Of a tensor [N, C, H, W], weights [O, C / groups, kH, kW]; strides in elements, any.
struct Shape4 {
  std::array<int64_t, 4> size;
  std::array<int64_t, 4> stride;
};

// All sizes at least 1; out is [N, O, OH, OW] with the OH, OW that torch's conv2d gives; w adjoins.
struct Conv2dGeometry {
  Shape4 x, w, out;
  std::array<int64_t, 2> stride, padding, dilation;
  int64_t groups;
};

// The largest step between pixels, and the longest side of a padded image: two of them multiplied
// fit int64_t.
inline constexpr int64_t kMostStep = (int64_t(1) << 31) - 1;

// Raises std::invalid_argument unless the sizes are those of a convolution, with weights that
// adjoin, and fit the arithmetic of this file.
void check(const Conv2dGeometry& geometry);

// Whether images and kernels are of one pixel, and may change sides: see Conv2d.
bool can_swap_sides(const Conv2dGeometry& geometry);

// Which outputs of which positions one task computes: all of their terms.
struct Task {
  int64_t group;
  int64_t position, positions;  // in the order [N, OH, OW]; at most kTilePositions
  int64_t output, outputs;      // within the group; at most kTileOutputs
};

// Cuts the work into tasks: large ones, yet some for every thread.
class TaskGrid {
 public:
  // swapped : see Conv2d.
  TaskGrid(const Conv2dGeometry& geometry, int threads, bool swapped);

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

// Whether each channel has outputs of its own, and each thread a channel.
bool goes_by_channel(const Conv2dGeometry& geometry, int threads);

// Whether most values of the image come into more than one tile.
bool meets_values_again(const Conv2dGeometry& geometry, int threads);

// Elements from the first to the last of a tensor, if there are no others between them, else 0.
int64_t dense_size(const Shape4& shape);

// If the kernel is one pixel, moved by one, an image is one long row: fewer and longer runs; and
// images of one pixel are one image.
Conv2dGeometry with_images_as_rows(Conv2dGeometry geometry);

// Of a convolution of images of one pixel: the weights as the image, with a position for each
// output, and the images as the kernels.
Conv2dGeometry with_sides_swapped(const Conv2dGeometry& geometry);

}  // namespace mbm_hw
