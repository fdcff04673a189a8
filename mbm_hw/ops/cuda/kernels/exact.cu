// The exact product: ordinary integer arithmetic.
#include "geometry.h"

namespace mbm_hw {

// MBM_HW_CODE, MBM_HW_SUM : in memory.
struct ExactProducts {
  using Code = MBM_HW_CODE;
  using Sum = MBM_HW_SUM;
  using X = int32_t;
  using W = int32_t;
  using Total = Sum;
  static constexpr int kSharedBytes = 0, kFlushTerms = 0, kUnroll = 4;
  static constexpr int kAbsentWeight = 0, kPlainUnroll = 0;
  static constexpr bool kHasPlain = false, kHasCorner = false;

  __device__ ExactProducts(const int32_t*, unsigned char*) {}
  __device__ X x_operand(Code code) const { return int32_t(code); }
  __device__ W w_operand(Code code) const { return int32_t(code); }
  __device__ X x_value(X x) const { return x; }
  __device__ W w_value(W w) const { return w; }
  static __device__ void start(Total& total) { total = 0; }
  __device__ void add(Total& total, X x, W w) const { total += Sum(x) * w; }
  static __device__ void flush(Total&) {}
  __device__ Sum sum(const Total& total) const { return total; }
};

}  // namespace mbm_hw

#define MBM_HW_PRODUCTS ExactProducts
#include "convolution_kernel.h"
