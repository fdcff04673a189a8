// Work on several threads: those of the OpenMP runtime that torch has brought into the process, found
// when the program runs, so that nothing is linked; threads of our own where there is none. After
// an operator of torch its threads spin for some milliseconds, and others would fight them for the
// cores.
#pragma once

#include <cstdint>
#include <functional>

namespace mbm_hw {

// Hands out the task numbers 0 to `count` - 1, each once.
using NextTask = std::function<bool(int64_t&)>;

// Runs `work` on `threads` threads, the caller's among them, and returns when all have. Each call of
// `work` takes tasks from `next` until it returns false. An exception of any of them is rethrown.
// Floats are rounded to the nearest, subnormal ones kept, whatever the caller's thread has set.
void run_tasks(int64_t count, int threads, const std::function<void(const NextTask& next)>& work);

}  // namespace mbm_hw
