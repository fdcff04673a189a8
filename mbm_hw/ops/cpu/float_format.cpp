#include "float_format.h"

namespace mbm_hw {

namespace {

// Looks at `count` values, `step` apart; first by what nearly all values are, which goes in vectors.
std::optional<float> value_outside(const FloatFormat& format, const float* x, int64_t count,
                                   int64_t step) {
  const uint32_t lower = (1u << format.dropped) - 1;
  const uint32_t normals = format.overflow - format.smallest;
  bool all_plain = true;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t pattern = std::bit_cast<uint32_t>(x[i * step]);
    const uint32_t magnitude = pattern & ~kFloatSign;
    const bool plain = magnitude - format.smallest < normals || magnitude == 0;
    all_plain &= plain & !(pattern & lower);
  }
  for (int64_t i = 0; !all_plain && i < count; ++i) {
    const float value = x[i * step];
    if (!format.holds(std::bit_cast<uint32_t>(value))) return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<float> value_outside(const FloatFormat& format, const float* x, const Shape4& shape) {
  const auto& [size, stride] = shape;
  for (int64_t n = 0; n < size[0]; ++n) {
    for (int64_t c = 0; c < size[1]; ++c) {
      const float* plane = x + n * stride[0] + c * stride[1];
      if (stride[2] == size[3] * stride[3] || size[2] == 1) {
        const auto found = value_outside(format, plane, size[2] * size[3], stride[3]);
        if (found) return found;
        continue;
      }
      for (int64_t row = 0; row < size[2]; ++row) {
        const auto found = value_outside(format, plane + row * stride[2], size[3], stride[3]);
        if (found) return found;
      }
    }
  }
  return std::nullopt;
}

}  // namespace mbm_hw
