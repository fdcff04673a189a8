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

// The product of small magnitudes; Ref: mbm_hw/reference.py.
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
// settles s = 5. At the largest product of 11 bits, s = 20, d * 2**s is a quarter.
constexpr float kUnit = 0x1p-22f;  // d
constexpr uint32_t kBend = 4;      // 2 d, in units of 2**-23

}  // namespace

template <class CodeT, class SumT>
PatternMultiplier<CodeT, SumT>::PatternMultiplier(const LogParameters& parameters, Isa isa)
    : isa_(isa), small_((2 * kSmall + 1) * 128), parameters_{} {
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
  if (parameters.truncation == 0 && parameters.width <= (corrected ? 11 : 12)) {
    // A product is at most 2**(2 * width - 2) in size, and MBM's 5/64 more.
    parameters_.group = 1 << ((corrected ? 21 : 24) - 2 * fraction_width);
    if (corrected) {
      parameters_.bend = kBend;
      parameters_.correction -= 3 * kUnit;
    }
  }
  add_small_products(parameters);
}

// Fills in what the kernel's products of small operands lack.
template <class CodeT, class SumT>
void PatternMultiplier<CodeT, SumT>::add_small_products(const LogParameters& parameters) {
  const auto computed = [&, encode = weight_encoder()](int a, int b) {
    const uint32_t x = encode(CodeT(a)), w = encode(CodeT(b));
    const auto power = [](uint32_t pattern) { return float_of(pattern & ~0u << 23); };
    const float product = std::fma(power(x) * parameters_.correction, power(w),
                                   float_of(x + w - bits_of(1) + parameters_.bend));
    return int(parameters_.bend ? std::nearbyint(product) : std::trunc(product));
  };
  std::fill_n(small_.data(), (2 * kSmall + 1) * 128, int8_t(0));
  int least = 0, largest = 0;  // of |w|
  for (int w = 1; w <= kSmall; ++w) {
    int reach = 0;
    for (int x = 1; x <= kSmall; ++x) {
      const auto lacking = int8_t(product(parameters, x, w) - computed(x, w));
      if (lacking == 0) continue;
      reach = x;
      for (const int sign : {-1, 1}) {
        small_[(sign * w + kSmall) * 128 + x] = int8_t(sign * lacking);
        small_[(sign * w + kSmall) * 128 + 128 - x] = int8_t(-sign * lacking);
      }
    }
    parameters_.small_pieces[w] = uint8_t(reach / 16 + 1);
    if (!reach) continue;
    if (!least) least = w;
    largest = w;
  }
  parameters_.small = largest ? small_.data() : nullptr;
  parameters_.small_min = bits_of(float(least));
  parameters_.small_end = bits_of(float(largest + 1));
}

template class PatternMultiplier<int8_t, int32_t>;
template class PatternMultiplier<int16_t, int64_t>;

}  // namespace mbm_hw

#endif
