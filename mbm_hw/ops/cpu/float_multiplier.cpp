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

// Zero, infinity and NaN among the operands, then underflow and overflow of the finite product,
// whose pattern is exponent << 23 | mantissa; the exponent may be negative, or beyond float32's.
inline uint32_t with_special_values(const FloatFormat& format, uint32_t a, uint32_t b,
                                    int32_t exponent, uint32_t mantissa) {
  const uint32_t sign = (a ^ b) & kFloatSign;
  a &= ~kFloatSign;
  b &= ~kFloatSign;
  const bool zero = a == 0 || b == 0;
  const bool special = a >= kFloatInfinity || b >= kFloatInfinity;
  const bool nan = a > kFloatInfinity || b > kFloatInfinity || (special && zero);
  uint32_t product = uint32_t(exponent) << 23 | mantissa;
  product = exponent >= int32_t(format.overflow >> 23) ? kFloatInfinity : product;
  product = zero || exponent < int32_t(format.smallest >> 23) ? 0 : product;
  product = special ? kFloatInfinity : product;
  return nan ? kFloatQuietNan : product | sign;
}

inline int32_t exponent_sum(uint32_t a, uint32_t b) {
  return int32_t(a >> 23 & 0xFF) + int32_t(b >> 23 & 0xFF) - 127;
}

// Each sum takes its products one by one, in the order of k; several sums go side by side.
template <class Product>
void add_products(const Tile<uint32_t, float>& tile, const Product& product) {
  const DefaultArithmetic arithmetic;
  for (int o = 0; o < tile.outputs; ++o) {
    float* __restrict sums = tile.sums + o * kTilePositions;
    for (int k = 0; k < tile.depth; ++k) {
      const uint32_t weight = tile.w[o * tile.w_stride + k];
      const uint32_t* x = tile.x + k * kTilePositions;
      for (int p = 0; p < tile.positions; ++p) {
        sums[p] += std::bit_cast<float>(product(x[p], weight));
      }
    }
  }
}

}  // namespace

FloatLogMultiplier::FloatLogMultiplier(const FloatLogParameters& parameters)
    : format_(parameters.exponent_bits, parameters.mantissa_bits) {
  const int lowest = format_.dropped + parameters.truncation;
  kept_ = ~((1u << lowest) - 1);
  lowest_ = parameters.truncation > 0 || parameters.forced ? 1u << lowest : 0;
  for (int i = 0; i < 2; ++i) corrections_[i] = parameters.corrections[i] << format_.dropped;
}

void FloatLogMultiplier::add(const Tile<Operand, Sum>& tile) const {
  constexpr uint32_t kOne = 1u << 23;
  const FloatFormat format = format_;
  const uint32_t plain = corrections_[0], with_carry = corrections_[1];
  const uint32_t grid = ~((1u << format.dropped) - 1);

  add_products(tile, [=](uint32_t a, uint32_t b) {
    const uint32_t total = (a & kFloatMantissa) + (b & kFloatMantissa);
    const uint32_t carry = total >> 23;
    const uint32_t fraction = total & kFloatMantissa;
    uint32_t corrected = fraction + (carry ? with_carry : plain);
    corrected = carry && corrected >= kOne ? fraction : corrected;
    const uint32_t overflow = corrected >> 23;
    const uint32_t mantissa = overflow ? (kOne + corrected) >> 1 & grid : corrected;
    const int32_t exponent = exponent_sum(a, b) + int32_t(carry | overflow);
    return with_special_values(format, a, b, exponent, mantissa & kFloatMantissa);
  });
}

void FloatExactMultiplier::add(const Tile<Operand, Sum>& tile) const {
  constexpr uint64_t kOne = 1u << 23;
  const FloatFormat format = format_;

  add_products(tile, [=](uint32_t a, uint32_t b) {
    const uint64_t product =
        (kOne + (a & kFloatMantissa)) * (kOne + (b & kFloatMantissa));  // 1 to 4, times 2**46
    const uint32_t increment = uint32_t(product >> 47);
    const uint32_t shift = 23 + format.dropped + increment;
    const uint64_t half = uint64_t(1) << (shift - 1);
    const uint64_t odd = product >> shift & 1;
    // Rounding up to the next power of two leaves a mantissa of 0 and one more in the exponent.
    const uint64_t kept = (product + half - 1 + odd) >> shift << format.dropped;
    const int32_t exponent = exponent_sum(a, b) + int32_t(increment) + int32_t(kept >> 24);
    return with_special_values(format, a, b, exponent, uint32_t(kept) & kFloatMantissa);
  });
}

}  // namespace mbm_hw
