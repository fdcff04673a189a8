// The multipliers behind one type, and the choice of the kernels for a spec.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <variant>
#include <vector>

#include "exact_multiplier.h"
#include "float_multiplier.h"
#include "isa.h"
#include "log_multiplier.h"
#ifdef MBM_HW_NEON
#include "neon_multiplier.h"
#endif
#include "pattern_multiplier.h"
#include "table_multiplier.h"

namespace mbm_hw {

// A multiplier of any kind, ready for the kernels, as Python holds it.
class Multiplier {
 public:
  template <class Kind, class... Arguments>
  static Multiplier* make(Arguments&&... arguments) {
    auto* multiplier = new Multiplier;
    multiplier->kind_.emplace<Kind>(std::forward<Arguments>(arguments)...);
    return multiplier;
  }

  template <class Visitor>
  void visit(const Visitor& visitor) const {
    std::visit([&](const auto& kind) {
      if constexpr (!std::is_same_v<std::decay_t<decltype(kind)>, std::monostate>) visitor(kind);
    }, kind_);
  }

 private:
  std::variant<std::monostate, ExactInt8, ExactUInt8, ExactInt16, ExactUInt16,
               LogMultiplier<int16_t>, LogMultiplier<int32_t>,
               FloatExactMultiplier, FloatLogMultiplier, FloatTableMultiplier,
#ifdef MBM_HW_NEON
               NeonTableInt8, NeonTableUInt8, NeonPatternMultiplier,
#endif
#ifdef MBM_HW_X86
               ByteTableInt8, ByteTableUInt8, PatternInt8, PatternInt16,
#endif
               TableInt8, TableUInt8, TableInt16, TableUInt16> kind_;
};

// From the spec's derived numbers, as the Python properties of the same names give them. The caller
// owns what is returned; null from log_multiplier: take the product table.
Multiplier* exact_multiplier(int width, bool is_signed, Isa isa);
Multiplier* log_multiplier(int width, bool is_signed, int truncation,
                           std::array<uint32_t, 2> corrections, int small_characteristic, Isa isa);
Multiplier* float_exact_multiplier(int exponent_bits, int mantissa_bits, Isa isa);
Multiplier* float_log_multiplier(int exponent_bits, int mantissa_bits, int truncation, bool forced,
                                 std::array<uint32_t, 2> corrections, uint32_t offset, Isa isa);
Multiplier* float_table_multiplier(int exponent_bits, int mantissa_bits,
                                   std::vector<int32_t> table, Isa isa);
Multiplier* table_multiplier(const ProductTable& table, bool is_signed, Isa isa);

}  // namespace mbm_hw
