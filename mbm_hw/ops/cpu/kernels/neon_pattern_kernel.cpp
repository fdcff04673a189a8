// Logarithmic products of 9 to 16 bits by floating-point patterns; see pattern_kernel.cpp.
//
// Per 4 products, loads of operands aside: a pattern add, [a multiply-add,] a conversion, an add,
// and above 12 bits a float add for the sum to within 2**31: 3 to 5 instructions.
#include <arm_neon.h>

#include "neon_kernels.h"

namespace mbm_hw::neon {

static constexpr uint32_t kWithoutMantissa = 0xFF800000;
static constexpr int kVectors = kNeonPanel / 4, kOutputs = 2;

struct Activations {
  uint32_t patterns[kTileDepth][kNeonPanel];  // less that of 1.0
  float corrections[kTileDepth][kNeonPanel];  // the operand without its mantissa, times the constant
};
static_assert(sizeof(Activations) <= kNeonScratch);

static void make_patterns(const NeonPatterns& parameters, const int16_t* x, int depth,
                          Activations& made) {
  const uint32x4_t kept = vdupq_n_u32(parameters.kept), forced = vdupq_n_u32(parameters.forced);
  for (int k = 0; k < depth; ++k, x += kTilePositions) {
    for (int p = 0; p < kNeonPanel; p += 4) {
      const int32x4_t code = vmovl_s16(vld1_s16(x + p));
      const uint32x4_t exact = vreinterpretq_u32_f32(vcvtq_f32_s32(code));
      const uint32x4_t truncated = vorrq_u32(vandq_u32(exact, kept), forced);
      const uint32x4_t pattern =
          vbslq_u32(vceqzq_s32(code), vdupq_n_u32(kNeonPatternOfZero), truncated);
      vst1q_u32(&made.patterns[k][p], vsubq_u32(pattern, vdupq_n_u32(kNeonPatternOfOne)));
      const auto power = vreinterpretq_f32_u32(vandq_u32(pattern, vdupq_n_u32(kWithoutMantissa)));
      vst1q_f32(&made.corrections[k][p], vmulq_n_f32(power, parameters.correction));
    }
  }
}

template <bool corrected, bool wide, int outputs>
static void add_block(const Activations& made, const uint32_t* w, int64_t w_stride, int depth,
                      int64_t* sums) {
  int32x4_t total[outputs][kVectors];
  float32x4_t near[wide ? outputs : 1][kVectors];
  for (int o = 0; o < outputs; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      total[o][v] = vdupq_n_s32(0);
      if constexpr (wide) near[o][v] = vdupq_n_f32(0);
    }
  }
  for (int k = 0; k < depth; ++k) {
    for (int o = 0; o < outputs; ++o) {
      const uint32_t weight = w[o * w_stride + k];
      const float power = __builtin_bit_cast(float, weight & kWithoutMantissa);
      for (int v = 0; v < kVectors; ++v) {
        const uint32x4_t pattern = vld1q_u32(&made.patterns[k][4 * v]);
        float32x4_t product = vreinterpretq_f32_u32(vaddq_u32(pattern, vdupq_n_u32(weight)));
        if constexpr (corrected) {
          product = vfmaq_n_f32(product, vld1q_f32(&made.corrections[k][4 * v]), power);
        }
        total[o][v] = vaddq_s32(total[o][v], vcvtq_s32_f32(product));
        if constexpr (wide) near[o][v] = vaddq_f32(near[o][v], product);
      }
    }
  }
  for (int o = 0; o < outputs; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      int32_t integers[4];
      float approximate[4] = {};
      vst1q_s32(integers, total[o][v]);
      if constexpr (wide) vst1q_f32(approximate, near[o][v]);
      int64_t* target = sums + o * kTilePositions + 4 * v;
      for (int i = 0; i < 4; ++i) {  // the sum mod 2**32, and what is within 2**31 of it
        const int64_t base = wide ? int64_t(approximate[i]) : 0;
        target[i] += base + int32_t(uint32_t(integers[i]) - uint32_t(base));
      }
    }
  }
}

template <bool corrected, bool wide>
static void add_products(const NeonPatterns& parameters,
                         const Tile<int16_t, int64_t, uint32_t>& tile) {
  auto& made = *reinterpret_cast<Activations*>(tile.scratch);
  for (int panel = 0; panel < tile.positions; panel += kNeonPanel) {
    make_patterns(parameters, tile.x + panel, tile.depth, made);
    for (int o = 0; o < tile.outputs;) {
      const bool full = o + kOutputs <= tile.outputs;
      const uint32_t* w = tile.w + o * tile.w_stride;
      int64_t* sums = tile.sums + o * kTilePositions + panel;
      full ? add_block<corrected, wide, kOutputs>(made, w, tile.w_stride, tile.depth, sums)
           : add_block<corrected, wide, 1>(made, w, tile.w_stride, tile.depth, sums);
      o += full ? kOutputs : 1;
    }
  }
}

// Adds what the products of small operands lack: -1, 0 or 1.
static void add_small(const NeonPatterns& parameters,
                      const Tile<int16_t, int64_t, uint32_t>& tile) {
  for (int o = 0; o < tile.outputs; ++o) {
    for (int k = 0; k < tile.depth; ++k) {
      const float weight = __builtin_bit_cast(float, tile.w[o * tile.w_stride + k]);
      if (!(weight > -kNeonSmall - 1 && weight < kNeonSmall + 1)) continue;
      const int8_t* row = parameters.small + 128 * (int(weight) + kNeonSmall);
      const int16_t* x = tile.x + k * kTilePositions;
      for (int p = 0; p < tile.positions; ++p) {
        const bool is_small = x[p] >= -kNeonSmall && x[p] <= kNeonSmall;
        tile.sums[o * kTilePositions + p] += is_small ? row[x[p] & 127] : 0;
      }
    }
  }
}

void pattern_add(const NeonPatterns& parameters, const Tile<int16_t, int64_t, uint32_t>& tile) {
  const bool corrected = parameters.correction != 0;
  if (parameters.wide) {
    corrected ? add_products<true, true>(parameters, tile)
              : add_products<false, true>(parameters, tile);
  } else {
    corrected ? add_products<true, false>(parameters, tile)
              : add_products<false, false>(parameters, tile);
  }
  if (parameters.small) add_small(parameters, tile);
}

}  // namespace mbm_hw::neon
