// The exact product: ordinary integer arithmetic.
#pragma once

#include "kernels.h"

namespace mbm_hw {

// OperandT is the narrowest type whose products the compiler multiplies in vectors.
template <class CodeT, class OperandT, class SumT>
struct ExactMultiplier {
  using Code = CodeT;
  using Operand = OperandT;
  using Weight = Operand;
  using Sum = SumT;
  static constexpr const char* kName = "integer products";
  static constexpr bool kTakesPlanes = false;
  static constexpr int kScratch = 0;

  Isa isa;

  bool takes_codes() const { return sizeof(Code) == sizeof(Operand); }
  auto encoder() const {
    return [](Code code) { return static_cast<Operand>(code); };
  }
  auto weight_encoder() const { return encoder(); }
  void add(const Tile<Operand, Sum>& tile) const {
#ifdef MBM_HW_X86
    if constexpr (sizeof(Code) == 1) {
      if (isa == Isa::kAvx2) return avx2::exact_pairs_add(tile);
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
