#include "band.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace mbm_hw {

Band::Band(const Conv2dGeometry& geometry, const std::vector<Run>& runs)
    : geometry_(geometry), first_image_(runs.front().image) {
  for (int i = 0; i < 2; ++i) {
    const int64_t extent = (geometry.w.size[2 + i] - 1) * geometry.dilation[i];
    phases_[i] = std::min(geometry.stride[i], extent + 1);
    reach_[i] = extent / geometry.stride[i];
  }
  const bool one_row = runs.size() == 1;
  first_column_ = one_row ? runs.front().column : 0;
  width_ = (one_row ? runs.front().length : geometry.out.size[3]) + reach_[1];
  // First how many rows there are, then what they hold.
  std::vector<std::array<int64_t, 2>> rows;  // first and last, of each image
  for (const Run& run : runs) {
    if (run.image - first_image_ == int64_t(rows.size())) rows.push_back({run.row, run.row});
    rows.back()[1] = run.row;
  }
  for (const auto& [first, last] : rows) {
    first_row_of_image_.push_back(rows_ - first);
    rows_ += last - first + 1 + reach_[0];
  }
  check_size();
  for (size_t i = 0; i < rows.size(); ++i) add_strips(first_image_ + i, rows[i][0], rows[i][1]);
}

void Band::check_size() const {
  int64_t size = rows_;
  const bool overflows = __builtin_mul_overflow(size, width_, &size) ||
                         __builtin_mul_overflow(size, phases_[0], &size) ||
                         __builtin_mul_overflow(size, phases_[1], &size);
  if (!overflows && size <= kMostValues) return;
  const auto pixels = [&](int i) {
    return std::to_string((geometry_.w.size[2 + i] - 1) * geometry_.dilation[i] + 1);
  };
  throw std::invalid_argument("a kernel that spans " + pixels(0) + " x " + pixels(1) +
                              " pixels meets more than " + std::to_string(kMostValues) +
                              " values of a channel at once, the most that is held");
}

std::vector<int64_t> Band::met_phases(int axis) const {
  std::vector<int64_t> phases;
  for (int64_t k = 0; k < geometry_.w.size[2 + axis]; ++k) {
    phases.push_back(k * geometry_.dilation[axis] % geometry_.stride[axis]);
  }
  std::sort(phases.begin(), phases.end());
  phases.erase(std::unique(phases.begin(), phases.end()), phases.end());
  return phases;
}

int64_t Band::term_offset(int64_t kernel_row, int64_t kernel_column) const {
  const int64_t row = kernel_row * geometry_.dilation[0];
  const int64_t column = kernel_column * geometry_.dilation[1];
  const int64_t phase = row % geometry_.stride[0] * phases_[1] + column % geometry_.stride[1];
  return (phase * rows_ + row / geometry_.stride[0]) * width_ + column / geometry_.stride[1];
}

void Band::add_strips(int64_t image, int64_t first_row, int64_t last_row) {
  const auto& [size, stride] = geometry_.x;
  const auto [row_step, column_step] = geometry_.stride;
  const int64_t rows_of_image = last_row - first_row + 1;
  const auto column_phases = met_phases(1);
  for (const int64_t row_phase : met_phases(0)) {
    std::vector<bool> met(rows_of_image + reach_[0]);
    for (int64_t k = 0; k < geometry_.w.size[2]; ++k) {
      const int64_t row = k * geometry_.dilation[0];
      if (row % row_step != row_phase) continue;
      std::fill_n(met.begin() + row / row_step, rows_of_image, true);
    }
    for (const int64_t column_phase : column_phases) {
      for (int64_t i = 0; i < int64_t(met.size()); ++i) {
        if (!met[i]) continue;
        const int64_t row = (first_row + i) * row_step + row_phase - geometry_.padding[0];
        const int64_t column = first_column_ * column_step + column_phase - geometry_.padding[1];
        const int64_t offset = ((row_phase * phases_[1] + column_phase) * rows_ +
                                first_row_of_image_[image - first_image_] + first_row + i) * width_;
        int64_t before = 0, end = 0;  // pixels before to end are inside the image
        if (row >= 0 && row < size[2]) {
          before = column < 0 ? (-column + column_step - 1) / column_step : 0;
          before = std::min(before, width_);
          end = column < size[3] ? (size[3] - column + column_step - 1) / column_step : 0;
          end = std::clamp(end, before, width_);
        }
        strips_.push_back(
            {image, row, column + before * column_step, before, end - before, width_ - end, offset});
      }
    }
  }
}

}  // namespace mbm_hw
