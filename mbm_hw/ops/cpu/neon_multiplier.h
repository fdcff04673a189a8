// The multipliers of aarch64's vector kernels.
#pragma once

#include <bit>
#include <cstdint>

#include "aligned.h"
#include "log_multiplier.h"
#include "neon_kernels.h"
#include "table_multiplier.h"

namespace mbm_hw {

// Any multiplier of up to 8 bits, its products read from registers.
template <class CodeT, class SumT>
class NeonTableMultiplier {
 public:
  using Code = CodeT;
  using Operand = uint8_t;
  using Weight = Operand;
  using Sum = SumT;
  static constexpr const char* kName = "table in registers";
  static constexpr bool kTakesPlanes = false;
  static constexpr int kScratch = 0;

  explicit NeonTableMultiplier(const ProductTable& table);

  bool takes_codes() const { return mask_ == Operand(~0u); }
  auto encoder() const {
    return [mask = mask_](Code code) -> Operand { return static_cast<Operand>(code) & mask; };
  }
  auto weight_encoder() const { return encoder(); }
  void add(const Tile<Operand, Sum>& tile) const { neon::byte_table_add(planes_, tile); }

 private:
  Operand mask_;
  AlignedArray<uint8_t> bytes_;
  NeonPlanes planes_;
};

using NeonTableInt8 = NeonTableMultiplier<int8_t, int32_t>;
using NeonTableUInt8 = NeonTableMultiplier<uint8_t, int64_t>;

// Mitchell's and MBM's products of signed operands of 9 to 16 bits, by floating-point patterns.
class NeonPatternMultiplier {
 public:
  using Code = int16_t;
  using Operand = Code;
  using Weight = uint32_t;
  using Sum = int64_t;
  static constexpr const char* kName = "floating-point patterns";
  static constexpr bool kTakesPlanes = false;
  static constexpr int kScratch = kNeonScratch;

  // Whether a spec is one of those whose products patterns give.
  static bool takes(const LogParameters& parameters) {
    return parameters.width > 8 && parameters.corrections[0] == 2 * parameters.corrections[1];
  }

  explicit NeonPatternMultiplier(const LogParameters& parameters);

  bool takes_codes() const { return true; }
  auto encoder() const {
    return [](Code code) { return code; };
  }
  auto weight_encoder() const {
    return [kept = patterns_.kept, forced = patterns_.forced](Code code) {
      const auto pattern = std::bit_cast<uint32_t>(float(code));
      return code == 0 ? kNeonPatternOfZero : (pattern & kept) | forced;
    };
  }
  void add(const Tile<Operand, Sum, Weight>& tile) const { neon::pattern_add(patterns_, tile); }

 private:
  AlignedArray<int8_t> small_;
  NeonPatterns patterns_;
};

}  // namespace mbm_hw
