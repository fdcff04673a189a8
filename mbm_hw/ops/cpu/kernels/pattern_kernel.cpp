// Logarithmic products by floating-point patterns. The bit pattern of Mitchell's product of two
// floats is the integer sum of their patterns less that of 1.0: the exponent fields are the
// characteristics, and the mantissas' carry runs into them. MBM's correction, 2**(k + k2) times a
// constant, is a fused multiply-add of the operands without their mantissas; truncation to an
// integer is the floor of the magnitude. Code 0 is 2**-60: its products vanish in sums.
//
// Per register of products (16 on AVX-512, 8 on AVX2), loads of operands aside:
//   up to 12 bits, integer products (Mitchell, no truncation), four terms at once:
//     4 adds of patterns, 3 float adds, 1 conversion, 1 add                        9 / 4
//   up to 12 bits, others: pattern add, [multiply-add,] conversion, add            3 [4]
//   up to 16 bits: the same, summed mod 2**32, and one float add for the sum to
//     within 2**31, which settles the rest                                         4 [5]
// Zen 4 does two such 512-bit instructions a cycle, and one fused multiply-add of floats.
#include "intrinsics.h"
#include "kernels.h"

#if defined(MBM_HW_AVX512) || defined(MBM_HW_AVX2)

namespace mbm_hw::MBM_HW_ISA {

static constexpr int kPanel = 64;  // positions whose patterns are made together
static constexpr uint32_t kPatternOfOne = 0x3F800000, kWithoutMantissa = 0xFF800000;

#ifdef MBM_HW_AVX512
using Int = __m512i;
using Float = __m512;
static constexpr int kLanes = 16;
// Of a block of sums in registers: registers of positions, and outputs.
static constexpr int kVectors = 4, kOutputs = 4, kWideOutputs = 2, kGroupOutputs = 6;
static inline Int load(const void* data) { return _mm512_load_si512(data); }
static inline void store(void* data, Int x) { _mm512_store_si512(data, x); }
static inline Int set1(uint32_t x) { return _mm512_set1_epi32(int(x)); }
static inline Int add(Int a, Int b) { return _mm512_add_epi32(a, b); }
static inline Int bit_and(Int a, Int b) { return _mm512_and_si512(a, b); }
static inline Float floats(Int x) { return _mm512_castsi512_ps(x); }
static inline Int bits(Float x) { return _mm512_castps_si512(x); }
static inline Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
static inline Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
static inline Int truncate(Float x) { return _mm512_cvttps_epi32(x); }
static inline Int round(Float x) { return _mm512_cvtps_epi32(x); }
static inline Float to_floats(Int x) { return _mm512_cvtepi32_ps(x); }
static inline Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
static inline Int bit_or(Int a, Int b) { return _mm512_or_si512(a, b); }
static inline Int where_zero(Int x, Int chosen, Int other) {
  return _mm512_mask_blend_epi32(_mm512_cmpeq_epi32_mask(x, _mm512_setzero_si512()), other, chosen);
}
static inline Int widen(const int8_t* x) {
  return _mm512_cvtepi8_epi32(_mm_load_si128((const __m128i*)x));
}
static inline Int widen(const int16_t* x) {
  return _mm512_cvtepi16_epi32(_mm256_load_si256((const __m256i*)x));
}
#else
using Int = __m256i;
using Float = __m256;
static constexpr int kLanes = 8;
static constexpr int kVectors = 2, kOutputs = 3, kWideOutputs = 2, kGroupOutputs = 3;
static inline Int load(const void* data) { return _mm256_load_si256((const __m256i*)data); }
static inline void store(void* data, Int x) { _mm256_store_si256((__m256i*)data, x); }
static inline Int set1(uint32_t x) { return _mm256_set1_epi32(int(x)); }
static inline Int add(Int a, Int b) { return _mm256_add_epi32(a, b); }
static inline Int bit_and(Int a, Int b) { return _mm256_and_si256(a, b); }
static inline Float floats(Int x) { return _mm256_castsi256_ps(x); }
static inline Int bits(Float x) { return _mm256_castps_si256(x); }
static inline Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
static inline Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
static inline Int truncate(Float x) { return _mm256_cvttps_epi32(x); }
static inline Int round(Float x) { return _mm256_cvtps_epi32(x); }
static inline Float to_floats(Int x) { return _mm256_cvtepi32_ps(x); }
static inline Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
static inline Int bit_or(Int a, Int b) { return _mm256_or_si256(a, b); }
static inline Int where_zero(Int x, Int chosen, Int other) {
  return _mm256_blendv_epi8(other, chosen, _mm256_cmpeq_epi32(x, _mm256_setzero_si256()));
}
static inline Int widen(const int8_t* x) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)x));
}
static inline Int widen(const int16_t* x) {
  return _mm256_cvtepi16_epi32(_mm_load_si128((const __m128i*)x));
}
#endif

// How a panel's products are summed; see the top.
enum Sums { kGroups, kNarrow, kWide };

// The activations of a panel, and the small ones of the whole tile; on cache lines.
struct Activations {
  uint32_t patterns[kTileDepth][kPanel];  // less that of 1.0
  float corrections[kTileDepth][kPanel];  // the operand without its mantissa, times the constant
  int8_t small[kTileDepth][kTilePositions];  // codes from -63 to 63, or 0 for others
};
static_assert(sizeof(Activations) <= kPatternScratch);

template <bool corrected, class Code>
static void make_patterns(const PatternParameters& parameters, const Code* x, int depth,
                          Activations& made) {
  const int dropped = 24 - parameters.width + parameters.truncation;
  const Int kept = set1(parameters.truncation ? ~0u << dropped : ~0u);
  const Int forced = set1(parameters.truncation ? 1u << dropped : 0);
  const Float constant = floats(set1(__builtin_bit_cast(uint32_t, parameters.correction)));
  for (int k = 0; k < depth; ++k, x += kTilePositions) {
    for (int p = 0; p < kPanel; p += kLanes) {
      const Int code = widen(x + p);
      const Int truncated = bit_or(bit_and(bits(to_floats(code)), kept), forced);
      const Int pattern = where_zero(code, set1(kPatternOfZero), truncated);
      store(&made.patterns[k][p], add(pattern, set1(0u - kPatternOfOne)));
      if constexpr (corrected) {
        const Float power = floats(bit_and(pattern, set1(kWithoutMantissa)));
        store(&made.corrections[k][p], bits(multiply(power, constant)));
      }
    }
  }
}

template <class Code>
static void make_small(const Code* x, int depth, int positions, Activations& made) {
  for (int k = 0; k < depth; ++k, x += kTilePositions) {
    int8_t* small = made.small[k];
    for (int p = 0; p < positions; ++p) {
      const bool is_small = x[p] >= -kSmall && x[p] <= kSmall;
      small[p] = int8_t(is_small ? x[p] : Code(0));
    }
  }
}

template <class Sum>
static inline void add_to(Sum* sums, const int32_t* added) {
  for (int i = 0; i < kLanes; ++i) sums[i] += added[i];
}

// `sum` is the sum mod 2**32, `near` is within 2**31 of it.
template <class Sum>
static inline void add_to(Sum* sums, const uint32_t* sum, const float* near) {
  for (int i = 0; i < kLanes; ++i) {
    const int64_t base = int64_t(near[i]);
    sums[i] += base + int32_t(sum[i] - uint32_t(base));
  }
}

template <Sums kind, bool corrected, int outputs, class Sum>
static inline void add_block(const Activations& made, int first, const uint32_t* w, int64_t w_stride,
                             int depth, Sum* sums) {
  constexpr bool wide = kind == kWide;
  Int total[outputs][kVectors];
  Float near[wide ? outputs : 1][kVectors];
  for (int o = 0; o < outputs; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      total[o][v] = set1(0);
      if constexpr (wide) near[o][v] = floats(set1(0));
    }
  }
  const auto x = [&](int k, int v) { return load(&made.patterns[k][first + v * kLanes]); };
  int k = 0;
  if constexpr (kind == kGroups) {
    for (; k + 4 <= depth; k += 4) {
      for (int o = 0; o < outputs; ++o) {
        Int weight[4];
        for (int i = 0; i < 4; ++i) weight[i] = set1(w[o * w_stride + k + i]);
        for (int v = 0; v < kVectors; ++v) {
          const Float left = add(floats(add(x(k, v), weight[0])),
                                 floats(add(x(k + 1, v), weight[1])));
          const Float right = add(floats(add(x(k + 2, v), weight[2])),
                                  floats(add(x(k + 3, v), weight[3])));
          total[o][v] = add(total[o][v], round(add(left, right)));
        }
      }
    }
  }
  for (; k < depth; ++k) {
    Int pattern[kVectors];
    Float correction[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      pattern[v] = x(k, v);
      correction[v] = floats(load(&made.corrections[k][first + v * kLanes]));
    }
    for (int o = 0; o < outputs; ++o) {
      const Int weight = set1(w[o * w_stride + k]);
      const Float power = floats(bit_and(weight, set1(kWithoutMantissa)));
      for (int v = 0; v < kVectors; ++v) {
        Float product = floats(add(pattern[v], weight));
        if constexpr (corrected) product = fma(correction[v], power, product);
        total[o][v] = add(total[o][v], truncate(product));
        if constexpr (wide) near[o][v] = add(near[o][v], product);
      }
    }
  }
  for (int o = 0; o < outputs; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      alignas(64) uint32_t integers[kLanes];
      store(integers, total[o][v]);
      Sum* target = sums + o * kTilePositions + first + v * kLanes;
      if constexpr (wide) {
        alignas(64) float approximate[kLanes];
        store(approximate, bits(near[o][v]));
        add_to(target, integers, approximate);
      } else {
        add_to(target, (const int32_t*)integers);
      }
    }
  }
}

// Adds what the products of a small weight and small codes lack: -1, 0 or 1, from a row of bytes.
template <class Code, class Sum>
static void add_small(const PatternParameters& parameters, const Activations& made,
                      const Tile<Code, Sum, uint32_t>& tile) {
  constexpr int kMostTerms = 127, kBytes = 4 * kLanes;
  for (int o = 0; o < tile.outputs; ++o) {
    const uint32_t* w = tile.w + o * tile.w_stride;
    uint8_t chosen[kTileDepth];
    int count = 0;
    for (int k = 0; k < tile.depth; ++k) {
      const uint32_t magnitude = w[k] & 0x7FFFFFFF;
      chosen[count] = uint8_t(k);
      count += magnitude >= parameters.small_min && magnitude < parameters.small_end;
    }
    for (int first = 0; first < count; first += kMostTerms) {
      const int end = count - first < kMostTerms ? count : first + kMostTerms;
      for (int p = 0; p < tile.positions; p += kBytes) {
        Int total = set1(0);
        for (int i = first; i < end; ++i) {
          const int k = chosen[i];
          const auto weight = __builtin_bit_cast(float, w[k]);
          const int8_t* row = parameters.small + 128 * (int(weight) + kSmall);
          const Int code = load(made.small[k] + p);
#ifdef MBM_HW_AVX512
          const Int entry = _mm512_permutex2var_epi8(load(row), code, load(row + 64));
          total = _mm512_add_epi8(total, entry);
#else
          const auto part = [&](int i) {
            return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i*)(row + i)));
          };
          // A byte shuffle gives 0 where the index's top bit is set.
          const Int magnitude = _mm256_abs_epi8(code), high = _mm256_set1_epi8(112);
          Int entry = _mm256_shuffle_epi8(part(0), _mm256_adds_epu8(magnitude, high));
          for (int n = 16; n < 64; n += 16) {
            const Int index = _mm256_sub_epi8(magnitude, _mm256_set1_epi8(int8_t(n)));
            entry = _mm256_or_si256(
                entry, _mm256_shuffle_epi8(part(n), _mm256_adds_epu8(index, high)));
          }
          total = _mm256_add_epi8(total, _mm256_sign_epi8(entry, code));
#endif
        }
        alignas(64) int8_t bytes[kBytes];
        store(bytes, total);
        Sum* sums = tile.sums + o * kTilePositions + p;
        for (int i = 0; i < kBytes; ++i) sums[i] += bytes[i];
      }
    }
  }
}

template <Sums kind, bool corrected, class Code, class Sum>
static void add_products(const PatternParameters& parameters, Activations& made,
                         const Tile<Code, Sum, uint32_t>& tile) {
  constexpr int outputs = kind == kGroups ? kGroupOutputs : kind == kWide ? kWideOutputs : kOutputs;
  for (int panel = 0; panel < tile.positions; panel += kPanel) {
    make_patterns<corrected>(parameters, tile.x + panel, tile.depth, made);
    for (int o = 0; o < tile.outputs;) {
      const bool full = o + outputs <= tile.outputs;
      const uint32_t* w = tile.w + o * tile.w_stride;
      Sum* sums = tile.sums + o * kTilePositions + panel;
      for (int first = 0; first < kPanel; first += kVectors * kLanes) {
        full ? add_block<kind, corrected, outputs>(made, first, w, tile.w_stride, tile.depth, sums)
             : add_block<kind, corrected, 1>(made, first, w, tile.w_stride, tile.depth, sums);
      }
      o += full ? outputs : 1;
    }
  }
}

template <class Code, class Sum>
static void add_tile(const PatternParameters& parameters, const Tile<Code, Sum, uint32_t>& tile) {
  auto& made = *reinterpret_cast<Activations*>(tile.scratch);
  const bool corrected = parameters.correction != 0;
  if (parameters.width > 12) {
    corrected ? add_products<kWide, true>(parameters, made, tile)
              : add_products<kWide, false>(parameters, made, tile);
  } else if (corrected) {
    add_products<kNarrow, true>(parameters, made, tile);
  } else if (parameters.truncation) {
    add_products<kNarrow, false>(parameters, made, tile);
  } else {
    add_products<kGroups, false>(parameters, made, tile);
  }
  if (parameters.small) {
    make_small(tile.x, tile.depth, (tile.positions + kPanel - 1) / kPanel * kPanel, made);
    add_small(parameters, made, tile);
  }
}

void pattern_add(const PatternParameters& parameters, const Tile<int8_t, int32_t, uint32_t>& tile) {
  add_tile(parameters, tile);
}
void pattern_add(const PatternParameters& parameters,
                 const Tile<int16_t, int64_t, uint32_t>& tile) {
  add_tile(parameters, tile);
}

}  // namespace mbm_hw::MBM_HW_ISA

#endif
