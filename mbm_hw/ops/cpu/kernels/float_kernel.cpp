// Products of float formats, bit for bit as mbm_hw/multipliers has them, widened to float32.
//
// A format's value widened to float32 keeps its mantissa in the top bits, and 127 - bias is added to
// its exponent field: the format's steps, on a grid of 23 bits. So the pattern of Mitchell's product
// is the sum of the operands' patterns, less 127 << 23: a carry of the mantissas is one more in the
// exponent, and the signs add up to their xor. MBM's is that, as a float, plus c * 2**(ka + kb),
// with and without a carry: one fused multiply-add, whose rounding is the multiplier's halving.
// LMul's offset is a part of the weight's pattern.
#include "float_block.h"
#include "float_kernels.h"
#include "float_products.h"
#include "lanes.h"

namespace mbm_hw::MBM_HW_ISA {
namespace {

// rows[k] : the patterns of term k.
template <class Rows, class Product>
void add_any(const FloatProducts& products, const Rows& rows, const uint32_t* w, int depth,
             int positions, float* __restrict sums, const Product& product) {
  const FloatProducts local = products;
  for (int k = 0; k < depth; ++k) {
    const uint32_t *row = rows[k], weight = w[k];
    for (int p = 0; p < positions; ++p) sums[p] += float_of(product(local, row[p], weight));
  }
}

#ifdef MBM_HW_LANES

// Products of finite numbers that do not overflow.

constexpr int kVectors = 2;                // of positions, in registers
constexpr int kStrip = kVectors * kLanes;  // positions
constexpr int kStrips = kTilePositions / kStrip;

// The patterns of a strip for each term: in rows side by side, or where a plane's rows begin.
struct Strip {
  const uint32_t* first;
  const int64_t* rows;
  const uint32_t* operator[](int k) const { return first + (rows ? rows[k] : k * kStrip); }
};

// A term's products with `kOutputs` weights.
template <class Lanes, bool kFlush, bool kCornered, int kOutputs>
__attribute__((always_inline)) inline void add_term(const typename Lanes::X (&xs)[kVectors],
                                                    const Weights& w, int block, int k,
                                                    Floats (&total)[kOutputs][kVectors]) {
#pragma GCC unroll 8
  for (int o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const Floats product = Lanes::template product<kCornered>(xs[v], w, block + o, k);
      total[o][v] = kFlush ? add_with_bit30(xs[v].nonzero, total[o][v], product)
                           : add(xs[v].nonzero, total[o][v], product);
    }
  }
}

template <class Lanes, bool kFlush, int kOutputs>
void add_strip(const Strip& x, const Weights& w, int block, int depth, float* sums) {
  Floats total[kOutputs][kVectors];
  for (int o = 0; o < kOutputs; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      total[o][v] = load(sums + (block + o) * kTilePositions + v * kLanes);
    }
  }
  for (int k = 0; k < depth; ++k) {
    const typename Lanes::X xs[kVectors]{typename Lanes::X(load(x[k])),
                                         typename Lanes::X(load(x[k] + kLanes))};
    if (Lanes::kHasCorners && w.cornered[k]) {
      add_term<Lanes, kFlush, true>(xs, w, block, k, total);
    } else {
      add_term<Lanes, kFlush, false>(xs, w, block, k, total);
    }
  }
  for (int o = 0; o < kOutputs; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      store(sums + (block + o) * kTilePositions + v * kLanes, total[o][v]);
    }
  }
}

template <class Lanes, bool kFlush>
void add_block(const Strip& x, const Weights& w, int outputs, int depth, float* sums) {
  int o = 0;
  for (; o + 8 <= outputs; o += 8) add_strip<Lanes, kFlush, 8>(x, w, o, depth, sums);
  for (; o + 4 <= outputs; o += 4) add_strip<Lanes, kFlush, 4>(x, w, o, depth, sums);
  for (; o + 2 <= outputs; o += 2) add_strip<Lanes, kFlush, 2>(x, w, o, depth, sums);
  for (; o < outputs; ++o) add_strip<Lanes, kFlush, 1>(x, w, o, depth, sums);
}

using AddBlock = void (*)(const Strip&, const Weights&, int, int, float*);

template <class Lanes>
AddBlock block_adder(Way way) {
  return way == Way::kFlush ? add_block<Lanes, true> : add_block<Lanes, false>;
}

// What the log products need.
struct LogKernel {
  static constexpr LogProduct kProduct{};
  const FloatProducts& products;
  bool corrected;
  bool floors;  // a halved mantissa may lie off the format's grid

  explicit LogKernel(const FloatProducts& p)
      : products(p),
        corrected(p.corrections[0] != 0),
        floors(p.dropped > 0 && corrected &&
               !(p.lowest && !(p.corrections[0] >> p.dropped & 1))) {}

  Way way(const Exponents& x, const Exponents& w) const {
    const bool is_direct = products.corrections[0] == 2 * products.corrections[1];
    return is_direct ? way_of(products, x, w) : Way::kAny;
  }

  void prepare(Weights& w, int outputs, int depth) const {
    // A bit less than the constant: where the fused multiply-add would round a tie, down.
    const float constant = float(int32_t(products.corrections[0])) * 0x1p-23f;
    const uint32_t correction = bits_of(constant) - 1;
    const uint32_t corner = 2 * kOne - products.corrections[1];
    w.grid = ~0u << products.dropped;
    const uint32_t offset = products.scale + products.offset - (127u << 23);
    for (int k = 0; k < depth; ++k) w.cornered[k] = false;
    for (int o = 0; o < outputs; ++o) {
      for (int k = 0; k < depth; ++k) {
        const uint32_t weight = w.pattern[o][k];
        w.cornered[k] |= (weight & kFloatMantissa) > corner - kOne;
        const bool nonzero = weight & ~kFloatSign;
        w.addend[o][k] = weight + offset;
        w.corner[o][k] = corner - (weight & kFloatMantissa);
        w.correction[o][k] = nonzero ? (weight & ~kFloatMantissa) + correction + offset : 0;
        w.mask[o][k] = nonzero ? w.grid : 0;
      }
    }
  }

  AddBlock add_block(Way way, bool has_zero_weights) const {
    // A flushed product of zero has not bit 30.
    const Kept kept = way == Way::kPlain && has_zero_weights ? Kept::kNonzeros
                      : floors                               ? Kept::kGrid
                                                             : Kept::kAll;
    return corrected ? add_block_of<true>(way, kept) : add_block_of<false>(way, kept);
  }

 private:
  template <bool corrected>
  static AddBlock add_block_of(Way way, Kept kept) {
    switch (kept) {
      case Kept::kAll: return block_adder<LogLanes<corrected, Kept::kAll>>(way);
      case Kept::kGrid: return block_adder<LogLanes<corrected, Kept::kGrid>>(way);
      case Kept::kNonzeros: break;
    }
    return block_adder<LogLanes<corrected, Kept::kNonzeros>>(way);
  }
};

// What products by table need: they go one by one.
struct TableKernel {
  static constexpr TableProduct kProduct{};
  const FloatProducts& products;

  Way way(const Exponents&, const Exponents&) const { return Way::kAny; }
  void prepare(Weights&, int, int) const {}
  AddBlock add_block(Way, bool) const { return nullptr; }
};

// What exact products need.
struct ExactKernel {
  static constexpr ExactProduct kProduct{};
  const FloatProducts& products;

  // See ExactLanes: what stands above must be even, and the weight times c, and c p, finite.
  Way way(const Exponents& x, const Exponents& w) const {
    if (products.dropped == 0) return way_of(products, x, w);
    const int multiple = products.dropped + 1, weight = int(w.largest + (products.scale >> 23));
    const int product = int(x.largest) + weight - 127 + 1;
    const int largest = (product > weight ? product : weight) + multiple;
    return products.dropped >= 13 && largest < 255 ? way_of(products, x, w) : Way::kAny;
  }

  void prepare(Weights& w, int outputs, int depth) const {
    const uint32_t scale = products.scale;
    const float multiple = float(1u << products.dropped) + 1;
    for (int o = 0; o < outputs; ++o) {
      for (int k = 0; k < depth; ++k) {
        const uint32_t weight = w.pattern[o][k];
        w.addend[o][k] = weight & ~kFloatSign ? weight + scale : weight;
        w.correction[o][k] = bits_of(float_of(w.addend[o][k]) * multiple);
      }
    }
  }

  AddBlock add_block(Way way, bool) const {
    return products.dropped ? block_adder<ExactLanes<true>>(way)
                            : block_adder<ExactLanes<false>>(way);
  }
};

template <class Kernel>
void add(const Kernel& kernel, const Tile<uint32_t, float>& tile) {
  const FloatProducts products = kernel.products;
  const int strips = (tile.positions + kStrip - 1) / kStrip;
  Weights weights;
  // A chunk of x, encoded, strip by strip: in the tile, rows of a strip share few cache sets.
  constexpr int kSize = kChunk * kStrip;
  alignas(64) uint32_t x[kStrips * kSize];
  Strip of_strip[kStrips];
  Exponents of_x[kStrips];
  const int plane = tile.depth <= kChunk ? tile.plane(kStrips * kSize) : 0;
  for (int chunk = 0; chunk < tile.depth; chunk += kChunk) {
    const int depth = tile.depth - chunk < kChunk ? tile.depth - chunk : kChunk;
    for (int i = 0; i < plane; ++i) x[i] = encoded(products, tile.x[i]);
    for (int strip = 0; strip < strips; ++strip) {
      if (plane) {
        of_x[strip] = strip ? of_x[0] : exponents_of(x, plane);
        of_strip[strip] = {x + strip * kStrip, tile.rows};
        continue;
      }
      uint32_t* patterns = x + strip * kSize;
      for (int k = 0; k < depth; ++k) {
        const uint32_t* row = tile.row(chunk + k) + strip * kStrip;
        for (int p = 0; p < kStrip; ++p) patterns[k * kStrip + p] = encoded(products, row[p]);
      }
      of_x[strip] = exponents_of(patterns, depth * kStrip);
      of_strip[strip] = {patterns, nullptr};
    }
    for (int o = 0; o < tile.outputs; o += kBlock) {
      const int outputs = tile.outputs - o < kBlock ? tile.outputs - o : kBlock;
      Exponents of_w;
      for (int i = 0; i < outputs; ++i) {
        const uint32_t* row = tile.w + (o + i) * tile.w_stride + chunk;
        for (int k = 0; k < depth; ++k) weights.pattern[i][k] = encoded(products, row[k]);
        of_w.include(exponents_of(weights.pattern[i], depth));
      }
      kernel.prepare(weights, outputs, depth);
      for (int strip = 0; strip < strips; ++strip) {
        const Way way = kernel.way(of_x[strip], of_w);
        float* sums = tile.sums + o * kTilePositions + strip * kStrip;
        if (way != Way::kAny) {
          kernel.add_block(way, of_w.has_zero)(of_strip[strip], weights, outputs, depth, sums);
          continue;
        }
        for (int i = 0; i < outputs; ++i) {
          add_any(products, of_strip[strip], weights.pattern[i], depth, kStrip,
                  sums + i * kTilePositions, Kernel::kProduct);
        }
      }
    }
  }
}

#else

template <class Product>
void add(const FloatProducts& products, const Tile<uint32_t, float>& tile, const Product& product) {
  uint32_t x[kChunk][kTilePositions], w[kChunk];
  for (int chunk = 0; chunk < tile.depth; chunk += kChunk) {
    const int depth = tile.depth - chunk < kChunk ? tile.depth - chunk : kChunk;
    for (int k = 0; k < depth; ++k) {
      const uint32_t* row = tile.row(chunk + k);
      for (int p = 0; p < tile.positions; ++p) x[k][p] = encoded(products, row[p]);
    }
    for (int o = 0; o < tile.outputs; ++o) {
      for (int k = 0; k < depth; ++k) w[k] = encoded(products, tile.w[o * tile.w_stride + chunk + k]);
      add_any(products, x, w, depth, tile.positions, tile.sums + o * kTilePositions, product);
    }
  }
}

#endif

}  // namespace

#ifdef MBM_HW_LANES

void float_log_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(LogKernel(products), tile);
}

void float_exact_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(ExactKernel{products}, tile);
}

void float_table_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(TableKernel{products}, tile);
}

#else

void float_log_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(products, tile, LogProduct());
}

void float_exact_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(products, tile, ExactProduct());
}

void float_table_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(products, tile, TableProduct());
}

#endif

}  // namespace mbm_hw::MBM_HW_ISA
