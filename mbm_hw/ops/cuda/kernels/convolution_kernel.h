// The kernel: MBM_HW_PRODUCTS is its policy, MBM_HW_TILE its tile's numbers, MBM_HW_BLOCKS how many
// blocks a multiprocessor should hold at least. Shared memory: the policy's, then the panels.
#pragma once

#include "convolution.h"

namespace mbm_hw {
using KernelProducts = MBM_HW_PRODUCTS;
using KernelShape = TileShape<MBM_HW_TILE>;
using KernelConvolution = Convolution<KernelProducts, KernelShape>;
}  // namespace mbm_hw

extern "C" __global__ void __launch_bounds__(mbm_hw::KernelShape::kThreads, MBM_HW_BLOCKS)
    conv2d(const mbm_hw::KernelProducts::Code* x, const mbm_hw::KernelProducts::Code* w,
           mbm_hw::KernelProducts::Sum* out, const int32_t* table, MBM_HW_GEOMETRY_PARAMETERS) {
  using namespace mbm_hw;
  extern __shared__ __align__(16) unsigned char shared_memory[];
  const Geometry geometry MBM_HW_GEOMETRY_ARGUMENTS;
  const KernelProducts products(table, shared_memory);
  auto& shared = *reinterpret_cast<KernelConvolution::Shared*>(
      shared_memory + KernelProducts::kSharedBytes);
  KernelConvolution(geometry, products, shared).run(x, w, out);
}
