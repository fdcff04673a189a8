// Mitchell's and MBM's products of signed operands, by floating-point patterns: AVX2 and AVX-512.
#pragma once

#include <bit>
#include <cstdint>

#include "aligned.h"
#include "kernels.h"

#ifdef MBM_HW_X86

namespace mbm_hw {

// CodeT: int8_t for 8 bits, int16_t above.
template <class CodeT, class SumT>
class PatternMultiplier {
 public:
  using Code = CodeT;
  using Operand = CodeT;
  using Weight = uint32_t;
  using Sum = SumT;
  static constexpr const char* kName = "floating-point patterns";
  static constexpr bool kTakesPlanes = true;
  static constexpr int kScratch = kPatternScratch;

  // Whether a spec is one of those whose products patterns give.
  static bool takes(const LogParameters& parameters) {
    return parameters.width >= 8 && parameters.corrections[0] == 2 * parameters.corrections[1];
  }

  PatternMultiplier(const LogParameters& parameters, Isa isa);

  bool takes_codes() const { return true; }
  auto encoder() const {
    return [](Code code) { return code; };
  }
  auto weight_encoder() const {
    return [kept = kept_, forced = forced_](Code code) {
      const auto pattern = std::bit_cast<uint32_t>(float(code));
      return code == 0 ? kPatternOfZero : (pattern & kept) | forced;
    };
  }
  void add(const Tile<Operand, Sum, Weight>& tile) const {
    isa_ == Isa::kAvx512 ? avx512::pattern_add(parameters_, tile)
                         : avx2::pattern_add(parameters_, tile);
  }

 private:
  // Fills in what products of small operands lack: product(x, w) in `units`, less computed(x, w).
  template <class Computed>
  void add_small_products(const LogParameters& parameters, int units, const Computed& computed,
                          int8_t* rows, SmallProducts& small);

  Isa isa_;
  uint32_t kept_ = ~0u, forced_ = 0;
  AlignedArray<int8_t> small_;
  PatternParameters parameters_;
};

using PatternInt8 = PatternMultiplier<int8_t, int32_t>;
using PatternInt16 = PatternMultiplier<int16_t, int64_t>;

}  // namespace mbm_hw

#endif
