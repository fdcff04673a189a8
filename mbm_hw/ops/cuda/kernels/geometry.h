// A convolution's sizes, as the kernels take them: plain numbers, in this order.
#pragma once

#include "types.h"


#define MBM_HW_GEOMETRY_PARAMETERS                                                              \
  int32_t channels, int32_t height, int32_t width, int32_t outputs, int32_t positions,          \
      int32_t out_height, int32_t out_width, int32_t kernel_area, int32_t area_multiplier,      \
      int32_t area_shift, int32_t kernel_width, int32_t row_multiplier, int32_t row_shift,      \
      int32_t stride_h, int32_t stride_w, int32_t padding_h, int32_t padding_w,                 \
      int32_t dilation_h, int32_t dilation_w, int64_t x_n, int64_t x_c, int64_t x_h,            \
      int64_t x_w, int64_t out_n, int64_t out_c, int64_t out_h, int64_t out_w

#define MBM_HW_GEOMETRY_ARGUMENTS                                                               \
  {channels, height, width, outputs, positions, out_height, out_width,                          \
   {kernel_area, uint32_t(area_multiplier), area_shift},                                        \
   {kernel_width, uint32_t(row_multiplier), row_shift},                                         \
   stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w,                            \
   x_n, x_c, x_h, x_w, out_n, out_c, out_h, out_w}

namespace mbm_hw {

// Divides numbers below 2**31 by a multiplication. Ref: Granlund, Montgomery, PLDI 1994.
struct Divisor {
  int32_t divisor;
  uint32_t multiplier;
  int32_t shift;

  __device__ int32_t quotient(int32_t x) const {
    return int32_t((__umulhi(uint32_t(x), multiplier) + uint32_t(x)) >> shift);
  }
};

// Of one group: channels and outputs are a group's. Strides are in elements of the tensors.
struct Geometry {
  int32_t channels, height, width;
  int32_t outputs, positions;  // positions: batch * out_height * out_width
  int32_t out_height, out_width;
  Divisor kernel_area, kernel_width;
  int32_t stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
  int64_t x_n, x_c, x_h, x_w;
  int64_t out_n, out_c, out_h, out_w;

  __device__ int32_t depth() const { return channels * kernel_area.divisor; }
};

// Where an output position's window begins in x; the channel and the kernel's pixel come on top.
struct Window {
  int64_t offset;
  int32_t row, column;

  __device__ Window(const Geometry& g, int32_t position, int32_t group) {
    if (position >= g.positions) {
      offset = 0;
      row = column = -(1 << 30);  // nothing of it is inside
      return;
    }
    const int32_t line = position / g.out_width, image = line / g.out_height;
    row = (line - image * g.out_height) * g.stride_h - g.padding_h;
    column = (position - line * g.out_width) * g.stride_w - g.padding_w;
    offset = image * g.x_n + int64_t(group) * g.channels * g.x_c + row * g.x_h + column * g.x_w;
  }
};

// One term of the sums: a channel and a pixel of the kernel. k = (channel, row, column).
struct Term {
  int64_t offset;
  int32_t row, column;

  __device__ Term(const Geometry& g, int32_t k) {
    const int32_t channel = g.kernel_area.quotient(k);
    const int32_t pixel = k - channel * g.kernel_area.divisor;
    const int32_t kernel_row = g.kernel_width.quotient(pixel);
    row = kernel_row * g.dilation_h;
    column = (pixel - kernel_row * g.kernel_width.divisor) * g.dilation_w;
    offset = channel * g.x_c + row * g.x_h + column * g.x_w;
  }

  __device__ bool is_inside(const Geometry& g, const Window& window) const {
    return uint32_t(window.row + row) < uint32_t(g.height) &&
           uint32_t(window.column + column) < uint32_t(g.width);
  }
};

}  // namespace mbm_hw
