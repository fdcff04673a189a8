// What becomes of a convolution's sums: themselves, or float32 on a layer's scale.
//
// A result is a class with
//   Element  what the tensor holds
//   void write(const Multiplier&, const Sum* sums, int64_t count, const Affine&, Element* target, int64_t step)
#pragma once

#include <array>
#include <cstdint>

#include "float_kernels.h"
#include "kernels.h"

namespace mbm_hw {

// y = sum * scale + bias, one of both for each sum or for all; bias may be null, for none.
struct Affine {
  const float *scale, *bias;
  bool each;
};

// Exact sums of integers.
struct PlainSums {
  template <class Multiplier, class Sum>
  void write(const Multiplier&, const Sum* sums, int64_t count, const Affine&, Sum* target,
             int64_t step) const {
    for (int64_t i = 0; i < count; ++i) target[i * step] = sums[i];
  }
};

// Minus zero leaves every float as it is.
inline const float* no_bias() {
  static const auto zeros = [] {
    std::array<float, kTilePositions> array;
    array.fill(-0.0f);
    return array;
  }();
  return zeros.data();
}

// Has fill(values) write `count` values, and puts them `step` apart.
template <class Fill>
void write_apart(float* target, int64_t count, int64_t step, const Fill& fill) {
  if (step == 1) return fill(target);
  float y[kTilePositions];
  fill(y);
  for (int64_t i = 0; i < count; ++i) target[i * step] = y[i];
}

// Sums of integers times scale, plus bias, rounded to float32 after each step.
struct Rescaled {
  Isa isa;

  template <class Multiplier, class Sum>
  void write(const Multiplier&, const Sum* sums, int64_t count, const Affine& affine, float* target,
             int64_t step) const {
    write_apart(target, count, step, [&](float* y) {
      const float* bias = affine.bias ? affine.bias : no_bias();
      if (affine.each) {
        MBM_HW_CALL(isa, rescale_each, sums, count, affine.scale, bias, y);
      } else {
        MBM_HW_CALL(isa, rescale, sums, count, *affine.scale, *bias, y);
      }
    });
  }
};

// Sums of floats, plus bias; NaN is the quiet one.
struct FloatSums {
  Isa isa;

  template <class Multiplier>
  void write(const Multiplier& multiplier, const float* sums, int64_t count, const Affine& affine,
             float* target, int64_t step) const {
    write_apart(target, count, step, [&](float* y) {
      const float* bias = affine.bias ? affine.bias : no_bias();
      const float unscale = multiplier.unscale();
      if (affine.each) {
        MBM_HW_CALL(isa, float_finish_each, sums, count, unscale, bias, y);
      } else {
        MBM_HW_CALL(isa, float_finish, sums, count, unscale, *bias, y);
      }
    });
  }
};

}  // namespace mbm_hw
