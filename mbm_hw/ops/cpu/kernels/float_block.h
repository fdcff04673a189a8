// A block of float products in lanes: which way they can go, and one register of them.
#pragma once

#include "float_kernels.h"
#include "float_products.h"
#include "lanes.h"

namespace mbm_hw::MBM_HW_ISA {
namespace {

constexpr int kChunk = 64;  // terms that are encoded at a time
constexpr int kBlock = 8;   // outputs likewise

#ifdef MBM_HW_LANES

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
  // With an offset of more than the lowest bit the sum of the mantissas may carry 2.
  const bool carries_two = products.offset >> products.dropped > 1;
  const int carry = carries_two ? 2 : 1;
  if (int(x.largest + w.largest) - 127 + carry >= overflow) return Way::kAny;
  const bool underflows = int(x.smallest + w.smallest) - 127 < smallest;
  if (products.scale) return carries_two && underflows ? Way::kAny : Way::kFlush;
  // Exponent fields below 8 leave no room for the correction's.
  if (x.smallest < 8 || w.smallest < 8) return Way::kAny;
  return underflows ? Way::kAny : Way::kPlain;
}

// The weights of a block and a chunk, encoded and prepared.
struct Weights {
  uint32_t pattern[kBlock][kChunk];
  uint32_t addend[kBlock][kChunk];  // the pattern, less 127 << 23, plus the scale
  uint32_t corner[kBlock][kChunk];  // a mantissa from here on meets the corner: no correction
  uint32_t correction[kBlock][kChunk];  // c * 2**kb, as a float, with the scale; see ExactLanes
  uint32_t mask[kBlock][kChunk];        // what is kept of the product: its grid; nothing for 0
  uint32_t grid;                        // what is kept of products of other weights
  bool cornered[kChunk];                // whether a mantissa may meet a corner of any output
};

// What is kept of products: all; their grid, where they may lie off it; that or, with a weight of
// zero, nothing.
enum class Kept { kAll, kGrid, kNonzeros };

// kCorrected : MBM.
template <bool kCorrected, Kept kKept>
struct LogLanes {
  static constexpr bool kHasCorners = kCorrected;

  // x, and what it takes of it: once for all outputs.
  struct X {
    Integers pattern;
    Floats power;
    Where nonzero;

    explicit X(Integers x) : pattern(x), nonzero(where_nonzero(x)) {
      if constexpr (kCorrected) power = floats(both(x, all(~kFloatMantissa)));
    }
  };

  template <bool kCornered>
  static Floats product(const X& x, const Weights& w, int o, int k) {
    Floats product = floats(plus(x.pattern, all(w.addend[o][k])));
    if constexpr (kCorrected) {
      const Floats correction = floats(all(w.correction[o][k]));
      if constexpr (kCornered) {
        const Integers mantissa = both(x.pattern, all(kFloatMantissa));
        const Where corrected = where_below(mantissa, all(w.corner[o][k]));
        product = multiply_add(corrected, x.power, correction, product);
      } else {
        product = multiply_add(x.power, correction, product);
      }
    }
    if constexpr (kKept != Kept::kAll) {
      const uint32_t mask = kKept == Kept::kGrid ? w.grid : w.mask[o][k];
      product = floats(both(integers(product), all(mask)));
    }
    return product;
  }
};

// kRounded : the format has fewer mantissa bits than float32, at most 10.
template <bool kRounded>
struct ExactLanes {
  static constexpr bool kHasCorners = false;

  struct X {
    Floats value;
    Where nonzero;
    explicit X(Integers x) : value(floats(x)), nonzero(where_nonzero(x)) {}
  };

  // The product's upper s bits, as Veltkamp splits them off: c p - (c p - p), c = 2**(24 - s) + 1,
  // each step rounded. The product p is of 2 s bits: c p rounds the lower s of them to the nearest,
  // a tie to even, as what stands above them in c p, p 2**(24 - 2 s), is even. The weight times c
  // is of 24 bits, so c p is rounded once.
  // Ref: T. J. Dekker, Numerische Mathematik 18, 1971.
  template <bool>
  static Floats product(const X& x, const Weights& w, int o, int k) {
    const Floats weight = floats(all(w.addend[o][k]));
    if constexpr (!kRounded) return multiply(x.value, weight);
    const Floats multiple = multiply(x.value, floats(all(w.correction[o][k])));
    return add(multiple, multiply_subtract(x.value, weight, multiple));
  }
};

#endif

}  // namespace
}  // namespace mbm_hw::MBM_HW_ISA
