// From a tensor's values, wherever they lie, to a multiplier's operands side by side.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "aligned.h"
#include "kernels.h"
#include "tile.h"

namespace mbm_hw {

// An array as the unsigned integers of its elements' size.
template <class T>
auto* as_bits(T* data) {
  using Bits = std::conditional_t<sizeof(T) == 1, uint8_t,
                                  std::conditional_t<sizeof(T) == 2, uint16_t, uint32_t>>;
  return reinterpret_cast<Bits*>(data);
}

template <class Code, class Encoder, class Encoded>
void encode(const Code* codes, int64_t count, const Encoder& encoder, Encoded* target) {
  for (int64_t i = 0; i < count; ++i) target[i] = encoder(codes[i]);
}

// A thread's own, for the image; see tile.h and sources.h for the two.
template <class Multiplier, class Source>
class Reader {
 public:
  using Element = typename Source::Element;
  using Code = typename Multiplier::Code;
  using Operand = typename Multiplier::Operand;

  Reader(const Multiplier& multiplier, const Source& source)
      : multiplier_(multiplier), source_(source) {}

  // Reads values, `step` apart.
  void read_row(const Element* x, int64_t count, int64_t step, float scale, Operand* target) {
    const bool in_place = multiplier_.takes_codes();
    if (!in_place && int64_t(codes_.size()) < count) codes_.resize(count);
    Code* codes = in_place ? reinterpret_cast<Code*>(target) : codes_.data();
    const Code* found = source_.image_codes(x, count, step, scale, codes);
    if (!in_place || found != codes) encode(found, count, multiplier_.encoder(), target);
  }

  // Reads channels, `channel_step` apart, of pixels, `step` apart, into
  // target[channel * pitch + pixel]; along what adjoins in memory.
  void read(const Element* x, int64_t channels, int64_t channel_step, int64_t pixels, int64_t step,
            Operand* target, int64_t pitch) {
    if (step == 1 || channel_step != 1) {
      for (int64_t c = 0; c < channels; ++c) {
        read_row(x + c * channel_step, pixels, step, source_.x_scale(), target + c * pitch);
      }
      return;
    }
    for (int64_t first = 0; first < pixels; first += kStaged) {
      const int64_t count = std::min<int64_t>(kStaged, pixels - first);
      for (int64_t p = 0; p < count; ++p) {
        read_row(x + (first + p) * step, channels, 1, source_.x_scale(),
                 staged_.data() + p * kTileDepth);
      }
      MBM_HW_CALL(source_.isa(), transpose, as_bits(staged_.data()), kTileDepth, count, channels,
                  as_bits(target + first), pitch);
    }
  }

 private:
  static constexpr int kStaged = 64;  // pixels whose channels are read together

  const Multiplier& multiplier_;
  const Source& source_;
  AlignedArray<Operand> staged_{kStaged * kTileDepth};
  std::vector<Code> codes_;
};

}  // namespace mbm_hw
