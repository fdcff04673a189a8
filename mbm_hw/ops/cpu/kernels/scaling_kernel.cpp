#include "kernels.h"
#include "lanes.h"

namespace mbm_hw::MBM_HW_ISA {

#ifdef MBM_HW_LANES

// The current rounding is half to even.
template <bool is_factor, class Code>
static bool quantize_row(const float* x, int64_t count, float scale, float limit, Code* codes) {
  const Floats unit = repeated(scale), low = repeated(-limit), high = repeated(limit);
  Where number = where_all();
  const auto quantize_lanes = [&](const float* from, Code* to) {
    const Floats v = load(from), steps = is_factor ? multiply(v, unit) : divide(v, unit);
    number = both(number, where_number(steps));
    store_narrow(to, rounded(smaller(larger_or_zero(steps, low), high)));
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) quantize_lanes(x + i, codes + i);
  if (i < count) {
    float rest[kLanes] = {};
    Code narrow[kLanes];
    for (int64_t k = i; k < count; ++k) rest[k - i] = x[k];
    quantize_lanes(rest, narrow);
    for (int64_t k = i; k < count; ++k) codes[k] = narrow[k - i];
  }
  return bits_of(number) != bits_of(where_all());
}

#else

// Rounds half to even by an addition, as below 2**22 it does.
template <bool multiply, class Code>
static bool quantize_row(const float* x, int64_t count, float scale, float limit, Code* codes) {
  constexpr float kMagic = 3 << 22;
  int32_t nan = 0;
  for (int64_t i = 0; i < count; ++i) {
    float steps = multiply ? x[i] * scale : x[i] / scale;
    nan |= steps != steps;
    steps = steps > -limit ? steps : (steps == steps ? -limit : 0.0f);
    steps = steps < limit ? steps : limit;
    codes[i] = Code(int32_t((steps + kMagic) - kMagic));
  }
  return nan;
}

#endif

template <class Code>
static bool quantize_any(const float* x, int64_t count, float scale, bool multiply, float limit,
                         Code* codes) {
  return multiply ? quantize_row<true>(x, count, scale, limit, codes)
                  : quantize_row<false>(x, count, scale, limit, codes);
}

bool quantize(const float* x, int64_t count, float scale, bool multiply, float limit,
              int8_t* codes) {
  return quantize_any(x, count, scale, multiply, limit, codes);
}
bool quantize(const float* x, int64_t count, float scale, bool multiply, float limit,
              int16_t* codes) {
  return quantize_any(x, count, scale, multiply, limit, codes);
}

float largest_magnitude(const float* x, int64_t count) {
  int32_t largest = 0;  // patterns without a sign are in the values' order, NaN above all
  for (int64_t i = 0; i < count; ++i) {
    const int32_t magnitude = __builtin_bit_cast(int32_t, x[i]) & 0x7FFFFFFF;
    largest = magnitude > largest ? magnitude : largest;
  }
  return __builtin_bit_cast(float, largest);
}

template <class Sum>
static void rescale_any(const Sum* sums, int64_t count, float scale, float bias, float* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = float(sums[i]) * scale + bias;
}

void rescale(const int32_t* sums, int64_t count, float scale, float bias, float* y) {
  rescale_any(sums, count, scale, bias, y);
}
void rescale(const int64_t* sums, int64_t count, float scale, float bias, float* y) {
  rescale_any(sums, count, scale, bias, y);
}

template <class Sum>
static void rescale_each_any(const Sum* sums, int64_t count, const float* scale, const float* bias,
                             float* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = float(sums[i]) * scale[i] + bias[i];
}

void rescale_each(const int32_t* sums, int64_t count, const float* scale, const float* bias,
                  float* y) {
  rescale_each_any(sums, count, scale, bias, y);
}
void rescale_each(const int64_t* sums, int64_t count, const float* scale, const float* bias,
                  float* y) {
  rescale_each_any(sums, count, scale, bias, y);
}

}  // namespace mbm_hw::MBM_HW_ISA
