#include "float_multiplier.h"

#include <cmath>
#include <utility>

namespace mbm_hw {

namespace {

constexpr int kMaxScaledExponentBits = 6;

}  // namespace

FloatMultiplier::FloatMultiplier(int exponent_bits, int mantissa_bits, Isa isa)
    : products_{}, isa_(isa) {
  const FloatFormat format(exponent_bits, mantissa_bits);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int scale = exponent_bits <= kMaxScaledExponentBits ? bias : 0;
  products_.smallest = format.smallest;
  products_.overflow = format.overflow;
  products_.dropped = format.dropped;
  products_.kept = ~0u;
  products_.scale = uint32_t(scale) << 23;
  unscale_ = std::ldexp(1.0f, -scale);
}

FloatLogMultiplier::FloatLogMultiplier(const FloatLogParameters& parameters, Isa isa)
    : FloatMultiplier(parameters.exponent_bits, parameters.mantissa_bits, isa) {
  const int lowest = products_.dropped + parameters.truncation;
  products_.kept = ~0u << lowest;
  products_.lowest = parameters.truncation > 0 || parameters.forced ? 1u << lowest : 0;
  for (int i = 0; i < 2; ++i) {
    products_.corrections[i] = parameters.corrections[i] << products_.dropped;
  }
  products_.offset = parameters.offset << products_.dropped;
}

FloatTableMultiplier::FloatTableMultiplier(int exponent_bits, int mantissa_bits,
                                           std::vector<int32_t> table, Isa isa)
    : FloatMultiplier(exponent_bits, mantissa_bits, isa), table_(std::move(table)) {
  products_.table = table_.data();
}

void FloatTableMultiplier::add(const Tile<Operand, Sum>& tile) const {
  MBM_HW_CALL(isa_, float_table_add, products_, tile);
}

void FloatLogMultiplier::add(const Tile<Operand, Sum>& tile) const {
  MBM_HW_CALL(isa_, float_log_add, products_, tile);
}

void FloatExactMultiplier::add(const Tile<Operand, Sum>& tile) const {
  MBM_HW_CALL(isa_, float_exact_add, products_, tile);
}

}  // namespace mbm_hw
