// Logarithmic products of any spec, step by step as mbm_hw/multipliers/log.py computes them.
#include "geometry.h"
#include "log_spec.h"

namespace mbm_hw {

struct LogProducts {
  using Code = MBM_HW_CODE;
  using Sum = MBM_HW_SUM;
  using X = uint32_t;
  using W = uint32_t;
  using Total = Sum;
  static constexpr int kSharedBytes = 0, kFlushTerms = 0, kUnroll = 1;
  static constexpr int kAbsentWeight = 0, kPlainUnroll = 0;
  static constexpr bool kHasPlain = false, kHasCorner = false;

  __device__ LogProducts(const int32_t*, unsigned char*) {}
  __device__ X x_operand(Code code) const { return log2_of<LogSpec>(code); }
  __device__ W w_operand(Code code) const { return log2_of<LogSpec>(code); }
  __device__ X x_value(X x) const { return x; }
  __device__ W w_value(W w) const { return w; }
  static __device__ void start(Total& total) { total = 0; }
  __device__ void add(Total& total, X x, W w) const {
    total += Sum(log_product<LogSpec>(x, w));
  }
  static __device__ void flush(Total&) {}
  __device__ Sum sum(const Total& total) const { return total; }
};

}  // namespace mbm_hw

#define MBM_HW_PRODUCTS LogProducts
#include "convolution_kernel.h"
