#include "float_multiplier.h"

#include <cfenv>

namespace mbm_hw {

namespace {

// Rounding to the nearest, and no flushing of subnormal sums, whatever the caller's thread has set.
class DefaultArithmetic {
 public:
  DefaultArithmetic() {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultArithmetic() { std::fesetenv(&before_); }

 private:
  std::fenv_t before_;
};

constexpr int kMaxScaledExponentBits = 6;

}  // namespace

FloatMultiplier::FloatMultiplier(int exponent_bits, int mantissa_bits, Isa isa)
    : format_(exponent_bits, mantissa_bits), products_{}, isa_(isa) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int scale = exponent_bits <= kMaxScaledExponentBits ? bias : 0;
  products_.smallest = format_.smallest;
  products_.overflow = format_.overflow;
  products_.dropped = format_.dropped;
  products_.scale = uint32_t(scale) << 23;
  unscale_ = std::ldexp(1.0f, -scale);
}

FloatLogMultiplier::FloatLogMultiplier(const FloatLogParameters& parameters, Isa isa)
    : FloatMultiplier(parameters.exponent_bits, parameters.mantissa_bits, isa) {
  const int lowest = format_.dropped + parameters.truncation;
  kept_ = ~((1u << lowest) - 1);
  lowest_ = parameters.truncation > 0 || parameters.forced ? 1u << lowest : 0;
  products_.even_total = lowest_ != 0;
  for (int i = 0; i < 2; ++i) {
    products_.corrections[i] = parameters.corrections[i] << format_.dropped;
  }
}

void FloatLogMultiplier::add(const Tile<Operand, Sum>& tile) const {
  const DefaultArithmetic arithmetic;
  MBM_HW_CALL(isa_, float_log_add, products_, tile);
}

void FloatExactMultiplier::add(const Tile<Operand, Sum>& tile) const {
  const DefaultArithmetic arithmetic;
  MBM_HW_CALL(isa_, float_exact_add, products_, tile);
}

}  // namespace mbm_hw
