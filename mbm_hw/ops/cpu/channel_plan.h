// Where the terms and the outputs of one channel lie, for convolutions of channels by themselves.
#pragma once

#include <cstdint>
#include <vector>

#include "band.h"
#include "geometry.h"

namespace mbm_hw {

// The same for all images and channels. Positions run over the band's rows: a row's last ones,
// where the kernel does not fit, are not written out.
struct ChannelPlan {
  explicit ChannelPlan(const Conv2dGeometry& geometry);

  Band band;
  int64_t positions;
  std::vector<int64_t> term_offsets;    // in the band
  std::vector<std::vector<Run>> runs;  // of each tile
};

}  // namespace mbm_hw
