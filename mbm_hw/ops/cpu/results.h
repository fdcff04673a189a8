// What becomes of a convolution's sums: themselves, or float32 on a layer's scale.
//
// A result is a class with
//   Element  what the tensor holds
//   void write(const Multiplier&, const Sum* sums, int64_t count, const Affine&, Element* target, int64_t step)
#pragma once

#include <array>
#include <bit>
#include <cmath>
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

// Sums of integers times scale, plus bias, rounded to float32 after each step.
struct Rescaled {
  Isa isa;

  template <class Multiplier, class Sum>
  void write(const Multiplier&, const Sum* sums, int64_t count, const Affine& affine, float* target,
             int64_t step) const {
    if (step == 1) return rescale_to(sums, count, affine, target);
    float y[kTilePositions];
    rescale_to(sums, count, affine, y);
    for (int64_t i = 0; i < count; ++i) target[i * step] = y[i];
  }

 private:
  // Minus zero leaves every float as it is.
  static const float* no_bias() {
    static const auto zeros = [] {
      std::array<float, kTilePositions> array;
      array.fill(-0.0f);
      return array;
    }();
    return zeros.data();
  }

  template <class Sum>
  void rescale_to(const Sum* sums, int64_t count, const Affine& affine, float* y) const {
    if (affine.each) {
      const float* bias = affine.bias ? affine.bias : no_bias();
      MBM_HW_CALL(isa, rescale_each, sums, count, affine.scale, bias, y);
    } else {
      MBM_HW_CALL(isa, rescale, sums, count, *affine.scale, affine.bias ? *affine.bias : -0.0f, y);
    }
  }
};

// Sums of floats, plus bias; NaN is the quiet one.
struct FloatSums {
  template <class Multiplier>
  void write(const Multiplier& multiplier, const float* sums, int64_t count, const Affine& affine,
             float* target, int64_t step) const {
    for (int64_t i = 0; i < count; ++i) {
      float y = multiplier.finish(sums[i]);
      if (affine.bias) {  // adding nothing would flush a subnormal sum where the caller's thread does
        y += affine.bias[affine.each ? i : 0];
        if (std::isnan(y)) y = std::bit_cast<float>(kFloatQuietNan);
      }
      target[i * step] = y;
    }
  }
};

}  // namespace mbm_hw
