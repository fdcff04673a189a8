#include "channel_plan.h"

#include <algorithm>

namespace mbm_hw {

ChannelPlan::ChannelPlan(const Conv2dGeometry& geometry)
    : band(geometry, runs_of(geometry, 0, geometry.out.size[2] * geometry.out.size[3])),
      positions((geometry.out.size[2] - 1) * band.width() + geometry.out.size[3]) {
  for (int64_t row = 0; row < geometry.w.size[2]; ++row) {
    for (int64_t column = 0; column < geometry.w.size[3]; ++column) {
      term_offsets.push_back(band.term_offset(row, column));
    }
  }
  for (int64_t first = 0; first < positions; first += kTilePositions) {
    runs.emplace_back();
    const int64_t end = std::min(first + kTilePositions, positions);
    for (int64_t at = first; at < end;) {
      const int64_t column = at % band.width(), rest = std::min(band.width() - column, end - at);
      const int64_t inside = std::min(geometry.out.size[3] - column, rest);
      if (inside > 0) runs.back().push_back({0, at / band.width(), column, inside, at - first});
      at += rest;
    }
  }
}

}  // namespace mbm_hw
