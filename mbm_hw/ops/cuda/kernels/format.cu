// Rounding to a float format, and looking for values that it has not.
#include "float_arithmetic.h"

namespace mbm_hw {
using KernelFormat = FloatFormat<MBM_HW_EXPONENT_BITS, MBM_HW_MANTISSA_BITS>;
}

extern "C" __global__ void __launch_bounds__(256)
    round_to_format(const float* x, float* rounded, int64_t count) {
  using namespace mbm_hw;
  const int64_t step = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
    rounded[i] = float_of(KernelFormat::round(bits_of(x[i])));
  }
}

// The least index of such a value, to *found, which is at least count before.
extern "C" __global__ void __launch_bounds__(256)
    find_outside(const float* x, uint64_t* found, int64_t count) {
  using namespace mbm_hw;
  const int64_t step = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
    if (!KernelFormat::holds(bits_of(x[i]))) {
      atomicMin(reinterpret_cast<unsigned long long*>(found), static_cast<unsigned long long>(i));
      return;
    }
  }
}
