// Rounding to a float format, the check that values are of one, and the end of sums.
#include "float_products.h"

namespace mbm_hw::MBM_HW_ISA {

void float_round(const FloatProducts& products, const float* x, int64_t count, float* rounded) {
  const int dropped = products.dropped;
  const int32_t overflow = int32_t(products.overflow);
  // Half a step below `smallest` already rounds to it. Where that is among float32's own subnormal
  // numbers, it takes half as many patterns.
  const int32_t step = 1 << dropped;
  const int32_t least = int32_t(products.smallest) - (products.smallest == kOne ? step / 4 : step / 2);
  const uint32_t below_half = dropped ? (1u << (dropped - 1)) - 1 : 0;
  const uint32_t odd = dropped ? 1 : 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t pattern = bits_of(x[i]);
    const int32_t magnitude = int32_t(pattern & ~kFloatSign);
    const uint32_t up = uint32_t(magnitude) + below_half + (uint32_t(magnitude) >> dropped & odd);
    int32_t y = int32_t(up >> dropped << dropped);
    y = y >= overflow ? int32_t(kFloatInfinity) : y;
    y = magnitude < least ? 0 : y;
    y = magnitude > int32_t(kFloatInfinity) ? int32_t(kFloatQuietNan) : y;
    rounded[i] = float_of(uint32_t(y) | (pattern & kFloatSign));
  }
}

static inline float quiet(float x) { return x == x ? x : float_of(kFloatQuietNan); }

void float_finish(const float* sums, int64_t count, float unscale, float bias, float* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = quiet(sums[i] * unscale + bias);
}

void float_finish_each(const float* sums, int64_t count, float unscale, const float* bias,
                       float* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = quiet(sums[i] * unscale + bias[i]);
}

bool float_all_plain(const FloatProducts& products, const float* x, int64_t count, int64_t step) {
  const uint32_t lower = (1u << products.dropped) - 1;
  const uint32_t normals = products.overflow - products.smallest;
  const auto odd = [=](float value) -> uint32_t {
    const uint32_t magnitude = bits_of(value) & ~kFloatSign;
    const bool plain = magnitude - products.smallest < normals || magnitude == 0;
    return plain ? magnitude & lower : 1;
  };
  uint32_t found = 0;
  if (step == 1) {
    for (int64_t i = 0; i < count; ++i) found |= odd(x[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) found |= odd(x[i * step]);
  }
  return found == 0;
}

}  // namespace mbm_hw::MBM_HW_ISA
