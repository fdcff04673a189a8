// How long the threads were at products, for those who ask: all else is quantising, packing,
// rescaling and waiting.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace mbm_hw {

class Stopwatch {
 public:
  // Starts or stops counting; returns the seconds counted before, of all threads together.
  static double restart(bool runs) {
    runs_ = runs;
    return double(nanoseconds_.exchange(0)) * 1e-9;
  }

  template <class Work>
  static void time(const Work& work) {
    if (!runs_.load(std::memory_order_relaxed)) return work();
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::nanoseconds passed = std::chrono::steady_clock::now() - start;
    nanoseconds_.fetch_add(passed.count(), std::memory_order_relaxed);
  }

 private:
  static inline std::atomic<bool> runs_{false};
  static inline std::atomic<int64_t> nanoseconds_{0};
};

}  // namespace mbm_hw
