// Vectors of float32 patterns and integers, as wide as the instruction set has them.
#pragma once

#include <cstdint>

#include "intrinsics.h"

#if defined(MBM_HW_AVX512) || defined(MBM_HW_AVX2)
#define MBM_HW_LANES
#endif

namespace mbm_hw::MBM_HW_ISA {
namespace {

#if defined(MBM_HW_AVX512)

constexpr int kLanes = 16;
using Integers = __m512i;
using Floats = __m512;
using Where = __mmask16;

inline Integers load(const uint32_t* x) { return _mm512_loadu_si512(x); }
inline void store(uint32_t* x, Integers v) { _mm512_storeu_si512(x, v); }
inline Floats load(const float* x) { return _mm512_loadu_ps(x); }
inline void store(float* x, Floats v) { _mm512_storeu_ps(x, v); }
inline Integers all(uint32_t x) { return _mm512_set1_epi32(int32_t(x)); }
inline Floats repeated(float x) { return _mm512_set1_ps(x); }
inline Floats zeros() { return _mm512_setzero_ps(); }
inline Floats floats(Integers v) { return _mm512_castsi512_ps(v); }
inline Integers integers(Floats v) { return _mm512_castps_si512(v); }
inline Integers plus(Integers a, Integers b) { return _mm512_add_epi32(a, b); }
inline Integers minus(Integers a, Integers b) { return _mm512_sub_epi32(a, b); }
inline Integers product(Integers a, Integers b) { return _mm512_mullo_epi32(a, b); }
// 2**bits times, and the floor of 2**-bits times.
template <int bits>
inline Integers raised(Integers v) { return _mm512_slli_epi32(v, bits); }
template <int bits>
inline Integers lowered(Integers v) { return _mm512_srai_epi32(v, bits); }
inline Integers both(Integers a, Integers b) { return _mm512_and_si512(a, b); }
inline Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
inline Floats divide(Floats a, Floats b) { return _mm512_div_ps(a, b); }
inline Floats smaller(Floats a, Floats b) { return _mm512_min_ps(a, b); }
// 0 where a is NaN.
inline Floats larger_or_zero(Floats a, Floats b) {
  return _mm512_maskz_max_ps(_mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), a, b);
}
inline Where where_all() { return Where(~0); }
inline Where where_number(Floats v) { return _mm512_cmp_ps_mask(v, v, _CMP_ORD_Q); }
inline Where both(Where a, Where b) { return Where(a & b); }
inline Where where_nonzero(Integers v) {
  return _mm512_test_epi32_mask(v, all(~(1u << 31)));
}
inline Where where_below(Integers a, Integers b) { return _mm512_cmplt_epi32_mask(a, b); }
inline uint32_t bits_of(Where m) { return m; }
// c + a * b with one rounding, and c elsewhere.
inline Floats multiply_add(Where m, Floats a, Floats b, Floats c) {
  return _mm512_mask3_fmadd_ps(a, b, c, m);
}
inline Floats add(Where m, Floats sum, Floats v) { return _mm512_mask_add_ps(sum, m, sum, v); }
// The same where also bit 30 of v is set.
inline Floats add_with_bit30(Where m, Floats sum, Floats v) {
  return add(Where(_mm512_mask_test_epi32_mask(m, integers(v), all(1u << 30))), sum, v);
}
inline Floats add(Floats sum, Floats v) { return _mm512_add_ps(sum, v); }
inline Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
inline Floats multiply_subtract(Floats a, Floats b, Floats c) { return _mm512_fmsub_ps(a, b, c); }
inline Integers either(Integers a, Integers b) { return _mm512_or_si512(a, b); }
inline Integers where_zero(Integers v, Integers chosen, Integers other) {
  return _mm512_mask_blend_epi32(_mm512_cmpeq_epi32_mask(v, all(0)), other, chosen);
}
inline Floats to_floats(Integers v) { return _mm512_cvtepi32_ps(v); }
inline Integers rounded(Floats v) { return _mm512_cvtps_epi32(v); }
inline Integers truncated(Floats v) { return _mm512_cvttps_epi32(v); }
inline Integers widened(const int8_t* x) {
  return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
}
inline Integers widened(const int16_t* x) {
  return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
}
// Integers that fit.
inline void store_narrow(int8_t* x, Integers v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(x), _mm512_cvtepi32_epi8(v));
}
inline void store_narrow(int16_t* x, Integers v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(x), _mm512_cvtepi32_epi16(v));
}
// sum + a.low * b.low + a.high * b.high, of int16.
inline Integers add_pairs(Integers sum, Integers a, Integers b) {
  return _mm512_dpwssd_epi32(sum, a, b);
}
// sums += 2**bits * v
template <int bits>
inline void add_raised(int64_t* sums, Integers v) {
  for (int half = 0; half < 2; ++half, sums += kLanes / 2) {
    const __m256i part = half ? _mm512_extracti64x4_epi64(v, 1) : _mm512_castsi512_si256(v);
    const Integers added = _mm512_slli_epi64(_mm512_cvtepi32_epi64(part), bits);
    _mm512_storeu_si512(sums, _mm512_add_epi64(_mm512_loadu_si512(sums), added));
  }
}
// sums += 2**32 * high + the unsigned low
inline void add_words(int64_t* sums, Integers low, Integers high) {
  for (int half = 0; half < 2; ++half, sums += kLanes / 2) {
    const auto wide = [&](Integers v) {
      return _mm512_cvtepu32_epi64(half ? _mm512_extracti64x4_epi64(v, 1)
                                        : _mm512_castsi512_si256(v));
    };
    const Integers added = _mm512_or_si512(wide(low), _mm512_slli_epi64(wide(high), 32));
    _mm512_storeu_si512(sums, _mm512_add_epi64(_mm512_loadu_si512(sums), added));
  }
}
// 2 * kLanes pairs of int16.
inline void interleave(const int16_t* low, const int16_t* high, Integers (&pairs)[2]) {
  const Integers a = _mm512_loadu_si512(low), b = _mm512_loadu_si512(high);
  const Integers even = _mm512_unpacklo_epi16(a, b), odd = _mm512_unpackhi_epi16(a, b);
  pairs[0] = _mm512_permutex2var_epi64(even, _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), odd);
  pairs[1] = _mm512_permutex2var_epi64(even, _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4), odd);
}
// low and high, of int16, += the first and the second half of int8.
inline void add_bytes(Integers bytes, Integers& low, Integers& high) {
  low = _mm512_add_epi16(low, _mm512_cvtepi8_epi16(_mm512_castsi512_si256(bytes)));
  high = _mm512_add_epi16(high, _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(bytes, 1)));
}

#elif defined(MBM_HW_AVX2)

constexpr int kLanes = 8;
using Integers = __m256i;
using Floats = __m256;
using Where = __m256i;

inline Integers load(const uint32_t* x) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
}
inline void store(uint32_t* x, Integers v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(x), v);
}
inline Floats load(const float* x) { return _mm256_loadu_ps(x); }
inline void store(float* x, Floats v) { _mm256_storeu_ps(x, v); }
inline Integers all(uint32_t x) { return _mm256_set1_epi32(int32_t(x)); }
inline Floats repeated(float x) { return _mm256_set1_ps(x); }
inline Floats zeros() { return _mm256_setzero_ps(); }
inline Floats floats(Integers v) { return _mm256_castsi256_ps(v); }
inline Integers integers(Floats v) { return _mm256_castps_si256(v); }
inline Integers plus(Integers a, Integers b) { return _mm256_add_epi32(a, b); }
inline Integers minus(Integers a, Integers b) { return _mm256_sub_epi32(a, b); }
inline Integers product(Integers a, Integers b) { return _mm256_mullo_epi32(a, b); }
// 2**bits times, and the floor of 2**-bits times.
template <int bits>
inline Integers raised(Integers v) { return _mm256_slli_epi32(v, bits); }
template <int bits>
inline Integers lowered(Integers v) { return _mm256_srai_epi32(v, bits); }
inline Integers both(Integers a, Integers b) { return _mm256_and_si256(a, b); }
inline Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
inline Floats divide(Floats a, Floats b) { return _mm256_div_ps(a, b); }
inline Floats smaller(Floats a, Floats b) { return _mm256_min_ps(a, b); }
// 0 where a is NaN.
inline Floats larger_or_zero(Floats a, Floats b) {
  return _mm256_and_ps(_mm256_max_ps(a, b), _mm256_cmp_ps(a, a, _CMP_ORD_Q));
}
inline Where where_all() { return all(~0u); }
inline Where where_number(Floats v) { return integers(_mm256_cmp_ps(v, v, _CMP_ORD_Q)); }
inline Where where_nonzero(Integers v) {
  return integers(_mm256_cmp_ps(floats(v), zeros(), _CMP_NEQ_UQ));
}
inline Where where_below(Integers a, Integers b) { return _mm256_cmpgt_epi32(b, a); }
inline uint32_t bits_of(Where m) { return uint32_t(_mm256_movemask_ps(floats(m))); }
inline Floats multiply_add(Where m, Floats a, Floats b, Floats c) {
  return _mm256_fmadd_ps(floats(both(integers(a), m)), b, c);
}
inline Floats add(Floats sum, Floats v) { return _mm256_add_ps(sum, v); }
inline Floats multiply_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
inline Floats multiply_subtract(Floats a, Floats b, Floats c) { return _mm256_fmsub_ps(a, b, c); }
inline Integers either(Integers a, Integers b) { return _mm256_or_si256(a, b); }
inline Integers where_zero(Integers v, Integers chosen, Integers other) {
  return _mm256_blendv_epi8(other, chosen, _mm256_cmpeq_epi32(v, all(0)));
}
inline Floats to_floats(Integers v) { return _mm256_cvtepi32_ps(v); }
inline Integers rounded(Floats v) { return _mm256_cvtps_epi32(v); }
inline Integers truncated(Floats v) { return _mm256_cvttps_epi32(v); }
inline Integers widened(const int8_t* x) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x)));
}
inline Integers widened(const int16_t* x) {
  return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
}
// Integers that fit.
inline void store_narrow(int16_t* x, Integers v) {
  const __m128i low = _mm256_castsi256_si128(v), high = _mm256_extracti128_si256(v, 1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(x), _mm_packs_epi32(low, high));
}
inline void store_narrow(int8_t* x, Integers v) {
  alignas(16) int16_t words[8];
  store_narrow(words, v);
  const __m128i packed = _mm_load_si128(reinterpret_cast<const __m128i*>(words));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(x), _mm_packs_epi16(packed, packed));
}
inline Floats add(Where m, Floats sum, Floats v) {
  return add(sum, floats(both(integers(v), m)));
}
inline Floats add_with_bit30(Where m, Floats sum, Floats v) {
  const Integers kept = both(integers(v), m);
  return add(sum, _mm256_blendv_ps(zeros(), floats(kept), floats(_mm256_slli_epi32(kept, 1))));
}
// sum + a.low * b.low + a.high * b.high, of int16.
inline Integers add_pairs(Integers sum, Integers a, Integers b) {
  return plus(sum, _mm256_madd_epi16(a, b));
}
// sums += 2**bits * v
template <int bits>
inline void add_raised(int64_t* sums, Integers v) {
  for (int half = 0; half < 2; ++half, sums += kLanes / 2) {
    const __m128i part = half ? _mm256_extracti128_si256(v, 1) : _mm256_castsi256_si128(v);
    const Integers added = _mm256_slli_epi64(_mm256_cvtepi32_epi64(part), bits);
    auto* target = reinterpret_cast<Integers*>(sums);
    _mm256_storeu_si256(target, _mm256_add_epi64(_mm256_loadu_si256(target), added));
  }
}
// sums += 2**32 * high + the unsigned low
inline void add_words(int64_t* sums, Integers low, Integers high) {
  for (int half = 0; half < 2; ++half, sums += kLanes / 2) {
    const auto wide = [&](Integers v) {
      return _mm256_cvtepu32_epi64(half ? _mm256_extracti128_si256(v, 1)
                                        : _mm256_castsi256_si128(v));
    };
    const Integers added = _mm256_or_si256(wide(low), _mm256_slli_epi64(wide(high), 32));
    auto* target = reinterpret_cast<Integers*>(sums);
    _mm256_storeu_si256(target, _mm256_add_epi64(_mm256_loadu_si256(target), added));
  }
}
// 2 * kLanes pairs of int16.
inline void interleave(const int16_t* low, const int16_t* high, Integers (&pairs)[2]) {
  const Integers a = load((const uint32_t*)low), b = load((const uint32_t*)high);
  const Integers even = _mm256_unpacklo_epi16(a, b), odd = _mm256_unpackhi_epi16(a, b);
  pairs[0] = _mm256_permute2x128_si256(even, odd, 0x20);
  pairs[1] = _mm256_permute2x128_si256(even, odd, 0x31);
}
// low and high, of int16, += the first and the second half of int8.
inline void add_bytes(Integers bytes, Integers& low, Integers& high) {
  low = _mm256_add_epi16(low, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes)));
  high = _mm256_add_epi16(high, _mm256_cvtepi8_epi16(_mm256_extracti128_si256(bytes, 1)));
}

#endif

// Has the compiler compute a before what is made of b from here on, where registers are few: the
// order that is written fits them.
#if defined(MBM_HW_AVX512)
inline void compute_before(Integers&, Integers&) {}
#elif defined(MBM_HW_AVX2)
inline void compute_before(Integers& a, Integers& b) { asm("" : "+x"(a), "+x"(b)); }
#endif

}  // namespace
}  // namespace mbm_hw::MBM_HW_ISA
