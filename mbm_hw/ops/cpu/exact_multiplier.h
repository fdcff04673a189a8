// The exact product: ordinary integer arithmetic.
#pragma once

#include <type_traits>

#include "kernels.h"

namespace mbm_hw {

// OperandT is the narrowest type whose products the compiler multiplies in vectors. Those that fit
// int16 go in pairs where there is an instruction for it.
template <class CodeT, class OperandT, class SumT>
struct ExactMultiplier {
  using Code = CodeT;
  using Operand = OperandT;
  using Weight = Operand;
  using Sum = SumT;
  static constexpr const char* kName = "integer products";
#ifdef MBM_HW_X86
  static constexpr bool kInPairs = sizeof(Code) == 1 || std::is_same_v<Operand, int16_t>;
#else
  static constexpr bool kInPairs = false;
#endif
  static constexpr bool kTakesPlanes = kInPairs;
  static constexpr int kScratch = kInPairs ? kPairScratch : 0;

  int width;
  Isa isa;

  bool takes_codes() const { return sizeof(Code) == sizeof(Operand); }
  auto encoder() const {
    return [](Code code) { return static_cast<Operand>(code); };
  }
  auto weight_encoder() const { return encoder(); }
  void add(const Tile<Operand, Sum>& tile) const {
#ifdef MBM_HW_X86
    if constexpr (kInPairs) {
      if (isa == Isa::kAvx512) return avx512::exact_pairs_add(tile, width);
      if (isa == Isa::kAvx2) return avx2::exact_pairs_add(tile, width);
    }
#endif
    MBM_HW_CALL(isa, exact_add, tile);
  }
};

using ExactInt8 = ExactMultiplier<int8_t, int16_t, int32_t>;      // signed, to 8 bits
using ExactUInt8 = ExactMultiplier<uint8_t, uint16_t, int64_t>;   // unsigned, to 8 bits
using ExactInt16 = ExactMultiplier<int16_t, int16_t, int64_t>;    // signed, 9 to 16 bits
using ExactUInt16 = ExactMultiplier<int32_t, uint16_t, int64_t>;  // unsigned, 9 to 16 bits

}  // namespace mbm_hw
