// Between float32 and codes, and sums and float32. Tensors are [rows][row]; a block takes a part of
// a row, and one row after another. Products and sums are rounded one by one. And NaN, which no code
// stands for, through a convolution.
#include "types.h"

namespace mbm_hw {

// Calls each(row, row % period, index) for the block's elements of [rows][row].
template <class Each>
__device__ void for_each(int64_t rows, int64_t row_size, int32_t period, const Each& each) {
  const int64_t first = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  const int64_t step = int64_t(gridDim.x) * blockDim.x;
  int32_t rest = int32_t(blockIdx.y) % period;
  const int32_t rest_step = int32_t(gridDim.y) % period;  // no division for each row
  for (int64_t row = blockIdx.y; row < rows; row += gridDim.y) {
#pragma unroll 1  // a division's slow path is a call, which repeated code would spill for
    for (int64_t i = first; i < row_size; i += step) each(row, rest, row * row_size + i);
    rest += rest_step;
    if (rest >= period) rest -= period;
  }
}

// codes = x / scale, or x * scale, rounded half to even, in +-limit; 0 for NaN.
template <class Code>
__device__ void quantize(const float* x, const float* scale, Code* codes, int64_t rows,
                         int64_t row_size, int32_t multiply, int32_t limit) {
  for_each(rows, row_size, 1, [&](int64_t row, int32_t, int64_t i) {
    const float steps = multiply ? __fmul_rn(x[i], scale[row]) : __fdiv_rn(x[i], scale[row]);
    const float bound = float(limit);
    const float clipped = steps > bound ? bound : steps < -bound ? -bound : steps;
    codes[i] = clipped == clipped ? Code(__float2int_rn(clipped)) : Code(0);
  });
}

// y = sums * scale + bias; bias may be null. Rows belong to channels, one after another; where
// `by_column`, a row has an element of each.
template <class Sum>
__device__ void rescale(const Sum* sums, const float* scale, const float* bias, float* y,
                        int64_t rows, int64_t row_size, int32_t channels, int32_t by_column) {
  for_each(rows, row_size, channels, [&](int64_t row, int32_t rest, int64_t i) {
    const int64_t channel = by_column ? i - row * row_size : rest;
    const float scaled = __fmul_rn(float(sums[i]), scale[channel]);
    y[i] = bias == nullptr ? scaled : __fadd_rn(scaled, bias[channel]);
  });
}

}  // namespace mbm_hw

#define MBM_HW_QUANTIZE(name, Code)                                                          \
  extern "C" __global__ void __launch_bounds__(256) name(                                    \
      const float* x, const float* scale, Code* codes, int64_t rows, int64_t row_size,       \
      int32_t multiply, int32_t limit) {                                                     \
    mbm_hw::quantize(x, scale, codes, rows, row_size, multiply, limit);                      \
  }
#define MBM_HW_RESCALE(name, Sum)                                                            \
  extern "C" __global__ void __launch_bounds__(256) name(                                    \
      const Sum* sums, const float* scale, const float* bias, float* y, int64_t rows,        \
      int64_t row_size, int32_t channels, int32_t by_column) {                               \
    mbm_hw::rescale(sums, scale, bias, y, rows, row_size, channels, by_column);              \
  }

// Sets *found to 1 if there is a NaN in x.
extern "C" __global__ void __launch_bounds__(256) find_nan(const float* x, int32_t* found,
                                                          int64_t count) {
  mbm_hw::for_each(1, count, 1, [&](int64_t, int32_t, int64_t i) {
    if (x[i] != x[i]) *found = 1;
  });
}

// Sets the outputs y, [N][groups][outputs][rows][columns], to NaN whose windows of x have one; a
// thread takes a position of all outputs of a group. x is [N][groups * channels][height][width] of
// the strides xn to xw. All is done where *found is 0.
extern "C" __global__ void __launch_bounds__(256) carry_nan(
    const int32_t* found, const float* x, float* y, int64_t count, int64_t groups, int64_t outputs,
    int64_t rows, int64_t columns, int64_t channels, int64_t height, int64_t width,
    int64_t kernel_rows, int64_t kernel_columns, int64_t row_stride, int64_t column_stride,
    int64_t row_padding, int64_t column_padding, int64_t row_dilation, int64_t column_dilation,
    int64_t xn, int64_t xc, int64_t xh, int64_t xw) {
  if (*found == 0) return;
  const int64_t area = rows * columns;
  mbm_hw::for_each(1, count, 1, [&](int64_t, int32_t, int64_t i) {
    const int64_t position = i % area, group = i / area % groups, image = i / area / groups;
    const int64_t top = position / columns * row_stride - row_padding;
    const int64_t left = position % columns * column_stride - column_padding;
    bool met = false;
    for (int64_t r = 0; r < kernel_rows; ++r) {
      const int64_t row = top + r * row_dilation;
      if (row < 0 || row >= height) continue;
      for (int64_t k = 0; k < kernel_columns; ++k) {
        const int64_t column = left + k * column_dilation;
        if (column < 0 || column >= width) continue;
        const float* pixel = x + image * xn + group * channels * xc + row * xh + column * xw;
        for (int64_t c = 0; c < channels; ++c) met |= pixel[c * xc] != pixel[c * xc];
      }
    }
    float* output = y + i / area * outputs * area + position;
    for (int64_t o = 0; met && o < outputs; ++o) {
      output[o * area] = mbm_hw::float_of(0x7FC00000u);
    }
  });
}

MBM_HW_QUANTIZE(quantize_int8, int8_t)
MBM_HW_QUANTIZE(quantize_int16, int16_t)
MBM_HW_RESCALE(rescale_int32, int32_t)
MBM_HW_RESCALE(rescale_int64, int64_t)
