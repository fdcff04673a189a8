#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace mbm_hw {

void run_tasks(int64_t count, int threads, const std::function<void(const NextTask& next)>& work) {
  std::atomic<int64_t> taken{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const NextTask next = [&](int64_t& task) { return (task = taken.fetch_add(1)) < count; };
  const auto guarded = [&] {
    try {
      work(next);
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      taken = count;
    }
  };
  std::vector<std::thread> others;
  const int64_t wanted = std::min<int64_t>(threads, count) - 1;
  try {
    for (int64_t i = 0; i < wanted; ++i) others.emplace_back(guarded);
  } catch (const std::system_error&) {
    // No more threads to be had: those that run, and the caller, do all the tasks.
  }
  guarded();
  for (auto& thread : others) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace mbm_hw
