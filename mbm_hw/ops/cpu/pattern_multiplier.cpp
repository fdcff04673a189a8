#include "pattern_multiplier.h"

#ifdef MBM_HW_X86

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

namespace mbm_hw {

namespace {

uint32_t bits_of(float x) { return std::bit_cast<uint32_t>(x); }
float float_of(uint32_t x) { return std::bit_cast<float>(x); }
float power(uint32_t pattern) { return float_of(pattern & ~0u << 23); }

constexpr int kRows = (2 * kSmall + 1) * 128;

// The product of small magnitudes; Ref: mbm_hw/multipliers/log.py.
int product(const LogParameters& parameters, int a, int b) {
  const int fraction_width = parameters.width - 1, one = 1 << fraction_width;
  const auto log2 = [&](int x) {
    const int characteristic = std::bit_width(unsigned(x)) - 1;
    int fraction = (x << (fraction_width - characteristic)) & (one - 1);
    if (const int t = parameters.truncation; t > 0) fraction = (fraction >> t | 1) << t;
    return characteristic << fraction_width | fraction;
  };
  const int total = log2(a) + log2(b);
  const int characteristics = (log2(a) >> fraction_width) + (log2(b) >> fraction_width);
  const int characteristic = total >> fraction_width;
  const bool carry = characteristic > characteristics;
  const int64_t mantissa = one + (total & (one - 1)) + parameters.corrections[carry];
  const bool small = carry && characteristic <= parameters.small_characteristic;
  return int((mantissa << characteristic) >> fraction_width) + small;
}

// Where sums round, a product's fraction must not reach a half unless it is to be rounded up. 5/64
// of 2**s does at s = 3 (0.625) and at s = 5 (2.5, which becomes 3 with a carry, and 2 without).
// Bending the patterns up by 2 d adds 2 d to the fraction without a carry and 4 d with one, in
// units of 2**s; a constant less by 3 d leaves 5/64 less d, and with a carry more by d: that
// settles s = 5. At the largest product of 10 bits, s = 18, d * 2**s is a sixteenth.
constexpr float kUnit = 0x1p-22f;  // d
constexpr uint32_t kBend = 4;      // 2 d, in units of 2**-23

}  // namespace

template <class CodeT, class SumT>
PatternMultiplier<CodeT, SumT>::PatternMultiplier(const LogParameters& parameters, Isa isa)
    : isa_(isa), small_(2 * kRows), parameters_{} {
  const int fraction_width = parameters.width - 1;
  if (const int t = parameters.truncation; t > 0) {
    const int dropped = 23 - fraction_width + t;
    kept_ = ~0u << dropped;
    forced_ = 1u << dropped;
  }
  parameters_.width = parameters.width;
  parameters_.truncation = parameters.truncation;
  parameters_.correction = std::ldexp(float(parameters.corrections[0]), -fraction_width);
  const bool corrected = parameters.corrections[0] != 0;
  if (parameters.truncation == 0 && parameters.width <= 12) {
    // A product is at most 2**(2 * width - 2) in size, and MBM's 5/64 more.
    const bool rounded = corrected && parameters.width <= 10;
    parameters_.group = 1 << ((rounded ? 21 : 24) - 2 * fraction_width);
    if (rounded) {
      parameters_.bend = kBend;
      parameters_.correction -= 3 * kUnit;
    } else if (corrected) {
      parameters_.sixty_fourths = parameters.corrections[0] >> (fraction_width - 6);
    }
  }
  const auto by_patterns = [&, encode = weight_encoder()](int a, int b) {
    const uint32_t x = encode(CodeT(a)), w = encode(CodeT(b));
    const float product = std::fma(power(x) * parameters_.correction, power(w),
                                   float_of(x + w - bits_of(1) + parameters_.bend));
    return int(parameters_.bend ? std::nearbyint(product) : std::trunc(product));
  };
  add_small_products(parameters, 1, by_patterns, small_.data(), parameters_.small);
  if (!parameters_.sixty_fourths) return;
  const auto in_64ths = [&, encode = weight_encoder()](int a, int b) {
    const uint32_t x = encode(CodeT(a)), w = encode(CodeT(b));
    return int(64 * float_of(x + w - bits_of(1)) + parameters_.sixty_fourths * power(x) * power(w));
  };
  add_small_products(parameters, 64, in_64ths, small_.data() + kRows, parameters_.small_in_64ths);
}

template <class CodeT, class SumT>
template <class Computed>
void PatternMultiplier<CodeT, SumT>::add_small_products(const LogParameters& parameters, int units,
                                                        const Computed& computed, int8_t* rows,
                                                        SmallProducts& small) {
  std::fill_n(rows, kRows, int8_t(0));
  int least = 0, largest = 0;  // of |w|
  for (int w = 1; w <= kSmall; ++w) {
    int reach = 0;
    for (int x = 1; x <= kSmall; ++x) {
      const auto lacking = int8_t(units * product(parameters, x, w) - computed(x, w));
      if (lacking == 0) continue;
      reach = x;
      for (const int sign : {-1, 1}) {
        rows[(sign * w + kSmall) * 128 + x] = int8_t(sign * lacking);
        rows[(sign * w + kSmall) * 128 + 128 - x] = int8_t(-sign * lacking);
      }
    }
    small.pieces[kSmall + w] = small.pieces[kSmall - w] = uint8_t(reach / 16 + 1);
    if (!reach) continue;
    if (!least) least = w;
    largest = w;
  }
  small.rows = largest ? rows : nullptr;
  small.first = bits_of(float(least));
  small.end = bits_of(float(largest + 1));
}

template class PatternMultiplier<int8_t, int32_t>;
template class PatternMultiplier<int16_t, int64_t>;

}  // namespace mbm_hw

#endif
