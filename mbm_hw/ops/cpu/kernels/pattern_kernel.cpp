// Logarithmic products by floating-point patterns. The bit pattern of Mitchell's product of two
// floats is the integer sum of their patterns less that of 1.0: the exponent fields are the
// characteristics, and the mantissas' carry runs into them. MBM's correction, 2**(k + k2) times a
// constant, is a fused multiply-add of the operands without their mantissas. Code 0 is 2**-60: its
// products vanish in sums. What is an integer in the end is got in one of four ways:
//   kFloats   Mitchell, no truncation, to 12 bits. Products are integers, and so are float sums of
//             as many as stay within 2**24. MBM, no truncation, of 11 and 12 bits is this and the
//             corrections apart, but in planes: see power_kernel.cpp.
//   kRounded  MBM, no truncation, to 10 bits. A sum from 2**23 to 2**24 rounds what is added to an
//             integer, and its pattern counts them. pattern_multiplier.h bends the product so that
//             this gives the floor and the 1 that small products get back, but for operands below
//             16: see small_kernel.cpp.
//   kNarrow   others to 12 bits. Products are truncated to integers: the floor of the magnitude.
//   kWide     others, to 16 bits. The same, summed mod 2**32, and as floats to within 2**31, which
//             settles the rest.
//
// Instructions per register of products (16 on AVX-512, 8 on AVX2), loads of operands aside:
//   kFloats   pattern add, float add                                        2
//   kRounded  pattern add, multiply-add, float add                          3
//   kNarrow   pattern add, [multiply-add,] conversion, add                  3 [4]
//   kWide     the same and a float add                                      4 [5]
// and for each group of terms that fits the float sums of the first two, 2 more. A block of
// outputs_of(kind) by kVectors sums is in registers: a term loads kVectors patterns [and masks
// them] and, for each output, the weight's pattern [and correction]: fewer loads than half the
// instructions. Zen 3 does four a cycle and two loads; Zen 4 two of 512 bits, of them one
// multiply-add of floats.
#include "kernels.h"
#include "sums.h"

#ifdef MBM_HW_LANES

namespace mbm_hw::MBM_HW_ISA {
namespace {

constexpr uint32_t kPatternOfOne = 0x3F800000, kWithoutMantissa = 0xFF800000;
constexpr float kMiddle = 3 << 22;  // of the floats that are 1 apart

enum Sums { kFloats, kRounded, kNarrow, kWide };

// Of a block of sums in registers: registers of positions, and outputs.
#ifdef MBM_HW_AVX512
constexpr int kVectors = 4;
constexpr int outputs_of(Sums kind) {
  return kind == kRounded ? 4 : kind == kWide ? 2 : 3;
}
#else
constexpr int kVectors = 2;
constexpr int outputs_of(Sums kind) { return kind == kFloats ? 6 : kind == kWide ? 2 : 4; }
#endif
constexpr int kMostOutputs = 6;
constexpr int kStrip = kVectors * kLanes, kStrips = kPatternPanel / kStrip;

// The patterns of activations, strip by strip.
struct Activations {
  alignas(64) uint32_t strips[kStrips][kTileDepth][kStrip];
};
static_assert(sizeof(Activations) <= kPatternScratch);
constexpr int kMostPlane = kPatternScratch / sizeof(uint32_t);

// A strip's patterns of a term: in rows side by side, or where a plane's rows begin.
struct Strip {
  const uint32_t* first;
  const uint32_t* operator[](int k) const { return first + k * kStrip; }
};
struct PlaneStrip {
  const uint32_t* first;
  const int64_t* rows;
  const uint32_t* operator[](int k) const { return first + rows[k]; }
};

// The weights of a block of outputs.
struct Weights {
  alignas(64) uint32_t patterns[kMostOutputs][kTileDepth];  // less that of 1.0
  alignas(64) float corrections[kMostOutputs][kTileDepth];  // without mantissas, times the constant
};

// Gives codes' patterns.
struct Encoder {
  Integers kept, forced;

  explicit Encoder(const PatternParameters& parameters) {
    const int dropped = 24 - parameters.width + parameters.truncation;
    kept = all(parameters.truncation ? ~0u << dropped : ~0u);
    forced = all(parameters.truncation ? 1u << dropped : 0);
  }

  template <class Code>
  Integers operator()(const Code* x) const {
    const Integers code = widened(x);
    const Integers truncated = either(both(integers(to_floats(code)), kept), forced);
    return where_zero(code, all(kPatternOfZero), truncated);
  }
};

template <class Code, class Sum>
void make_patterns(const Encoder& encoded, const Tile<Code, Sum, uint32_t>& tile, int panel,
                   Activations& made) {
  for (int k = 0; k < tile.depth; ++k) {
    const Code* x = tile.row(k) + panel;
    for (int p = 0; p < kPatternPanel; p += kLanes) {
      store(made.strips[p / kStrip][k] + p % kStrip, encoded(x + p));
    }
  }
}

template <bool corrected, class Code, class Sum>
void make_weights(const PatternParameters& parameters, const Tile<Code, Sum, uint32_t>& tile,
                  int first, int outputs, Weights& made) {
  for (int o = 0; o < outputs; ++o) {
    const uint32_t* w = tile.w + (first + o) * tile.w_stride;
    for (int k = 0; k < tile.depth; ++k) {
      made.patterns[o][k] = w[k] + parameters.bend - kPatternOfOne;
      if constexpr (corrected) {
        const auto power = __builtin_bit_cast(float, w[k] & kWithoutMantissa);
        made.corrections[o][k] = power * parameters.correction;
      }
    }
  }
}

// `total` is the sum mod 2**32, `near` is within 2**31 of it.
inline void add_to(int64_t* sums, Integers total, Floats near) {
  const Floats unit = repeated(0x1p-32f);
  const Integers wraps = rounded(multiply_subtract(near, unit, multiply(to_floats(total), unit)));
  add_words(sums, total, plus(wraps, lowered<31>(total)));
}

// Not inlined: GCC then keeps all it can in registers.
//
// kFloats and kRounded: `group` terms at a time are summed as floats.
template <Sums kind, int outputs, class Strip, class Sum>
__attribute__((noinline)) void add_groups(const Strip& x, const Weights& w, int depth, int group, Sum* sums) {
  constexpr bool corrected = kind == kRounded;
  const Integers start = integers(to_floats(all(corrected ? uint32_t(kMiddle) : 0)));
  Integers total[outputs][kVectors];
  for (int o = 0; o < outputs; ++o) {
    for (int v = 0; v < kVectors; ++v) total[o][v] = all(0);
  }
  for (int first = 0; first < depth; first += group) {
    const int end = depth - first < group ? depth : first + group;
    Floats sum[outputs][kVectors];
    for (int o = 0; o < outputs; ++o) {
      for (int v = 0; v < kVectors; ++v) sum[o][v] = floats(start);
    }
    for (int k = first; k < end; ++k) {
      Integers pattern[kVectors];
      Floats power[kVectors];
      for (int v = 0; v < kVectors; ++v) {
        pattern[v] = load(x[k] + v * kLanes);
        power[v] = floats(both(pattern[v], all(kWithoutMantissa)));
      }
#pragma GCC unroll 8
      for (int o = 0; o < outputs; ++o) {
        const Integers weight = all(w.patterns[o][k]);
        const Floats correction = repeated(w.corrections[o][k]);
        for (int v = 0; v < kVectors; ++v) {
          Floats product = floats(plus(pattern[v], weight));
          if constexpr (corrected) product = multiply_add(power[v], correction, product);
          sum[o][v] = add(sum[o][v], product);
        }
      }
    }
    for (int o = 0; o < outputs; ++o) {
      for (int v = 0; v < kVectors; ++v) {
        const Integers integer = corrected ? minus(integers(sum[o][v]), start) : rounded(sum[o][v]);
        total[o][v] = plus(total[o][v], integer);
      }
    }
  }
  for (int o = 0; o < outputs; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      add_to(sums + o * kTilePositions + v * kLanes, total[o][v]);
    }
  }
}

// kNarrow and kWide: each product becomes an integer.
template <Sums kind, bool corrected, int outputs, class Strip, class Sum>
void add_integers(const Strip& x, const Weights& w, int depth, Sum* sums) {
  constexpr bool wide = kind == kWide;
  Integers total[outputs][kVectors];
  Floats near[wide ? outputs : 1][kVectors];
  for (int o = 0; o < outputs; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      total[o][v] = all(0);
      if constexpr (wide) near[o][v] = zeros();
    }
  }
  for (int k = 0; k < depth; ++k) {
    Integers pattern[kVectors];
    Floats power[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      pattern[v] = load(x[k] + v * kLanes);
      power[v] = floats(both(pattern[v], all(kWithoutMantissa)));
    }
#pragma GCC unroll 8
    for (int o = 0; o < outputs; ++o) {
      const Integers weight = all(w.patterns[o][k]);
      const Floats correction = repeated(w.corrections[o][k]);
      for (int v = 0; v < kVectors; ++v) {
        Floats product = floats(plus(pattern[v], weight));
        if constexpr (corrected) product = multiply_add(power[v], correction, product);
        total[o][v] = plus(total[o][v], truncated(product));
        if constexpr (wide) {
          near[o][v] = add(near[o][v], product);
        } else {
          compute_before(total[o][v], pattern[v]);
        }
      }
    }
  }
  for (int o = 0; o < outputs; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      Sum* target = sums + o * kTilePositions + v * kLanes;
      if constexpr (wide) {
        add_to(target, total[o][v], near[o][v]);
      } else {
        add_to(target, total[o][v]);
      }
    }
  }
}

template <Sums kind, bool corrected, class Code, class Sum>
void add_products(const PatternParameters& parameters, const Tile<Code, Sum, uint32_t>& tile) {
  const Encoder encoded(parameters);
  Weights weights;
  const auto add_strip = [&]<int outputs>(const auto& strip, Sum* sums) {
    if constexpr (kind == kFloats || kind == kRounded) {
      add_groups<kind, outputs>(strip, weights, tile.depth, parameters.group, sums);
    } else {
      add_integers<kind, corrected, outputs>(strip, weights, tile.depth, sums);
    }
  };
  if (const int size = tile.plane(kMostPlane)) {
    auto* patterns = reinterpret_cast<uint32_t*>(tile.scratch);
    for (int i = 0; i < size; i += kLanes) store(patterns + i, encoded(tile.x + i));
    for (int o = 0; o < tile.outputs; ++o) {
      make_weights<corrected>(parameters, tile, o, 1, weights);
      for (int p = 0; p < tile.positions; p += kStrip) {
        add_strip.template operator()<1>(PlaneStrip{patterns + p, tile.rows},
                                         tile.sums + o * kTilePositions + p);
      }
    }
    return;
  }
  auto& made = *reinterpret_cast<Activations*>(tile.scratch);
  for (int panel = 0; panel < tile.positions; panel += kPatternPanel) {
    make_patterns(encoded, tile, panel, made);
    in_blocks<outputs_of(kind)>(tile.outputs, [&]<int outputs>(int o) {
      make_weights<corrected>(parameters, tile, o, outputs, weights);
      for (int strip = 0; strip < kStrips; ++strip) {
        Sum* sums = tile.sums + o * kTilePositions + panel + strip * kStrip;
        add_strip.template operator()<outputs>(Strip{made.strips[strip][0]}, sums);
      }
    });
  }
}

template <class Code, class Sum>
void add_tile(const PatternParameters& parameters, const Tile<Code, Sum, uint32_t>& tile) {
  const bool corrected = parameters.correction != 0;
  if constexpr (sizeof(Code) == 2) {
    if (parameters.sixty_fourths && !tile.plane(kMostPlane)) {
      add_products<kFloats, false>(parameters, tile);
      return power_add(parameters, tile);
    }
  }
  if (parameters.group && !parameters.sixty_fourths) {
    corrected ? add_products<kRounded, true>(parameters, tile)
              : add_products<kFloats, false>(parameters, tile);
  } else if (parameters.width <= 12) {
    corrected ? add_products<kNarrow, true>(parameters, tile)
              : add_products<kNarrow, false>(parameters, tile);
  } else if constexpr (sizeof(Code) == 2) {
    corrected ? add_products<kWide, true>(parameters, tile)
              : add_products<kWide, false>(parameters, tile);
  }
  if (parameters.small.rows) small_add(parameters, tile);
}

}  // namespace

void pattern_add(const PatternParameters& parameters, const Tile<int8_t, int32_t, uint32_t>& tile) {
  add_tile(parameters, tile);
}
void pattern_add(const PatternParameters& parameters,
                 const Tile<int16_t, int64_t, uint32_t>& tile) {
  add_tile(parameters, tile);
}

}  // namespace mbm_hw::MBM_HW_ISA

#endif
