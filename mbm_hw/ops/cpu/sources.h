// Where a convolution's codes come from: tensors of codes, or of float32 values that become codes.
//
// A source is a class with
//   Code     the type of a code, as the multiplier takes it
//   Element  what the tensors hold
//   Isa isa() const, float x_scale() const
//   const Code* codes(const Element* x, int64_t count, int64_t step, float scale, Code* buffer)
//            `count` codes, `step` apart in the tensor, side by side: where they lie or in `buffer`
//   image_codes, likewise, of the image
//   float weight_scale(const Element* row, int64_t count, int64_t output)
//            what the weights' codes of an output stand for
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>

#include "float_format.h"
#include "kernels.h"

namespace mbm_hw {

template <class CodeT>
class GivenCodes {
 public:
  using Code = CodeT;
  using Element = CodeT;

  explicit GivenCodes(Isa isa) : isa_(isa) {}
  Isa isa() const { return isa_; }
  float x_scale() const { return 1; }

  const Code* codes(const Element* x, int64_t count, int64_t step, float, Code* buffer) const {
    if (step == 1) return x;
    for (int64_t i = 0; i < count; ++i) buffer[i] = x[i * step];
    return buffer;
  }
  const Code* image_codes(const Element* x, int64_t count, int64_t step, float scale,
                          Code* buffer) const {
    return codes(x, count, step, scale, buffer);
  }
  float weight_scale(const Element*, int64_t, int64_t) const { return 1; }

 private:
  Isa isa_;
};

// Calls convert(values, count, target) for values side by side.
template <class Code, class Convert>
const Code* converted(const float* x, int64_t count, int64_t step, Code* buffer,
                      const Convert& convert) {
  if (step == 1) {
    convert(x, count, buffer);
    return buffer;
  }
  constexpr int64_t kBlock = 64;
  float values[kBlock];
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t block = std::min(kBlock, count - first);
    const float* from = x + first * step;
    if (step == 2) {  // as most strides are; known, it becomes vectors
      for (int64_t i = 0; i < block; ++i) values[i] = from[2 * i];
    } else {
      for (int64_t i = 0; i < block; ++i) values[i] = from[i * step];
    }
    convert(values, block, buffer + first);
  }
  return buffer;
}

// How values become codes: code = value / scale, or value * factor where there is one, rounded half
// to even, in +-limit; 0 for NaN.
struct Quantization {
  float x_scale;
  const float* w_scale;  // [O], or null: an output's largest |weight| / limit, 1 where that is 0
  bool has_factor;
  float factor;
  float limit;
};

template <class CodeT>
class QuantizedValues {
 public:
  using Code = CodeT;
  using Element = float;

  // met_nan : set where a value is NaN, which becomes code 0.
  QuantizedValues(const Quantization& quantization, Isa isa, std::atomic<bool>& met_nan)
      : how_(quantization), isa_(isa), met_nan_(met_nan) {}
  Isa isa() const { return isa_; }
  float x_scale() const { return how_.x_scale; }

  const Code* codes(const float* x, int64_t count, int64_t step, float scale, Code* buffer) const {
    const float unit = how_.has_factor ? how_.factor : scale;
    return converted(x, count, step, buffer, [&](const float* values, int64_t n, Code* target) {
      if (MBM_HW_CALL(isa_, quantize, values, n, unit, how_.has_factor, how_.limit, target)) {
        met_nan_.store(true, std::memory_order_relaxed);
      }
    });
  }
  const Code* image_codes(const float* x, int64_t count, int64_t step, float scale,
                          Code* buffer) const {
    if (!made_) return codes(x, count, step, scale, buffer);
    return GivenCodes<Code>(isa_).codes(made_ + (x - image_), count, step, 1, buffer);
  }
  // `codes` are those of the values from `image` on, made beforehand.
  void take_image(const float* image, const Code* codes) {
    image_ = image;
    made_ = codes;
  }
  float weight_scale(const float* row, int64_t count, int64_t output) const {
    if (how_.w_scale) return how_.w_scale[output];
    const float scale = MBM_HW_CALL(isa_, largest_magnitude, row, count) / how_.limit;
    return scale == 0 ? 1 : scale;
  }

 private:
  Quantization how_;
  Isa isa_;
  std::atomic<bool>& met_nan_;
  const float* image_ = nullptr;
  const Code* made_ = nullptr;
};

// Values rounded to a float format, as round_to_format has it.
class RoundedValues {
 public:
  using Code = float;
  using Element = float;

  RoundedValues(const FloatFormat& format, Isa isa)
      : products_(products_of(format)), isa_(isa) {}
  Isa isa() const { return isa_; }
  float x_scale() const { return 1; }

  const float* codes(const float* x, int64_t count, int64_t step, float, float* buffer) const {
    // The products take a subnormal float32 as zero themselves, and any NaN.
    const bool is_float32 = products_.dropped == 0 && products_.smallest == 1u << 23;
    if (is_float32) return GivenCodes<float>(isa_).codes(x, count, step, 1, buffer);
    return converted(x, count, step, buffer, [&](const float* values, int64_t n, float* target) {
      MBM_HW_CALL(isa_, float_round, products_, values, n, target);
    });
  }
  const float* image_codes(const float* x, int64_t count, int64_t step, float scale,
                           float* buffer) const {
    return codes(x, count, step, scale, buffer);
  }
  float weight_scale(const float*, int64_t, int64_t) const { return 1; }

 private:
  FloatProducts products_;
  Isa isa_;
};

}  // namespace mbm_hw
