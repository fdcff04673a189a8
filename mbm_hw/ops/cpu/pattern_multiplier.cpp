#include "pattern_multiplier.h"

#ifdef MBM_HW_X86

#include <bit>
#include <cmath>
#include <cstdlib>

namespace mbm_hw {

namespace {

// Whether MBM gives the product of small magnitudes 1 back; Ref: mbm_hw/reference.py.
bool is_small_product(const LogParameters& parameters, int a, int b) {
  if (a == 0 || b == 0) return false;
  const int fraction_width = parameters.width - 1;
  const auto log2 = [&](int x) {
    const int characteristic = std::bit_width(unsigned(x)) - 1;
    int fraction = (x << (fraction_width - characteristic)) & ((1 << fraction_width) - 1);
    if (const int t = parameters.truncation; t > 0) fraction = (fraction >> t | 1) << t;
    return characteristic << fraction_width | fraction;
  };
  const int total = log2(a) + log2(b);
  const int characteristics = (log2(a) >> fraction_width) + (log2(b) >> fraction_width);
  const int characteristic = total >> fraction_width;
  return characteristic > characteristics && characteristic <= parameters.small_characteristic;
}

}  // namespace

template <class CodeT, class SumT>
PatternMultiplier<CodeT, SumT>::PatternMultiplier(const LogParameters& parameters, Isa isa)
    : isa_(isa), small_((2 * kSmall + 1) * 128) {
  const int fraction_width = parameters.width - 1;
  if (const int t = parameters.truncation; t > 0) {
    const int dropped = 23 - fraction_width + t;
    kept_ = ~0u << dropped;
    forced_ = 1u << dropped;
  }
  int least = 0, largest = 0;  // of |w|
  for (int w = -kSmall; w <= kSmall; ++w) {
    for (int x = -64; x < 64; ++x) {
      const bool small = x >= -kSmall && is_small_product(parameters, std::abs(x), std::abs(w));
      small_[(w + kSmall) * 128 + (x & 127)] = int8_t(!small ? 0 : (x < 0) == (w < 0) ? 1 : -1);
      if (!small || w < 0) continue;
      if (!least) least = w;
      largest = w;
    }
  }
  const auto pattern = [](int x) { return std::bit_cast<uint32_t>(float(x)); };
  parameters_ = {parameters.width,
                 parameters.truncation,
                 std::ldexp(float(parameters.corrections[0]), -fraction_width),
                 largest ? small_.data() : nullptr,
                 pattern(least),
                 pattern(largest + 1)};
}

template class PatternMultiplier<int8_t, int32_t>;
template class PatternMultiplier<int16_t, int64_t>;

}  // namespace mbm_hw

#endif
