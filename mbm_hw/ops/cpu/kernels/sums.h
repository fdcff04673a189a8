// Blocks of sums in registers, and how they come into the tile.
#pragma once

#include "lanes.h"

#ifdef MBM_HW_LANES

namespace mbm_hw::MBM_HW_ISA {
namespace {

// Calls block.operator()<n>(first) for `count` outputs, n at a time: as many as `most`, then fewer.
template <int most, class Block>
inline void in_blocks(int count, const Block& block) {
  int o = 0;
  for (; o + most <= count; o += most) block.template operator()<most>(o);
  for (; o + 2 <= count; o += 2) block.template operator()<2>(o);
  for (; o < count; ++o) block.template operator()<1>(o);
}

inline void add_to(int32_t* sums, Integers added) {
  auto* target = reinterpret_cast<uint32_t*>(sums);
  store(target, plus(load(target), added));
}
inline void add_to(int64_t* sums, Integers added) { add_raised<0>(sums, added); }

}  // namespace
}  // namespace mbm_hw::MBM_HW_ISA

#endif
