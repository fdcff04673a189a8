#include "multipliers.h"

#include <utility>

namespace mbm_hw {

Multiplier* exact_multiplier(int width, bool is_signed, Isa isa) {
  if (width <= 8) {
    return is_signed ? Multiplier::make<ExactInt8>(width, isa)
                     : Multiplier::make<ExactUInt8>(width, isa);
  }
  return is_signed ? Multiplier::make<ExactInt16>(width, isa)
                   : Multiplier::make<ExactUInt16>(width, isa);
}

Multiplier* log_multiplier(int width, bool is_signed, int truncation,
                           std::array<uint32_t, 2> corrections, int small_characteristic, Isa isa) {
  const LogParameters parameters{
      width, truncation, {corrections[0], corrections[1]}, small_characteristic};
#ifdef MBM_HW_X86
  if (is_signed && isa != Isa::kPortable && PatternInt16::takes(parameters)) {
    return width <= 8 ? Multiplier::make<PatternInt8>(parameters, isa)
                      : Multiplier::make<PatternInt16>(parameters, isa);
  }
#endif
#ifdef MBM_HW_NEON
  if (is_signed && isa == Isa::kNeon && NeonPatternMultiplier::takes(parameters)) {
    return Multiplier::make<NeonPatternMultiplier>(parameters);
  }
#endif
  if (width <= 8) return nullptr;
  return is_signed ? Multiplier::make<LogMultiplier<int16_t>>(parameters, isa)
                   : Multiplier::make<LogMultiplier<int32_t>>(parameters, isa);
}

Multiplier* float_exact_multiplier(int exponent_bits, int mantissa_bits, Isa isa) {
  return Multiplier::make<FloatExactMultiplier>(exponent_bits, mantissa_bits, isa);
}

Multiplier* float_log_multiplier(int exponent_bits, int mantissa_bits, int truncation, bool forced,
                                 std::array<uint32_t, 2> corrections, uint32_t offset, Isa isa) {
  const FloatLogParameters parameters{exponent_bits, mantissa_bits, truncation, forced,
                                      {corrections[0], corrections[1]}, offset};
  return Multiplier::make<FloatLogMultiplier>(parameters, isa);
}

Multiplier* float_table_multiplier(int exponent_bits, int mantissa_bits,
                                   std::vector<int32_t> table, Isa isa) {
  return Multiplier::make<FloatTableMultiplier>(exponent_bits, mantissa_bits, std::move(table),
                                                isa);
}

Multiplier* table_multiplier(const ProductTable& table, bool is_signed, Isa isa) {
  const int width = table.width;
#ifdef MBM_HW_X86
  if (width <= 8 && isa != Isa::kPortable) {
    return is_signed ? Multiplier::make<ByteTableInt8>(table, isa)
                     : Multiplier::make<ByteTableUInt8>(table, isa);
  }
#endif
#ifdef MBM_HW_NEON
  if (width <= 8 && isa == Isa::kNeon) {
    return is_signed ? Multiplier::make<NeonTableInt8>(table)
                     : Multiplier::make<NeonTableUInt8>(table);
  }
#endif
  if (width <= 8) {
    return is_signed ? Multiplier::make<TableInt8>(table, isa)
                     : Multiplier::make<TableUInt8>(table, isa);
  }
  return is_signed ? Multiplier::make<TableInt16>(table, isa)
                   : Multiplier::make<TableUInt16>(table, isa);
}

}  // namespace mbm_hw
