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
#include "kernels.h"

#ifdef __AVX2__

#include <immintrin.h>

namespace mbm_hw::MBM_HW_ISA {

static constexpr int kPanel = 64;       // positions and terms whose patterns are made together:
#ifndef PD
#define PD 64
#endif
static constexpr int kPanelDepth = PD;  // they fit the first-level cache
static constexpr uint32_t kPatternOfOne = 0x3F800000, kWithoutMantissa = 0xFF800000;

#ifdef __AVX512F__
using Int = __m512i;
using Float = __m512;
static constexpr int kLanes = 16;
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
#else
using Int = __m256i;
using Float = __m256;
static constexpr int kLanes = 8;
static constexpr int kVectors = 2, kOutputs = 4, kWideOutputs = 2, kGroupOutputs = 4;
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
#endif

// How a panel's products are summed; see the top.
enum Sums { kGroups, kNarrow, kWide };

// The activations of a panel, on cache lines.
struct Panel {
  uint32_t patterns[kPanelDepth][kPanel];  // less that of 1.0
  float corrections[kPanelDepth][kPanel];  // the operand without its mantissa, times the constant
  int8_t small[kPanelDepth][kPanel];       // codes from -63 to 63, or 0 for others
};
static_assert(sizeof(Panel) <= kPatternScratch);

template <class Code>
static void make_panel(const PatternParameters& parameters, const Code* x, int depth,
                       Panel& panel) {
  const int dropped = 24 - parameters.width + parameters.truncation;
  const uint32_t kept = parameters.truncation ? ~0u << dropped : ~0u;
  const uint32_t forced = parameters.truncation ? 1u << dropped : 0;
  for (int k = 0; k < depth; ++k, x += kTilePositions) {
    for (int p = 0; p < kPanel; ++p) {
      const float value = float(x[p]);
      uint32_t pattern;
      __builtin_memcpy(&pattern, &value, sizeof pattern);
      pattern = x[p] == 0 ? kPatternOfZero : (pattern & kept) | forced;
      panel.patterns[k][p] = pattern - kPatternOfOne;
      const uint32_t power = pattern & kWithoutMantissa;
      float correction;
      __builtin_memcpy(&correction, &power, sizeof power);
      panel.corrections[k][p] = correction * parameters.correction;
    }
    if (parameters.small) {
      for (int p = 0; p < kPanel; ++p) {
        panel.small[k][p] = x[p] >= -kSmall && x[p] <= kSmall ? int8_t(x[p]) : int8_t(0);
      }
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
static inline void add_block(const Panel& panel, int first, const uint32_t* w, int64_t w_stride,
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
  const auto x = [&](int k, int v) { return load(&panel.patterns[k][first + v * kLanes]); };
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
      correction[v] = floats(load(&panel.corrections[k][first + v * kLanes]));
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
template <class Sum>
static void add_small(const PatternParameters& parameters, const Panel& panel, const uint32_t* w,
                      int depth, Sum* sums) {
  constexpr int kMostTerms = 127;
#ifdef __AVX512F__
  Int total = set1(0);
#else
  Int total[2] = {set1(0), set1(0)};
#endif
  int terms = 0;
  const auto flush = [&] {
    alignas(64) int8_t bytes[kPanel];
#ifdef __AVX512F__
    store(bytes, total);
    total = set1(0);
#else
    store(bytes, total[0]);
    store(bytes + 32, total[1]);
    total[0] = total[1] = set1(0);
#endif
    for (int p = 0; p < kPanel; ++p) sums[p] += bytes[p];
    terms = 0;
  };
  for (int first = 0; first < depth; first += 32) {
    uint32_t chosen = 0;  // of 32 weights
    const int count = depth - first < 32 ? depth - first : 32;
    for (int i = 0; i < count; ++i) {
      const uint32_t magnitude = w[first + i] & 0x7FFFFFFF;
      chosen |= uint32_t(magnitude >= parameters.small_min && magnitude < parameters.small_end) << i;
    }
    for (; chosen; chosen &= chosen - 1) {
      const int k = first + __builtin_ctz(chosen);
      float weight;
      __builtin_memcpy(&weight, w + k, sizeof weight);
      const int8_t* row = parameters.small + 128 * (int(weight) + kSmall);
#ifdef __AVX512F__
      const Int entry = _mm512_permutex2var_epi8(load(row), load(panel.small[k]), load(row + 64));
      total = _mm512_add_epi8(total, entry);
#else
      const auto part = [&](int i) {
        return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i*)(row + i)));
      };
      for (int i = 0; i < 2; ++i) {
        const Int code = load(panel.small[k] + 32 * i), magnitude = _mm256_abs_epi8(code);
        // A byte shuffle gives 0 where the index's top bit is set.
        Int entry = _mm256_shuffle_epi8(part(0), _mm256_add_epi8(magnitude, _mm256_set1_epi8(112)));
        for (int n = 16; n < 64; n += 16) {
          const Int index = _mm256_sub_epi8(magnitude, _mm256_set1_epi8(int8_t(n)));
          const Int inside = _mm256_adds_epu8(index, _mm256_set1_epi8(112));
          entry = _mm256_or_si256(entry, _mm256_shuffle_epi8(part(n), inside));
        }
        total[i] = _mm256_add_epi8(total[i], _mm256_sign_epi8(entry, code));
      }
#endif
      if (++terms == kMostTerms) flush();
    }
  }
  if (terms) flush();
}

template <Sums kind, bool corrected, class Code, class Sum>
static void add_panel(const PatternParameters& parameters, const Panel& panel,
                      const Tile<Code, Sum, uint32_t>& tile, int first_term, int depth,
                      Sum* sums) {
  const uint32_t* const weights = tile.w + first_term;
  constexpr int outputs = kind == kGroups ? kGroupOutputs : kind == kWide ? kWideOutputs : kOutputs;
  int o = 0;
  for (; o + outputs <= tile.outputs; o += outputs) {
    for (int first = 0; first < kPanel; first += kVectors * kLanes) {
      add_block<kind, corrected, outputs>(panel, first, weights + o * tile.w_stride, tile.w_stride,
                                          depth, sums + o * kTilePositions);
    }
  }
  for (; o < tile.outputs; ++o) {
    for (int first = 0; first < kPanel; first += kVectors * kLanes) {
      add_block<kind, corrected, 1>(panel, first, weights + o * tile.w_stride, tile.w_stride,
                                    depth, sums + o * kTilePositions);
    }
  }
  if (parameters.small) {
    for (int i = 0; i < tile.outputs; ++i) {
      add_small(parameters, panel, weights + i * tile.w_stride, depth,
                sums + i * kTilePositions);
    }
  }
}

template <class Code, class Sum>
static void add_tile(const PatternParameters& parameters, const Tile<Code, Sum, uint32_t>& tile) {
  auto& panel = *reinterpret_cast<Panel*>(tile.scratch);
  const bool corrected = parameters.correction != 0;
  for (int first = 0; first < tile.positions; first += kPanel) {
    for (int k = 0; k < tile.depth; k += kPanelDepth) {
      const int depth = tile.depth - k < kPanelDepth ? tile.depth - k : kPanelDepth;
      make_panel(parameters, tile.x + k * kTilePositions + first, depth, panel);
      Sum* sums = tile.sums + first;
      if (parameters.width > 12) {
        corrected ? add_panel<kWide, true>(parameters, panel, tile, k, depth, sums)
                  : add_panel<kWide, false>(parameters, panel, tile, k, depth, sums);
      } else if (corrected) {
        add_panel<kNarrow, true>(parameters, panel, tile, k, depth, sums);
      } else if (parameters.truncation) {
        add_panel<kNarrow, false>(parameters, panel, tile, k, depth, sums);
      } else {
        add_panel<kGroups, false>(parameters, panel, tile, k, depth, sums);
      }
    }
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
