#include "parallel.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace mbm_hw {

namespace {

// What a GNU compiler calls for `omp parallel`: runs work(data) on a team of `threads`.
using OmpParallel = void (*)(void (*work)(void*), void* data, unsigned threads, unsigned flags);

OmpParallel torchs_threads() {
  static const auto found = reinterpret_cast<OmpParallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
  return found;
}

// Rounding to the nearest, and no flushing of subnormal numbers.
class DefaultArithmetic {
 public:
  DefaultArithmetic() {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultArithmetic() { std::fesetenv(&before_); }

 private:
  std::fenv_t before_;
};

template <class Work>
void run_on_own_threads(const Work& work, int64_t threads) {
  std::vector<std::thread> others;
  try {
    for (int64_t i = 1; i < threads; ++i) others.emplace_back(work);
  } catch (const std::system_error&) {
    // No more threads to be had: those that run, and the caller, do all the tasks.
  }
  work();
  for (auto& thread : others) thread.join();
}

}  // namespace

void run_tasks(int64_t count, int threads, const std::function<void(const NextTask& next)>& work) {
  std::atomic<int64_t> taken{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const NextTask next = [&](int64_t& task) { return (task = taken.fetch_add(1)) < count; };
  const auto guarded = [&] {
    const DefaultArithmetic arithmetic;
    try {
      work(next);
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      taken = count;
    }
  };
  const int64_t used = std::min<int64_t>(threads, count);
  if (used <= 1) {
    guarded();
  } else if (const OmpParallel parallel = torchs_threads()) {
    parallel([](void* data) { (*static_cast<decltype(guarded)*>(data))(); },
             const_cast<void*>(static_cast<const void*>(&guarded)), unsigned(used), 0);
  } else {
    run_on_own_threads(guarded, used);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace mbm_hw
