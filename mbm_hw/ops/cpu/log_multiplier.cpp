#include "log_multiplier.h"

namespace mbm_hw {

template <class CodeT>
void LogMultiplier<CodeT>::add(const Tile<Operand, Sum>& tile) const {
  const uint32_t fraction_width = parameters_.width - 1;
  const uint32_t one = 1u << fraction_width;
  const uint32_t last_characteristic = 2 * parameters_.width - 1;
  const int32_t small_characteristic = parameters_.small_characteristic;
  const uint32_t without_carry = parameters_.corrections[0];
  const uint32_t with_carry = parameters_.corrections[1];

  const auto product = [=](uint32_t a, uint32_t b) -> int64_t {
    const uint32_t total = (a & ~kNegative) + (b & ~kNegative);
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
    const int64_t magnitude = total >= kZero ? 0 : int64_t(shifted) + small;
    const int64_t sign = -int64_t((a ^ b) >> 31);
    return (magnitude ^ sign) - sign;
  };

  for (int o = 0; o < tile.outputs; ++o) {
    Sum* __restrict sums = tile.sums + o * kTilePositions;
    for (int k = 0; k < tile.depth; ++k) {
      const Operand weight = tile.w[o * tile.w_stride + k];
      if (weight == kZero) continue;
      const Operand* x = tile.x + k * kTilePositions;
      for (int p = 0; p < tile.positions; ++p) sums[p] += product(x[p], weight);
    }
  }
}

template class LogMultiplier<int16_t>;
template class LogMultiplier<int32_t>;

}  // namespace mbm_hw
