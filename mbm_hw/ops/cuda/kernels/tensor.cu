// Sums of a factorised multiplier's products on tensor cores. MBM_HW_FACTORS are the widths of the
// blocks of factors, MBM_HW_TILE the tile's numbers, MBM_HW_SCALE the sums' power of two;
// MBM_HW_ADDS: whether they are added to what is in `out`.
// Shared memory: the lines of factors, then the panels.
#include "tensor_convolution.h"

namespace mbm_hw {
using KernelFactors = FactorLines<MBM_HW_WIDTH, MBM_HW_FACTORS>;
using KernelShape = TensorShape<MBM_HW_TILE>;
using KernelConvolution =
    TensorConvolution<KernelFactors, KernelShape, MBM_HW_CODE, MBM_HW_SUM, MBM_HW_SCALE, MBM_HW_ADDS>;
}  // namespace mbm_hw

extern "C" __global__ void __launch_bounds__(mbm_hw::KernelShape::kThreads, 1)
    conv2d(const MBM_HW_CODE* x, const MBM_HW_CODE* w, MBM_HW_SUM* out, const int32_t* factors,
           MBM_HW_GEOMETRY_PARAMETERS) {
  using namespace mbm_hw;
  extern __shared__ __align__(16) unsigned char shared_memory[];
  const Geometry geometry MBM_HW_GEOMETRY_ARGUMENTS;
  KernelFactors::fill<KernelShape::kThreads>(shared_memory, factors, int(threadIdx.x));
  auto& shared =
      *reinterpret_cast<KernelConvolution::Shared*>(shared_memory + KernelFactors::kBytes);
  KernelConvolution(geometry, shared_memory, shared).run(x, w, out);
}
