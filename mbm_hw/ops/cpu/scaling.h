// Between values and codes, and sums and values, for whole tensors, on all threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "kernels.h"
#include "parallel.h"

namespace mbm_hw {

// Runs work(first, count) over chunks of `size` elements.
template <class Work>
void in_chunks(int64_t size, int threads, const Work& work) {
  constexpr int64_t kChunk = 1 << 14;  // elements to a task
  const int64_t chunks = (size + kChunk - 1) / kChunk;
  const int wanted = int(std::min<int64_t>(threads, (chunks + 3) / 4));
  run_tasks(chunks, wanted, [&](const NextTask& next) {
    for (int64_t i; next(i);) work(i * kChunk, std::min(kChunk, size - i * kChunk));
  });
}

// `size` values in as many rows as there are scales have one each. Returns whether one is NaN.
template <class Code>
bool quantize_rows(const float* x, int64_t size, const float* scales, int64_t rows, bool multiply,
                   float limit, Code* codes, Isa isa, int threads) {
  const int64_t row = rows ? size / rows : 0;
  std::atomic<bool> met_nan{false};
  in_chunks(rows * row, threads, [&](int64_t first, int64_t count) {
    while (count > 0) {
      const int64_t part = std::min(count, row - first % row);
      const float scale = scales[first / row];
      if (MBM_HW_CALL(isa, quantize, x + first, part, scale, multiply, limit, codes + first)) {
        met_nan.store(true, std::memory_order_relaxed);
      }
      first += part;
      count -= part;
    }
  });
  return met_nan;
}

// sums is [any][channels][inner].
template <class Sum>
void rescale_sums(const Sum* sums, int64_t size, int64_t inner, const float* scales,
                  const float* biases, int64_t channels, float* y, Isa isa, int threads) {
  in_chunks(size, threads, [&](int64_t first, int64_t count) {
    while (count > 0) {
      const int64_t channel = first / inner % channels;
      int64_t part = std::min(count, inner - first % inner);
      if (inner == 1) {
        part = std::min(count, channels - channel);
        MBM_HW_CALL(isa, rescale_each, sums + first, part, scales + channel, biases + channel,
                    y + first);
      } else {
        MBM_HW_CALL(isa, rescale, sums + first, part, scales[channel], biases[channel], y + first);
      }
      first += part;
      count -= part;
    }
  });
}

}  // namespace mbm_hw
