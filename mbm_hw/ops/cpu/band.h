// The part of the padded input that some runs of positions meet: at most kMostValues of a channel,
// else a std::invalid_argument.
//
// A channel of it is [row phases][column phases][rows][width]: a phase is an input row or column
// modulo the stride. So what a term of the sum meets along a run adjoins, and from one term to the
// next it lies a constant apart.
#pragma once

#include <cstdint>
#include <vector>

#include "geometry.h"

namespace mbm_hw {

class Band {
 public:
  static constexpr int64_t kMostValues = int64_t(1) << 30;

  // The runs are in order, and all of one group.
  Band(const Conv2dGeometry& geometry, const std::vector<Run>& runs);

  // Pixels side by side in the band, `step` columns apart in the input.
  struct Strip {
    int64_t image, row, column;  // of the first pixel inside the image
    int64_t before, inside, after;  // pixels: of the padding, of the image, of the padding
    int64_t offset;                 // of the first pixel, in the channel
  };
  const std::vector<Strip>& strips() const { return strips_; }

  int64_t channel_size() const { return phases_[0] * phases_[1] * rows_ * width_; }
  int64_t width() const { return width_; }

  // What the term meets at the run's first position is at the sum of both.
  int64_t term_offset(int64_t kernel_row, int64_t kernel_column) const;
  int64_t run_offset(const Run& run) const {
    return (first_row_of_image_[run.image - first_image_] + run.row) * width_ + run.column -
           first_column_;
  }

 private:
  void check_size() const;
  // The phases that a pixel of the kernel meets, along an axis, ascending.
  std::vector<int64_t> met_phases(int axis) const;
  void add_strips(int64_t image, int64_t first_row, int64_t last_row);

  const Conv2dGeometry& geometry_;
  std::array<int64_t, 2> phases_;  // as far as the kernel meets them
  std::array<int64_t, 2> reach_;   // steps from a position to the last one that a term meets
  int64_t rows_ = 0, width_;
  int64_t first_image_, first_column_;
  std::vector<int64_t> first_row_of_image_;  // the band's row of output row 0, from first_image_ on
  std::vector<Strip> strips_;
};

}  // namespace mbm_hw
