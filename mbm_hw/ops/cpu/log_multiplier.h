// The logarithmic products, Mitchell's and MBM, computed step by step as mbm_hw/reference.py does.
#pragma once

#include <bit>
#include <cstdint>

#include "tile.h"

namespace mbm_hw {

// The spec's derived numbers, as the Python properties of the same names give them; width 4 to 16.
struct LogParameters {
  int width;
  int truncation;
  uint32_t corrections[2];
  int small_characteristic;
};

// CodeT: int16_t for signed specs, int32_t for unsigned ones; both hold narrower codes, too.
template <class CodeT>
class LogMultiplier {
 public:
  using Code = CodeT;
  using Operand = uint32_t;  // fraction | characteristic << fraction_width | kZero | kNegative
  using Sum = int64_t;

  explicit LogMultiplier(const LogParameters& parameters) : parameters_(parameters) {}

  Operand encode(Code code) const {
    if (code == 0) return kZero;
    const int fraction_width = parameters_.width - 1;
    const uint32_t x = code < 0 ? -uint32_t(code) : uint32_t(code);
    const uint32_t characteristic = std::bit_width(x) - 1;
    uint32_t fraction = (x << (fraction_width - characteristic)) & ((1u << fraction_width) - 1);
    if (const int truncation = parameters_.truncation; truncation > 0) {
      fraction = (fraction >> truncation | 1) << truncation;
    }
    return fraction | characteristic << fraction_width | (code < 0 ? kNegative : 0);
  }

  void add(const Tile<Operand, Sum>& tile) const;

 private:
  // Above the sum of two characteristics; two zeros add up to twice the bit.
  static constexpr uint32_t kZero = 1u << 28;
  static constexpr uint32_t kNegative = 1u << 31;

  LogParameters parameters_;
};

}  // namespace mbm_hw
