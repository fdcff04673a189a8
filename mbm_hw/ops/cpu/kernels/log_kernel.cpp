#include "kernels.h"

namespace mbm_hw::MBM_HW_ISA {

void log_add(const LogParameters& parameters, const Tile<uint32_t, int64_t>& tile) {
  const uint32_t fraction_width = parameters.width - 1;
  const uint32_t one = 1u << fraction_width;
  const uint32_t last_characteristic = 2 * parameters.width - 1;
  const int32_t small_characteristic = parameters.small_characteristic;
  const uint32_t without_carry = parameters.corrections[0];
  const uint32_t with_carry = parameters.corrections[1];

  const auto product = [=](uint32_t a, uint32_t b) -> int64_t {
    const uint32_t total = (a & ~kLogNegative) + (b & ~kLogNegative);
    const uint32_t carry = ((a ^ b ^ total) >> fraction_width) & 1;
    const uint32_t fraction = total & (one - 1);
    const uint32_t characteristic = (total >> fraction_width) & 31;
    const uint32_t corrected = fraction + (carry ? with_carry : without_carry);
    const bool overflow = characteristic == last_characteristic && corrected >= one;
    const uint32_t mantissa = one + (overflow ? fraction : corrected);
    const uint32_t shifted = characteristic >= fraction_width
                                 ? mantissa << (characteristic - fraction_width)
                                 : mantissa >> (fraction_width - characteristic);
    const bool small = carry && int32_t(characteristic) <= small_characteristic;
    const int64_t magnitude = total >= kLogZero ? 0 : int64_t(shifted) + small;
    const int64_t sign = -int64_t((a ^ b) >> 31);
    return (magnitude ^ sign) - sign;
  };

  for (int o = 0; o < tile.outputs; ++o) {
    int64_t* __restrict sums = tile.sums + o * kTilePositions;
    for (int k = 0; k < tile.depth; ++k) {
      const uint32_t weight = tile.w[o * tile.w_stride + k];
      if (weight == kLogZero) continue;
      const uint32_t* x = tile.x + k * kTilePositions;
      for (int p = 0; p < tile.positions; ++p) sums[p] += product(x[p], weight);
    }
  }
}

}  // namespace mbm_hw::MBM_HW_ISA
