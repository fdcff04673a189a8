// Products of float formats, bit for bit as mbm_hw/float_reference.py has them, widened to float32.
//
// A format's value widened to float32 keeps its mantissa in the top bits, and 127 - bias is added to
// its exponent field: the format's steps, on a grid of 23 bits. So the pattern of Mitchell's product
// is the sum of the operands' patterns, less 127 << 23: a carry of the mantissas is one more in the
// exponent, and the signs add up to their xor. MBM's is that, as a float, plus c * 2**(ka + kb),
// with and without a carry: one fused multiply-add, whose rounding is the multiplier's halving.
#include "float_kernels.h"
#include "float_lanes.h"

namespace mbm_hw::MBM_HW_ISA {
namespace {

constexpr uint32_t kOne = 1u << 23;  // of a mantissa

inline uint32_t bits_of(float x) { return __builtin_bit_cast(uint32_t, x); }
inline float float_of(uint32_t x) { return __builtin_bit_cast(float, x); }

// Any products, special values too.

// Zero, infinity and NaN among the operands, then underflow and overflow of the finite product,
// whose pattern is exponent << 23 | mantissa; the exponent may be negative, or beyond float32's.
inline uint32_t with_special_values(const FloatProducts& products, uint32_t a, uint32_t b,
                                    int32_t exponent, uint32_t mantissa) {
  const uint32_t sign = (a ^ b) & kFloatSign;
  a &= ~kFloatSign;
  b &= ~kFloatSign;
  const bool zero = a == 0 || b == 0;
  const bool special = a >= kFloatInfinity || b >= kFloatInfinity;
  const bool nan = a > kFloatInfinity || b > kFloatInfinity || (special && zero);
  uint32_t product = (uint32_t(exponent) << 23 | mantissa) + products.scale;
  product = exponent >= int32_t(products.overflow >> 23) ? kFloatInfinity : product;
  product = zero || exponent < int32_t(products.smallest >> 23) ? 0 : product;
  product = special ? kFloatInfinity : product;
  return nan ? kFloatQuietNan : product | sign;
}

inline int32_t exponent_sum(uint32_t a, uint32_t b) {
  return int32_t(a >> 23 & 0xFF) + int32_t(b >> 23 & 0xFF) - 127;
}

struct LogProduct {
  uint32_t operator()(const FloatProducts& products, uint32_t a, uint32_t b) const {
    const uint32_t total = (a & kFloatMantissa) + (b & kFloatMantissa);
    const uint32_t carry = total >> 23;
    const uint32_t fraction = total & kFloatMantissa;
    uint32_t corrected = fraction + products.corrections[carry];
    corrected = carry && corrected >= kOne ? fraction : corrected;
    const uint32_t overflow = corrected >> 23;
    const uint32_t grid = ~0u << products.dropped;
    const uint32_t mantissa = overflow ? (kOne + corrected) >> 1 & grid : corrected;
    const int32_t exponent = exponent_sum(a, b) + int32_t(carry | overflow);
    return with_special_values(products, a, b, exponent, mantissa & kFloatMantissa);
  }
};

struct ExactProduct {
  uint32_t operator()(const FloatProducts& products, uint32_t a, uint32_t b) const {
    const uint64_t one = kOne;
    const uint64_t product =  // 1 to 4, times 2**46
        (one + (a & kFloatMantissa)) * (one + (b & kFloatMantissa));
    const uint32_t increment = uint32_t(product >> 47);
    const uint32_t shift = 23 + products.dropped + increment;
    const uint64_t half = uint64_t(1) << (shift - 1);
    const uint64_t odd = product >> shift & 1;
    // Rounding up to the next power of two leaves a mantissa of 0 and one more in the exponent.
    const uint64_t kept = (product + half - 1 + odd) >> shift << products.dropped;
    const int32_t exponent = exponent_sum(a, b) + int32_t(increment) + int32_t(kept >> 24);
    return with_special_values(products, a, b, exponent, uint32_t(kept) & kFloatMantissa);
  }
};

// A part of a tile: rows k to k + depth of x and of `outputs` weights, and some positions.
struct Part {
  const uint32_t* x;  // [depth][kTilePositions]
  const uint32_t* w;  // [outputs][w_stride]
  int64_t w_stride;
  float* sums;  // [outputs][kTilePositions]
  int outputs, depth, positions;
};

template <class Product>
void add_any(const FloatProducts& products, const Part& part, const Product& product) {
  for (int o = 0; o < part.outputs; ++o) {
    float* __restrict sums = part.sums + o * kTilePositions;
    for (int k = 0; k < part.depth; ++k) {
      const uint32_t weight = part.w[o * part.w_stride + k];
      const uint32_t* x = part.x + k * kTilePositions;
      for (int p = 0; p < part.positions; ++p) {
        sums[p] += float_of(product(products, x[p], weight));
      }
    }
  }
}

#ifdef MBM_HW_FLOAT_LANES

// Products of finite numbers that do not overflow.

constexpr int kVectors = 2;                   // of positions, in registers
constexpr int kStrip = kVectors * kLanes;     // positions
constexpr int kChunk = 64;                    // terms whose weights are prepared at a time
constexpr int kBlock = 8;                     // outputs, in registers
constexpr int kStrips = kTilePositions / kStrip;

// The exponent fields of some finite numbers but zeros; largest : of all, 255 if one is not finite.
struct Exponents {
  uint32_t smallest = 255, largest = 0;
  bool has_zero = false;
};

struct ExponentScan {
  Integers smallest = all(~kFloatSign), largest = all(0);

  void look_at(Integers x) {
    const Integers magnitude = both(x, all(~kFloatSign));
    largest = most(largest, magnitude);
    // A zero less 1 is above all others.
    smallest = least(smallest, plus(magnitude, all(~0u)));
    zero = most(zero, plus(magnitude, all(~0u)));
  }

  Exponents result() const {
    uint32_t low[kLanes], high[kLanes], wrapped[kLanes];
    store(low, smallest);
    store(high, largest);
    store(wrapped, zero);
    Exponents found;
    uint32_t smallest_field = 255;
    for (int i = 0; i < kLanes; ++i) {
      const uint32_t field = (low[i] + 1) >> 23;
      smallest_field = field < smallest_field ? field : smallest_field;
      found.largest = high[i] >> 23 > found.largest ? high[i] >> 23 : found.largest;
      found.has_zero |= wrapped[i] == ~0u;
    }
    found.smallest = smallest_field;
    return found;
  }

  Integers zero = all(0);
};

// How the products of a block and a strip go, from the fastest on.
enum class Way {
  kPlain,  // no product underflows, no weight is zero
  kFlush,  // the scaled format: what has not bit 30 is zero
  kAny,    // one by one
};

Way way_of(const FloatProducts& products, const Exponents& x, const Exponents& w) {
  const int overflow = int(products.overflow >> 23), smallest = int(products.smallest >> 23);
  if (x.largest == 255 || w.largest == 255) return Way::kAny;
  if (int(x.largest + w.largest) - 127 + 1 >= overflow) return Way::kAny;
  if (products.scale) return Way::kFlush;
  // Exponent fields below 8 leave no room for the correction's.
  if (x.smallest < 8 || w.smallest < 8) return Way::kAny;
  return int(x.smallest + w.smallest) - 127 >= smallest ? Way::kPlain : Way::kAny;
}

// The weights of a block and a chunk, prepared. Those of a log product's:
struct Weights {
  uint32_t addend[kBlock][kChunk];  // the pattern, less 127 << 23, plus the scale
  uint32_t corner[kBlock][kChunk];  // a mantissa from here on meets the corner: no correction
  uint32_t correction[kBlock][kChunk];  // c * 2**kb, as a float, with the scale
  uint32_t mask[kBlock][kChunk];        // what is kept of the product: its grid; nothing for 0
};

// kCorrected : MBM. kMasked : the mask is needed.
template <bool kCorrected, bool kMasked>
struct LogLanes {
  static constexpr bool kHasCorner = kCorrected;

  // x, and what it takes of it: once for all outputs.
  struct X {
    Integers pattern, mantissa;
    Floats power;
    Where nonzero;

    explicit X(Integers x) : pattern(x), nonzero(where_nonzero(x)) {
      if constexpr (kCorrected) {
        mantissa = both(x, all(kFloatMantissa));
        power = floats(both(x, all(~kFloatMantissa)));
      }
    }
  };

  static Floats product(const X& x, const Weights& w, int o, int k) {
    Floats product = floats(plus(x.pattern, all(w.addend[o][k])));
    if constexpr (kCorrected) {
      const Where corrected = where_below(x.mantissa, all(w.corner[o][k]));
      product = multiply_add(corrected, x.power, floats(all(w.correction[o][k])), product);
    }
    if constexpr (kMasked) product = floats(both(integers(product), all(w.mask[o][k])));
    return product;
  }
};

// kRounded : the format has fewer mantissa bits than float32.
template <bool kRounded>
struct ExactLanes {
  struct X {
    Floats value;
    Where nonzero;
    explicit X(Integers x) : value(floats(x)), nonzero(where_nonzero(x)) {}
  };

  static Floats product(const X& x, const Weights& w, int o, int k) {
    const Floats product = multiply(x.value, floats(all(w.addend[o][k])));
    if constexpr (!kRounded) return product;
    const int dropped = int(w.corner[0][0]);
    const Integers pattern = integers(product);
    const Integers odd = both(shift_right(pattern, dropped), all(1));
    const Integers half = all((1u << (dropped - 1)) - 1);
    return floats(both(plus(plus(pattern, odd), half), all(~0u << dropped)));
  }
};

template <class Lanes, bool kFlush, int kOutputs>
void add_strip(const uint32_t* x, const Weights& w, int block, int depth, float* sums) {
  Floats total[kOutputs][kVectors];
  for (int o = 0; o < kOutputs; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      total[o][v] = load(sums + (block + o) * kTilePositions + v * kLanes);
    }
  }
  for (int k = 0; k < depth; ++k) {
    const typename Lanes::X xs[kVectors]{typename Lanes::X(load(x + k * kTilePositions)),
                                         typename Lanes::X(load(x + k * kTilePositions + kLanes))};
#pragma GCC unroll 8
    for (int o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        const Floats product = Lanes::product(xs[v], w, block + o, k);
        const Where kept =
            kFlush ? where_bit30(xs[v].nonzero, integers(product)) : xs[v].nonzero;
        total[o][v] = add(kept, total[o][v], product);
      }
    }
  }
  for (int o = 0; o < kOutputs; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      store(sums + (block + o) * kTilePositions + v * kLanes, total[o][v]);
    }
  }
}

template <class Lanes, bool kFlush>
void add_block(const uint32_t* x, const Weights& w, int outputs, int depth, float* sums) {
  int o = 0;
  for (; o + 8 <= outputs; o += 8) add_strip<Lanes, kFlush, 8>(x, w, o, depth, sums);
  for (; o + 4 <= outputs; o += 4) add_strip<Lanes, kFlush, 4>(x, w, o, depth, sums);
  for (; o + 2 <= outputs; o += 2) add_strip<Lanes, kFlush, 2>(x, w, o, depth, sums);
  for (; o < outputs; ++o) add_strip<Lanes, kFlush, 1>(x, w, o, depth, sums);
}

using AddBlock = void (*)(const uint32_t*, const Weights&, int, int, float*);

template <class Lanes>
AddBlock add_block_of(Way way) {
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
               !(p.even_total && !(p.corrections[0] >> p.dropped & 1))) {}

  bool is_direct() const { return products.corrections[0] == 2 * products.corrections[1]; }

  void prepare(const Part& part, int chunk, int count, Weights& w) const {
    // A bit less than the constant: where the fused multiply-add would round a tie, down.
    const float constant = float(int32_t(products.corrections[0])) * 0x1p-23f;
    const uint32_t correction = bits_of(constant) - 1;
    const uint32_t corner = 2 * kOne - products.corrections[1];
    const uint32_t grid = ~0u << products.dropped;
    for (int o = 0; o < part.outputs; ++o) {
      const uint32_t* source = part.w + o * part.w_stride + chunk;
      for (int k = 0; k < count; ++k) {
        const uint32_t weight = source[k];
        const bool nonzero = weight & ~kFloatSign;
        const uint32_t offset = products.scale - (127u << 23);
        w.addend[o][k] = weight + offset;
        w.corner[o][k] = corner - (weight & kFloatMantissa);
        w.correction[o][k] = nonzero ? (weight & ~kFloatMantissa) + correction + offset : 0;
        w.mask[o][k] = nonzero ? grid : 0;
      }
    }
  }

  AddBlock add_block(Way way, bool has_zero_weights) const {
    const bool masked = floors || (way == Way::kPlain && has_zero_weights);
    if (corrected) {
      return masked ? add_block_of<LogLanes<true, true>>(way)
                    : add_block_of<LogLanes<true, false>>(way);
    }
    return masked ? add_block_of<LogLanes<false, true>>(way)
                  : add_block_of<LogLanes<false, false>>(way);
  }
};

// What exact products need.
struct ExactKernel {
  static constexpr ExactProduct kProduct{};
  const FloatProducts& products;

  // The product of two significands must fit float32's, or be what it rounds.
  bool is_direct() const { return products.dropped == 0 || products.dropped >= 12; }

  void prepare(const Part& part, int chunk, int count, Weights& w) const {
    w.corner[0][0] = uint32_t(products.dropped);
    for (int o = 0; o < part.outputs; ++o) {
      const uint32_t* source = part.w + o * part.w_stride + chunk;
      for (int k = 0; k < count; ++k) {
        w.addend[o][k] = source[k] & ~kFloatSign ? source[k] + products.scale : source[k];
      }
    }
  }

  AddBlock add_block(Way way, bool) const {
    return products.dropped ? add_block_of<ExactLanes<true>>(way)
                            : add_block_of<ExactLanes<false>>(way);
  }
};

template <class Kernel>
void add(const Kernel& kernel, const Tile<uint32_t, float>& tile) {
  const FloatProducts& products = kernel.products;
  const int strips = (tile.positions + kStrip - 1) / kStrip;
  Weights weights;
  for (int chunk = 0; chunk < tile.depth; chunk += kChunk) {
    const int depth = tile.depth - chunk < kChunk ? tile.depth - chunk : kChunk;
    const uint32_t* x = tile.x + chunk * kTilePositions;
    Exponents of_x[kStrips];
    for (int strip = 0; strip < strips; ++strip) {
      ExponentScan scan;
      for (int k = 0; k < depth; ++k) {
        const uint32_t* row = x + k * kTilePositions + strip * kStrip;
        for (int v = 0; v < kVectors; ++v) scan.look_at(load(row + v * kLanes));
      }
      of_x[strip] = scan.result();
    }
    for (int o = 0; o < tile.outputs; o += kBlock) {
      const int outputs = tile.outputs - o < kBlock ? tile.outputs - o : kBlock;
      const Part part{x, tile.w + o * tile.w_stride, tile.w_stride,
                      tile.sums + o * kTilePositions, outputs, depth, kStrip};
      ExponentScan scan;
      for (int i = 0; i < outputs; ++i) {
        const uint32_t* row = part.w + i * tile.w_stride + chunk;
        int k = 0;
        for (; k + kLanes <= depth; k += kLanes) scan.look_at(load(row + k));
        for (; k < depth; ++k) scan.look_at(all(row[k]));
      }
      const Exponents of_w = scan.result();
      kernel.prepare(part, chunk, depth, weights);
      for (int strip = 0; strip < strips; ++strip) {
        const Way way = kernel.is_direct() ? way_of(products, of_x[strip], of_w) : Way::kAny;
        const uint32_t* strip_x = x + strip * kStrip;
        float* sums = part.sums + strip * kStrip;
        if (way == Way::kAny) {
          const Part any{strip_x, part.w + chunk, part.w_stride, sums, outputs, depth, kStrip};
          add_any(products, any, Kernel::kProduct);
        } else {
          kernel.add_block(way, of_w.has_zero)(strip_x, weights, outputs, depth, sums);
        }
      }
    }
  }
}

#endif

}  // namespace

#ifdef MBM_HW_FLOAT_LANES

void float_log_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(LogKernel(products), tile);
}

void float_exact_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(ExactKernel{products}, tile);
}

#else

void float_log_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  const Part part{tile.x, tile.w, tile.w_stride, tile.sums,
                  tile.outputs, tile.depth, tile.positions};
  add_any(products, part, LogProduct());
}

void float_exact_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  const Part part{tile.x, tile.w, tile.w_stride, tile.sums,
                  tile.outputs, tile.depth, tile.positions};
  add_any(products, part, ExactProduct());
}

#endif

}  // namespace mbm_hw::MBM_HW_ISA
