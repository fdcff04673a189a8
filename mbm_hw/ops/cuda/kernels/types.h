// What the kernels and a host compiler both need. NVRTC has no standard headers.
#pragma once

#ifdef __CUDACC_RTC__
using int8_t = signed char;
using uint8_t = unsigned char;
using int16_t = short;
using uint16_t = unsigned short;
using int32_t = int;
using uint32_t = unsigned int;
using int64_t = long long;
using uint64_t = unsigned long long;
#define MBM_HW_INLINE __device__ __forceinline__
#else
#include <cstdint>
#define MBM_HW_INLINE inline
#endif

namespace mbm_hw {

MBM_HW_INLINE uint32_t bits_of(float x) {
#ifdef __CUDACC_RTC__
  return __float_as_uint(x);
#else
  return __builtin_bit_cast(uint32_t, x);
#endif
}

MBM_HW_INLINE float float_of(uint32_t x) {
#ifdef __CUDACC_RTC__
  return __uint_as_float(x);
#else
  return __builtin_bit_cast(float, x);
#endif
}

// The position of the most significant 1 of x > 0.
MBM_HW_INLINE int leading_one_position(uint32_t x) {
#ifdef __CUDACC_RTC__
  return 31 - __clz(int(x));
#else
  return 31 - __builtin_clz(x);
#endif
}

}  // namespace mbm_hw
