// CUDA's execution model on a CPU, for tests alone: included before a kernel's source, in place of
// NVRTC's builtins. A thread is a fiber. It runs until a barrier or its end, one after another in an
// order that a seed chooses: what a barrier is missing for, some order gets wrong.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __shared__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
struct uint2 {
  unsigned x, y;
};
struct __align__(16) uint4 {
  unsigned x, y, z, w;
};

namespace cuda_emulation {

struct Launch {
  dim3 grid, block;
};
extern Launch launch;
extern dim3 block_index;
unsigned thread_index();

enum Scope { kBlock, kWarp };
void barrier(Scope scope);
// Whether all threads of the block say so; a barrier.
bool vote(bool predicate);

// Memory that the lanes of the running thread's warp share, for what they exchange.
inline constexpr int kLanes = 32, kExchangeBytes = 64;
unsigned char (*exchange())[kExchangeBytes];

// What lane `source(lane)` passes as `value`.
template <class T, class Source>
T exchanged(T value, const Source& source) {
  static_assert(sizeof(T) <= kExchangeBytes);
  const unsigned lane = thread_index() % kLanes;
  std::memcpy(exchange()[lane], &value, sizeof(T));
  barrier(kWarp);
  T received;
  std::memcpy(&received, exchange()[source(lane) % kLanes], sizeof(T));
  barrier(kWarp);
  return received;
}

}  // namespace cuda_emulation

#define threadIdx (dim3{::cuda_emulation::thread_index(), 0, 0})
#define blockIdx (::cuda_emulation::block_index)
#define blockDim (::cuda_emulation::launch.block)
#define gridDim (::cuda_emulation::launch.grid)

inline void __syncthreads() { cuda_emulation::barrier(cuda_emulation::kBlock); }
inline int __syncthreads_and(int predicate) {
  return cuda_emulation::vote(predicate);
}
inline void __syncwarp(unsigned = ~0u) { cuda_emulation::barrier(cuda_emulation::kWarp); }

template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return cuda_emulation::exchanged(value, [=](unsigned lane) { return lane ^ unsigned(mask); });
}
template <class T>
T __shfl_sync(unsigned, T value, int lane) {
  return cuda_emulation::exchanged(value, [=](unsigned) { return unsigned(lane); });
}

inline int __any_sync(unsigned mask, int predicate) {
  for (int other = 1; other < cuda_emulation::kLanes; other *= 2) {
    predicate |= __shfl_xor_sync(mask, predicate, other);
  }
  return predicate;
}

inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned(uint64_t(a) * b >> 32); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(unsigned(x)); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline int __float2int_rn(float x) {
  return x != x ? 0 : int(std::clamp(std::rint(double(x)), -0x1p31, 0x1p31 - 1));
}
inline double __hiloint2double(int high, int low) {
  return std::bit_cast<double>(uint64_t(unsigned(high)) << 32 | unsigned(low));
}
inline int __double2hiint(double x) { return int(std::bit_cast<uint64_t>(x) >> 32); }
inline int __double2loint(double x) { return int(std::bit_cast<uint64_t>(x)); }
inline double __dmul_rn(double a, double b) { return a * b; }
inline long long __double2ll_rn(double x) { return std::llrint(x); }
using std::min;

template <class T>
T atomicMin(T* address, T value) {
  const T before = *address;
  *address = std::min(before, value);
  return before;
}
