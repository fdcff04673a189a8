#include "float_format.h"

#include <algorithm>

#include "parallel.h"

namespace mbm_hw {

FloatProducts products_of(const FloatFormat& format) {
  return {format.smallest, format.overflow, format.dropped, ~0u, 0, {0, 0}, 0, nullptr, 0};
}

namespace {

// Looks at `count` values, `step` apart; first by what nearly all values are.
std::optional<float> value_outside(const FloatFormat& format, const float* x, int64_t count,
                                   int64_t step, Isa isa) {
  const FloatProducts products = products_of(format);
  if (MBM_HW_CALL(isa, float_all_plain, products, x, count, step)) return std::nullopt;
  for (int64_t i = 0; i < count; ++i) {
    if (!format.holds(std::bit_cast<uint32_t>(x[i * step]))) return x[i * step];
  }
  return std::nullopt;
}

}  // namespace

std::optional<float> value_outside(const FloatFormat& format, const float* x, const Shape4& shape,
                                   Isa isa) {
  const auto& [size, stride] = shape;
  if (stride[3] == 1 && stride[2] == size[3] && stride[1] == size[2] * size[3] &&
      (stride[0] == size[1] * stride[1] || size[0] == 1)) {
    return value_outside(format, x, size[0] * size[1] * stride[1], 1, isa);
  }
  for (int64_t n = 0; n < size[0]; ++n) {
    for (int64_t c = 0; c < size[1]; ++c) {
      const float* plane = x + n * stride[0] + c * stride[1];
      if (stride[2] == size[3] * stride[3] || size[2] == 1) {
        const auto found = value_outside(format, plane, size[2] * size[3], stride[3], isa);
        if (found) return found;
        continue;
      }
      for (int64_t row = 0; row < size[2]; ++row) {
        const auto found = value_outside(format, plane + row * stride[2], size[3], stride[3], isa);
        if (found) return found;
      }
    }
  }
  return std::nullopt;
}

void round_values(const FloatFormat& format, const float* x, int64_t count, float* rounded,
                  int threads, Isa isa) {
  constexpr int64_t kBlock = 1 << 18;  // values worth a thread
  const FloatProducts products = products_of(format);
  run_tasks((count + kBlock - 1) / kBlock, threads, [&](const NextTask& next) {
    for (int64_t block; next(block);) {
      const int64_t first = block * kBlock, size = std::min(kBlock, count - first);
      MBM_HW_CALL(isa, float_round, products, x + first, size, rounded + first);
    }
  });
}

}  // namespace mbm_hw
