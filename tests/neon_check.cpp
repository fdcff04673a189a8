// Compares the NEON kernels with the portable ones, sum by sum, over random tiles and extreme codes.
// Prints the first difference and returns 1, or what was compared.

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "exact_multiplier.h"
#include "float_multiplier.h"
#include "neon_multiplier.h"

namespace {

using namespace mbm_hw;

std::mt19937_64 generator(1);
int64_t sums_compared = 0;

int64_t random(int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(generator);
}

// Codes of a tile: all, few bits, not negative, or the extreme ones.
int64_t random_code(int kind, int64_t low, int64_t high) {
  const int64_t extremes[] = {low, low + 1, low / 2, -1, 0, 1, 63, 64, high / 2, high - 1, high};
  switch (kind) {
    case 0: return random(low, high);
    case 1: return random(std::max<int64_t>(low, -70), std::min<int64_t>(high, 70));
    case 2: return random(0, high);
    default: return std::clamp(extremes[random(0, 10)], low, high);
  }
}

// The sums that a multiplier adds to `start`.
template <class Multiplier, class Codes>
auto sums_of(const Multiplier& multiplier, const Codes& x, const Codes& w, int outputs, int depth,
             int positions, int64_t start) {
  using Sum = typename Multiplier::Sum;
  AlignedArray<typename Multiplier::Operand> packed(kTileDepth * kTilePositions);
  AlignedArray<Sum> sums(outputs * kTilePositions);
  AlignedArray<uint8_t> scratch(Multiplier::kScratch);
  std::vector<typename Multiplier::Weight> weights(outputs * depth);
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = multiplier.weight_encoder()(typename Multiplier::Code(w[i]));
  }
  for (int i = 0; i < depth * kTilePositions; ++i) {
    const bool inside = i % kTilePositions < positions;
    packed[i] = multiplier.encoder()(typename Multiplier::Code(inside ? x[i] : 0));
  }
  for (int i = 0; i < outputs * kTilePositions; ++i) sums[i] = Sum(start);
  multiplier.add({packed.data(), weights.data(), depth, sums.data(), outputs, depth, positions,
                  scratch.data()});
  std::vector<Sum> inside;
  for (int o = 0; o < outputs; ++o) {
    for (int p = 0; p < positions; ++p) inside.push_back(sums[o * kTilePositions + p]);
  }
  return inside;
}

template <class Actual, class Expected, class Draw>
void compare(const std::string& what, const Actual& actual, const Expected& expected, int tiles,
             const Draw& draw) {
  for (int tile = 0; tile < tiles; ++tile) {
    const int depth = int(tile % 3 ? random(1, 40) : random(200, kTileDepth));
    const int outputs = int(random(1, 6)), positions = int(random(1, kTilePositions));
    std::vector<decltype(draw(0))> x(depth * kTilePositions), w(outputs * depth);
    for (auto& code : x) code = draw(tile % 4);
    for (auto& code : w) code = draw(tile / 4 % 4);
    const int64_t start = tile % 2 ? 12345 : 0;
    const auto is = sums_of(actual, x, w, outputs, depth, positions, start);
    const auto should = sums_of(expected, x, w, outputs, depth, positions, start);
    for (size_t i = 0; i < is.size(); ++i) {
      if (std::memcmp(&is[i], &should[i], sizeof(is[i])) == 0) continue;
      std::printf("%s: tile %d, depth %d, output %zu, position %zu: %.17g, expected %.17g\n",
                  what.c_str(), tile, depth, i / positions, i % positions, double(is[i]),
                  double(should[i]));
      std::exit(1);
    }
    sums_compared += int64_t(is.size());
  }
}

template <class Neon, class Portable>
void check_table(int width, int64_t low, int64_t product_low) {
  const int size = 1 << width;
  std::vector<int32_t> entries(size * size);
  for (auto& entry : entries) {
    entry = int32_t(random(0, 9) ? random(product_low, product_low + 65535)
                                 : product_low + 65535 * random(0, 1));
  }
  const ProductTable table{entries.data(), 1, size, width};
  const Portable portable(table, Isa::kPortable);
  compare("table, " + std::to_string(width) + " bits", Neon(table), portable, 120,
          [&](int kind) { return random_code(kind, low, low + size - 1); });
}

// The corrections of Mitchell and MBM; Ref: mbm_hw/multipliers/log.py.
void check_patterns(int width, int truncation, bool corrected) {
  const int fraction_width = width - 1;
  LogParameters parameters{width, truncation, {0, 0}, corrected ? 6 : -1};
  for (int carry = 0; carry < 2 && corrected; ++carry) {
    const uint32_t constant = (10u >> carry) << (fraction_width - 7);
    parameters.corrections[carry] = constant >> truncation << truncation;
  }
  if (!NeonPatternMultiplier::takes(parameters)) return;
  compare("patterns, " + std::to_string(width) + " bits, t = " + std::to_string(truncation),
          NeonPatternMultiplier(parameters), LogMultiplier<int16_t>(parameters, Isa::kPortable), 12,
          [&](int kind) {
            const int64_t low = -(int64_t(1) << fraction_width);
            return random_code(kind, low, -low - 1);
          });
}

// Codes are patterns of float32, of a format that keeps the top bits.
template <class Multiplier, class... Arguments>
void check_floats(const char* what, int mantissa_bits, const Arguments&... arguments) {
  const auto draw = [&](int kind) {
    const uint32_t special[] = {0, 1u << 31, 0x3F800000, 0x7F800000, 0xFF800000, 0x7F7F0000, 1u << 23};
    const uint32_t exponent = kind == 0 ? uint32_t(random(0, 254)) : uint32_t(random(118, 130));
    const uint32_t any = uint32_t(random(0, 1)) << 31 | exponent << 23 |
                         (uint32_t(random(0, (1 << 23) - 1)) >> (23 - mantissa_bits)
                                                             << (23 - mantissa_bits));
    return std::bit_cast<float>(kind == 3 ? special[random(0, 6)] : any);
  };
  compare(what, Multiplier(arguments..., Isa::kNeon), Multiplier(arguments..., Isa::kPortable), 40,
          draw);
}

}  // namespace

int main() {
  check_table<NeonTableInt8, TableInt8>(8, -128, -32768);
  check_table<NeonTableInt8, TableInt8>(5, -16, -32768);
  check_table<NeonTableUInt8, TableUInt8>(8, 0, 0);
  check_table<NeonTableUInt8, TableUInt8>(4, 0, 0);
  for (int width = 9; width <= 16; ++width) {
    for (int truncation = 0; truncation <= width - 3; ++truncation) {
      check_patterns(width, truncation, false);
      check_patterns(width, truncation, true);
    }
  }
  check_floats<FloatExactMultiplier>("exact floats", 23, 8, 23);
  check_floats<FloatExactMultiplier>("exact bf16", 7, 8, 7);
  for (const bool forced : {false, true}) {
    check_floats<FloatLogMultiplier>("MBM bf16", 7, FloatLogParameters{8, 7, 0, forced, {10, 5}, 0});
  }
  check_floats<FloatLogMultiplier>("MBM float32", 23,
                                   FloatLogParameters{8, 23, 0, false, {10u << 16, 5u << 16}, 0});
  std::printf("neon: %" PRId64 " sums equal the portable kernels'\n", sums_compared);
}
