// Products of 8-bit codes read from registers by `tbl`, which looks up 16 bytes in 64 and gives 0
// for an index beyond; `tbx` leaves what was there. A weight's row is a plane of the low and one of
// the high bytes of 256 products + bias: four look-ups to a plane.
//
// The bytes are summed in 16-bit words without being widened: adding a register of bytes as words
// sums the even ones, plus 256 times the odd ones, mod 2^16; a shift right with addition sums the
// odd ones. 256 terms fit.
//
// Per 16 products, loads aside: 4 look-ups, 2 subtractions, 4 sums for codes below 128, 10
// instructions; 16 for all codes.
#include <arm_neon.h>

#include "neon_kernels.h"

namespace mbm_hw::neon {

static constexpr int kVectors = 4;  // of 16 positions, that share a row in registers

template <bool all>
static inline uint8x16_t look_up(const uint8x16x4_t (&row)[4], uint8x16_t code) {
  uint8x16_t bytes = vqtbl4q_u8(row[0], code);
  bytes = vqtbx4q_u8(bytes, row[1], vsubq_u8(code, vdupq_n_u8(64)));
  if constexpr (all) {
    bytes = vqtbx4q_u8(bytes, row[2], vsubq_u8(code, vdupq_n_u8(128)));
    bytes = vqtbx4q_u8(bytes, row[3], vsubq_u8(code, vdupq_n_u8(192)));
  }
  return bytes;
}

// words[v] : sums of a plane's bytes for 16 positions: as words, and the odd ones.
template <bool all>
static inline void sum_plane(const uint8_t* plane, const uint8_t* x, const uint8_t* w, int depth,
                             uint16x8_t (&words)[kVectors][2]) {
  for (auto& pair : words) pair[0] = pair[1] = vdupq_n_u16(0);
  for (int k = 0; k < depth; ++k, x += kTilePositions) {
    const uint8_t* bytes = plane + kNeonRow * w[k];
    uint8x16x4_t row[4];
    for (int i = 0; i < (all ? 4 : 2); ++i) row[i] = vld1q_u8_x4(bytes + 64 * i);
    for (int v = 0; v < kVectors; ++v) {
      const auto found = vreinterpretq_u16_u8(look_up<all>(row, vld1q_u8(x + 16 * v)));
      words[v][0] = vaddq_u16(words[v][0], found);
      words[v][1] = vsraq_n_u16(words[v][1], found, 8);
    }
  }
}

template <bool all, class Sum>
static void add_products(const NeonPlanes& planes, const Tile<uint8_t, Sum>& tile) {
  const int32_t bias = planes.bias * tile.depth;
  for (int o = 0; o < tile.outputs; ++o) {
    const uint8_t* w = tile.w + o * tile.w_stride;
    for (int p = 0; p < tile.positions; p += 16 * kVectors) {
      uint16x8_t low[kVectors][2], high[kVectors][2];
      sum_plane<all>(planes.low, tile.x + p, w, tile.depth, low);
      sum_plane<all>(planes.high, tile.x + p, w, tile.depth, high);
      for (int v = 0; v < kVectors; ++v) {
        uint16_t words[4][8];
        for (int i = 0; i < 2; ++i) {
          vst1q_u16(words[i], low[v][i]);
          vst1q_u16(words[2 + i], high[v][i]);
        }
        Sum* sums = tile.sums + o * kTilePositions + p + 16 * v;
        for (int i = 0; i < 8; ++i) {
          const int low_even = uint16_t(words[0][i] - (words[1][i] << 8));
          const int high_even = uint16_t(words[2][i] - (words[3][i] << 8));
          sums[2 * i] += low_even + 256 * high_even - bias;
          sums[2 * i + 1] += words[1][i] + 256 * words[3][i] - bias;
        }
      }
    }
  }
}

template <class Sum>
static void add(const NeonPlanes& planes, const Tile<uint8_t, Sum>& tile) {
  uint8x16_t any = vdupq_n_u8(0);
  for (int k = 0; k < tile.depth; ++k) {
    for (int p = 0; p < tile.positions; p += 16) {
      any = vorrq_u8(any, vld1q_u8(tile.x + k * kTilePositions + p));
    }
  }
  vmaxvq_u8(any) < 128 ? add_products<false>(planes, tile) : add_products<true>(planes, tile);
}

void byte_table_add(const NeonPlanes& planes, const Tile<uint8_t, int32_t>& tile) {
  add(planes, tile);
}
void byte_table_add(const NeonPlanes& planes, const Tile<uint8_t, int64_t>& tile) {
  add(planes, tile);
}

}  // namespace mbm_hw::neon
