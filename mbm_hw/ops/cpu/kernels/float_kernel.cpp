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

// The operand as the products take it: subnormal numbers are zeros.
inline uint32_t encoded(const FloatProducts& products, uint32_t pattern) {
  const uint32_t magnitude = pattern & ~kFloatSign;
  const uint32_t normal = (pattern & products.kept) | products.lowest;
  const uint32_t nonzero = magnitude < kFloatInfinity ? normal : pattern;
  return magnitude < products.smallest ? pattern & kFloatSign : nonzero;
}

// Any products, special values too.

// Zero, infinity and NaN among the operands, then underflow and overflow of the finite product,
// whose pattern is exponent << 23 | mantissa; the exponent may be negative, or beyond float32's.
inline uint32_t with_special_values(const FloatProducts& products, uint32_t a, uint32_t b,
                                    int32_t exponent, uint32_t mantissa) {
  const uint32_t sign = (a ^ b) & kFloatSign;
  a &= ~kFloatSign;
  b &= ~kFloatSign;
  // Signed comparisons, bitwise operators and no branches, so that compilers make vectors of it.
  const int32_t low = int32_t(a < b ? a : b), high = int32_t(a < b ? b : a);
  constexpr int32_t kInfinity = kFloatInfinity;
  uint32_t product = (uint32_t(exponent) << 23 | mantissa) + products.scale;
  product = exponent >= int32_t(products.overflow >> 23) ? kFloatInfinity : product;
  product = exponent < int32_t(products.smallest >> 23) ? 0 : product;
  product = low == 0 ? 0 : product;
  product = high >= kInfinity ? kFloatInfinity : product;
  product |= sign;
  product = high > kInfinity ? kFloatQuietNan : product;
  return (high == kInfinity) & (low == 0) ? kFloatQuietNan : product;
}

inline int32_t exponent_sum(uint32_t a, uint32_t b) {
  return int32_t(a >> 23 & 0xFF) + int32_t(b >> 23 & 0xFF) - 127;
}

struct LogProduct {
  uint32_t operator()(const FloatProducts& products, uint32_t a, uint32_t b) const {
    const uint32_t total = (a & kFloatMantissa) + (b & kFloatMantissa);
    const uint32_t carry = total >> 23;
    const uint32_t fraction = total & kFloatMantissa;
    const uint32_t plain = fraction + products.corrections[0];
    const uint32_t with_carry = fraction + products.corrections[1];
    const uint32_t cornered = int32_t(with_carry) >= int32_t(kOne) ? fraction : with_carry;
    const uint32_t corrected = carry == 0 ? plain : cornered;
    const uint32_t overflow = corrected >> 23;
    const uint32_t grid = ~0u << products.dropped;
    const uint32_t mantissa = overflow == 0 ? corrected : (kOne + corrected) >> 1 & grid;
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

constexpr int kChunk = 64;  // terms that are encoded at a time
constexpr int kBlock = 8;   // outputs likewise

template <class Product>
void add_any(const FloatProducts& products, const uint32_t* x, int x_stride, const uint32_t* w,
             int depth, int positions, float* __restrict sums, const Product& product) {
  const FloatProducts local = products;
  for (int k = 0; k < depth; ++k) {
    const uint32_t weight = w[k];
    for (int p = 0; p < positions; ++p) {
      sums[p] += float_of(product(local, x[k * x_stride + p], weight));
    }
  }
}

#ifdef MBM_HW_FLOAT_LANES

// Products of finite numbers that do not overflow.

constexpr int kVectors = 2;                // of positions, in registers
constexpr int kStrip = kVectors * kLanes;  // positions
constexpr int kStrips = kTilePositions / kStrip;

// The exponent fields of some numbers: of all but zeros the smallest, and the largest.
struct Exponents {
  uint32_t smallest = 255, largest = 0;
  bool has_zero = false;

  void include(const Exponents& others) {
    smallest = others.smallest < smallest ? others.smallest : smallest;
    largest = others.largest > largest ? others.largest : largest;
    has_zero |= others.has_zero;
  }
};

Exponents exponents_of(const uint32_t* patterns, int count) {
  // A zero less 1 is above all others.
  uint32_t smallest = ~0u, largest = 0, zero = 0;
  for (int i = 0; i < count; ++i) {
    const uint32_t magnitude = patterns[i] & ~kFloatSign, less = magnitude - 1;
    smallest = less < smallest ? less : smallest;
    largest = magnitude > largest ? magnitude : largest;
    zero = less > zero ? less : zero;
  }
  const uint32_t field = smallest == ~0u ? 255 : (smallest + 1) >> 23;
  return {field, largest >> 23, zero == ~0u};
}

// How the products of a block and a strip go, from the fastest on.
enum class Way {
  kPlain,  // no product underflows
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

// The weights of a block and a chunk, encoded and prepared.
struct Weights {
  uint32_t pattern[kBlock][kChunk];
  uint32_t addend[kBlock][kChunk];  // the pattern, less 127 << 23, plus the scale
  uint32_t corner[kBlock][kChunk];  // a mantissa from here on meets the corner: no correction
  uint32_t correction[kBlock][kChunk];  // c * 2**kb, as a float, with the scale
  uint32_t mask[kBlock][kChunk];        // what is kept of the product: its grid; nothing for 0
};

// kCorrected : MBM. kMasked : products may lie off the grid, or weights be zero.
template <bool kCorrected, bool kMasked>
struct LogLanes {
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
    const typename Lanes::X xs[kVectors]{typename Lanes::X(load(x + k * kStrip)),
                                         typename Lanes::X(load(x + k * kStrip + kLanes))};
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
               !(p.lowest && !(p.corrections[0] >> p.dropped & 1))) {}

  bool is_direct() const { return products.corrections[0] == 2 * products.corrections[1]; }

  void prepare(Weights& w, int outputs, int depth) const {
    // A bit less than the constant: where the fused multiply-add would round a tie, down.
    const float constant = float(int32_t(products.corrections[0])) * 0x1p-23f;
    const uint32_t correction = bits_of(constant) - 1;
    const uint32_t corner = 2 * kOne - products.corrections[1];
    const uint32_t grid = ~0u << products.dropped;
    const uint32_t offset = products.scale - (127u << 23);
    for (int o = 0; o < outputs; ++o) {
      for (int k = 0; k < depth; ++k) {
        const uint32_t weight = w.pattern[o][k];
        const bool nonzero = weight & ~kFloatSign;
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

  void prepare(Weights& w, int outputs, int depth) const {
    w.corner[0][0] = uint32_t(products.dropped);
    const uint32_t scale = products.scale;
    for (int o = 0; o < outputs; ++o) {
      for (int k = 0; k < depth; ++k) {
        const uint32_t weight = w.pattern[o][k];
        w.addend[o][k] = weight & ~kFloatSign ? weight + scale : weight;
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
  const FloatProducts products = kernel.products;
  const int strips = (tile.positions + kStrip - 1) / kStrip;
  Weights weights;
  // A chunk of x, encoded, strip by strip: in the tile, rows of a strip share few cache sets.
  alignas(64) uint32_t x[kStrips][kChunk * kStrip];
  Exponents of_x[kStrips];
  for (int chunk = 0; chunk < tile.depth; chunk += kChunk) {
    const int depth = tile.depth - chunk < kChunk ? tile.depth - chunk : kChunk;
    for (int strip = 0; strip < strips; ++strip) {
      for (int k = 0; k < depth; ++k) {
        const uint32_t* row = tile.x + (chunk + k) * kTilePositions + strip * kStrip;
        for (int p = 0; p < kStrip; ++p) x[strip][k * kStrip + p] = encoded(products, row[p]);
      }
      of_x[strip] = exponents_of(x[strip], depth * kStrip);
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
        const Way way = kernel.is_direct() ? way_of(products, of_x[strip], of_w) : Way::kAny;
        float* sums = tile.sums + o * kTilePositions + strip * kStrip;
        if (way != Way::kAny) {
          kernel.add_block(way, of_w.has_zero)(x[strip], weights, outputs, depth, sums);
          continue;
        }
        for (int i = 0; i < outputs; ++i) {
          add_any(products, x[strip], kStrip, weights.pattern[i], depth, kStrip,
                  sums + i * kTilePositions, Kernel::kProduct);
        }
      }
    }
  }
}

#else

template <class Product>
void add(const FloatProducts& products, const Tile<uint32_t, float>& tile, const Product& product) {
  uint32_t x[kChunk * kTilePositions], w[kChunk];
  for (int chunk = 0; chunk < tile.depth; chunk += kChunk) {
    const int depth = tile.depth - chunk < kChunk ? tile.depth - chunk : kChunk;
    for (int i = 0; i < depth * kTilePositions; ++i) {
      x[i] = encoded(products, tile.x[chunk * kTilePositions + i]);
    }
    for (int o = 0; o < tile.outputs; ++o) {
      for (int k = 0; k < depth; ++k) w[k] = encoded(products, tile.w[o * tile.w_stride + chunk + k]);
      add_any(products, x, kTilePositions, w, depth, tile.positions,
              tile.sums + o * kTilePositions, product);
    }
  }
}

#endif

}  // namespace

void float_round(const FloatProducts& products, const float* x, int64_t count, float* rounded) {
  const int dropped = products.dropped;
  const int32_t overflow = int32_t(products.overflow);
  // Half a step below `smallest` already rounds to it. Where that is among float32's own subnormal
  // numbers, it takes half as many patterns.
  const int32_t step = 1 << dropped;
  const int32_t least = int32_t(products.smallest) - (products.smallest == kOne ? step / 4 : step / 2);
  const uint32_t below_half = dropped ? (1u << (dropped - 1)) - 1 : 0;
  const uint32_t odd = dropped ? 1 : 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t pattern = bits_of(x[i]);
    const int32_t magnitude = int32_t(pattern & ~kFloatSign);
    const uint32_t up = uint32_t(magnitude) + below_half + (uint32_t(magnitude) >> dropped & odd);
    int32_t y = int32_t(up >> dropped << dropped);
    y = y >= overflow ? int32_t(kFloatInfinity) : y;
    y = magnitude < least ? 0 : y;
    y = magnitude > int32_t(kFloatInfinity) ? int32_t(kFloatQuietNan) : y;
    rounded[i] = float_of(uint32_t(y) | (pattern & kFloatSign));
  }
}

bool float_all_plain(const FloatProducts& products, const float* x, int64_t count, int64_t step) {
  const uint32_t lower = (1u << products.dropped) - 1;
  const uint32_t normals = products.overflow - products.smallest;
  const auto odd = [=](float value) -> uint32_t {
    const uint32_t magnitude = bits_of(value) & ~kFloatSign;
    const bool plain = magnitude - products.smallest < normals || magnitude == 0;
    return plain ? magnitude & lower : 1;
  };
  uint32_t found = 0;
  if (step == 1) {
    for (int64_t i = 0; i < count; ++i) found |= odd(x[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) found |= odd(x[i * step]);
  }
  return found == 0;
}

#ifdef MBM_HW_FLOAT_LANES

void float_log_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(LogKernel(products), tile);
}

void float_exact_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(ExactKernel{products}, tile);
}

#else

void float_log_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(products, tile, LogProduct());
}

void float_exact_add(const FloatProducts& products, const Tile<uint32_t, float>& tile) {
  add(products, tile, ExactProduct());
}

#endif

}  // namespace mbm_hw::MBM_HW_ISA
