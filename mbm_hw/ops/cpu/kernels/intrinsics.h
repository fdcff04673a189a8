// The intrinsics of the instruction set that is compiled for: MBM_HW_AVX512 or MBM_HW_AVX2 is
// defined, or neither.
//
// Under MBM_HW_EMULATE_AVX512 SIMDe writes those of AVX-512 out in AVX2, for tests of the AVX-512
// kernels on machines that have none of it.
#pragma once

#if defined(MBM_HW_EMULATE_AVX512)

#define MBM_HW_AVX512
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

// What SIMDe 0.8.2 lacks.
static inline __m512i from_halves(__m256i low, __m256i high) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}
static inline __m256i narrowed_to_words(__m512i x) {  // of integers that fit
  const __m256i low = _mm512_castsi512_si256(x), high = _mm512_extracti64x4_epi64(x, 1);
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
}
#define _mm512_cvtepi32_epi16(x) narrowed_to_words(x)
#define _mm512_cvtepi32_epi8(x)                                   \
  _mm_packs_epi16(_mm256_castsi256_si128(narrowed_to_words(x)), \
                  _mm256_extracti128_si256(narrowed_to_words(x), 1))
#define _mm512_cvtepi8_epi32(x) \
  from_halves(_mm256_cvtepi8_epi32(x), _mm256_cvtepi8_epi32(_mm_srli_si128(x, 8)))
#define _mm512_cvtepi32_epi64(x)                     \
  from_halves(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(x)), \
              _mm256_cvtepi32_epi64(_mm256_extracti128_si256(x, 1)))
#define _mm512_cvtepu32_epi64(x)                     \
  from_halves(_mm256_cvtepu32_epi64(_mm256_castsi256_si128(x)), \
              _mm256_cvtepu32_epi64(_mm256_extracti128_si256(x, 1)))
#define _mm512_cmplt_epi32_mask(a, b) _mm512_cmpgt_epi32_mask(b, a)
#define _mm512_mask3_fmadd_ps(a, b, c, m) _mm512_mask_mov_ps(c, m, _mm512_fmadd_ps(a, b, c))

#elif defined(__AVX512VBMI__)

#define MBM_HW_AVX512
#include <immintrin.h>

#elif defined(__AVX2__)

#define MBM_HW_AVX2
#include <immintrin.h>

#endif
