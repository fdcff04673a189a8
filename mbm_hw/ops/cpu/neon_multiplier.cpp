#include "neon_multiplier.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <type_traits>

namespace mbm_hw {

template <class CodeT, class SumT>
NeonTableMultiplier<CodeT, SumT>::NeonTableMultiplier(const ProductTable& table)
    : mask_((1u << table.width) - 1), bytes_(2 * 256 * kNeonRow) {
  std::fill_n(bytes_.data(), 2 * 256 * kNeonRow, uint8_t(0));
  uint8_t *low = bytes_.data(), *high = low + 256 * kNeonRow;
  planes_ = {low, high, std::is_signed_v<CodeT> ? 1 << 15 : 0};
  const int size = 1 << table.width;
  for (int b = 0; b < size; ++b) {
    for (int a = 0; a < size; ++a) {
      const int word = table.data[a * table.a_stride + b * table.b_stride] + planes_.bias;
      low[b * kNeonRow + a] = uint8_t(word);
      high[b * kNeonRow + a] = uint8_t(word >> 8);
    }
  }
}

template class NeonTableMultiplier<int8_t, int32_t>;
template class NeonTableMultiplier<uint8_t, int64_t>;

NeonPatternMultiplier::NeonPatternMultiplier(const LogParameters& parameters)
    : small_((2 * kNeonSmall + 1) * 128) {
  const int fraction_width = parameters.width - 1, t = parameters.truncation;
  const int dropped = 23 - fraction_width + t;
  patterns_ = {t ? ~0u << dropped : ~0u, t ? 1u << dropped : 0,
               std::ldexp(float(parameters.corrections[0]), -fraction_width),
               parameters.width > 12, nullptr};
  // What the products of small operands lack is seen by computing them step by step.
  const LogMultiplier<int16_t> steps(parameters, Isa::kPortable);
  const auto encode = steps.encoder();
  const auto pattern_of = weight_encoder();
  for (int w = -kNeonSmall; w <= kNeonSmall; ++w) {
    alignas(64) uint32_t x[kTilePositions];
    alignas(64) int64_t products[kTilePositions] = {};
    for (int code = -64; code < 64; ++code) x[code & 127] = encode(int16_t(code));
    const uint32_t weight = encode(int16_t(w));
    steps.add({x, &weight, 1, products, 1, 1, 128, nullptr});
    for (int code = -64; code < 64; ++code) {
      const uint32_t a = pattern_of(int16_t(code)), b = pattern_of(int16_t(w));
      const float mitchell = std::bit_cast<float>(a + b - kNeonPatternOfOne);
      const auto power = [](uint32_t x) { return std::bit_cast<float>(x & 0xFF800000); };
      const float product = std::fma(power(a) * patterns_.correction, power(b), mitchell);
      const bool is_small = std::abs(code) <= kNeonSmall;
      small_[(w + kNeonSmall) * 128 + (code & 127)] =
          int8_t(is_small ? products[code & 127] - int64_t(product) : 0);
      if (small_[(w + kNeonSmall) * 128 + (code & 127)]) patterns_.small = small_.data();
    }
  }
}

}  // namespace mbm_hw
