// The logarithmic products, Mitchell's and MBM, step by step as mbm_hw/multipliers/log.py does.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels.h"

namespace mbm_hw {

// CodeT: int16_t for signed specs, int32_t for unsigned ones; both hold narrower codes, too.
template <class CodeT>
class LogMultiplier {
 public:
  using Code = CodeT;
  using Operand = uint32_t;
  using Weight = Operand;
  using Sum = int64_t;
  static constexpr const char* kName = "logarithms step by step";
  static constexpr bool kTakesPlanes = false;
  static constexpr int kScratch = 0;

  LogMultiplier(const LogParameters& parameters, Isa isa) : parameters_(parameters), isa_(isa) {}

  bool takes_codes() const { return false; }
  auto encoder() const {
    const int fraction_width = parameters_.width - 1, truncation = parameters_.truncation;
    return [fraction_width, truncation](Code code) {
      if (code == 0) return kLogZero;
      const uint32_t x = code < 0 ? -uint32_t(code) : uint32_t(code);
      const uint32_t characteristic = std::bit_width(x) - 1;
      uint32_t fraction = (x << (fraction_width - characteristic)) & ((1u << fraction_width) - 1);
      if (truncation > 0) fraction = (fraction >> truncation | 1) << truncation;
      return fraction | characteristic << fraction_width | (code < 0 ? kLogNegative : 0);
    };
  }
  auto weight_encoder() const { return encoder(); }
  void add(const Tile<Operand, Sum>& tile) const {
    MBM_HW_CALL(isa_, log_add, parameters_, tile);
  }

 private:
  LogParameters parameters_;
  Isa isa_;
};

}  // namespace mbm_hw
