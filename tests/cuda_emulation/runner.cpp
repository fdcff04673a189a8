// Runs one kernel, which is linked in, for all threads of a grid: reads a launch from standard
// input, writes the buffers' contents after it to standard output. Buffers lie on the heap, exactly
// as long as the tensors: a sanitizer sees whatever is read or written beside them.
#include "device.h"

#include <sanitizer/asan_interface.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

constexpr int kMostArguments = 40, kMostShared = 256 << 10, kStackBytes = 256 << 10;

extern "C" unsigned char shared_memory[kMostShared];
alignas(128) unsigned char shared_memory[kMostShared];

// All parameters are pointers and integers, which x86-64 and AArch64 pass alike, 8 bytes each; what
// a kernel has not, it does not look at.
extern "C" void MBM_HW_KERNEL_NAME(...);

namespace cuda_emulation {

Launch launch;
dim3 block_index;

namespace {

enum State { kRuns, kWaitsForBlock, kWaitsForWarp, kEnded };

struct Thread {
  ucontext_t context;
  std::unique_ptr<unsigned char[]> stack;
  State state;
  bool vote;
};

std::vector<Thread> threads;
std::vector<std::unique_ptr<unsigned char[][kExchangeBytes]>> exchanges;
unsigned current;
ucontext_t scheduler;
void* scheduler_fake_stack;
const void* scheduler_stack;
size_t scheduler_stack_size;
int64_t arguments[kMostArguments];
size_t shared_bytes;

[[noreturn]] void fail(const char* message) {
  std::fprintf(stderr, "%s: block %u, %u, %u\n", message, block_index.x, block_index.y,
               block_index.z);
  std::exit(3);
}

void to_scheduler(bool ends) {
  Thread& thread = threads[current];
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(ends ? nullptr : &fake_stack, scheduler_stack,
                                 scheduler_stack_size);
  swapcontext(&thread.context, &scheduler);
  __sanitizer_finish_switch_fiber(fake_stack, &scheduler_stack, &scheduler_stack_size);
}

void call();

void run_thread() {
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_size);
  call();
  threads[current].state = kEnded;
  to_scheduler(true);
}

void call() {
  const auto& a = arguments;
  MBM_HW_KERNEL_NAME(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11],
                     a[12], a[13], a[14], a[15], a[16], a[17], a[18], a[19], a[20], a[21], a[22],
                     a[23], a[24], a[25], a[26], a[27], a[28], a[29], a[30], a[31], a[32], a[33],
                     a[34], a[35], a[36], a[37], a[38], a[39]);
}

void start(Thread& thread) {
  getcontext(&thread.context);
  if (!thread.stack) thread.stack.reset(new unsigned char[kStackBytes]);
  thread.context.uc_stack.ss_sp = thread.stack.get();
  thread.context.uc_stack.ss_size = kStackBytes;
  thread.context.uc_link = nullptr;
  thread.state = kRuns;
  makecontext(&thread.context, run_thread, 0);
}

void resume(unsigned index) {
  current = index;
  Thread& thread = threads[index];
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, thread.stack.get(), kStackBytes);
  swapcontext(&scheduler, &thread.context);
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
}

// Lets the threads from `first` to below `end` go on if all wait at the barrier; whether they do.
bool release(unsigned first, unsigned end, State waiting) {
  for (unsigned i = first; i < end; ++i) {
    if (threads[i].state != waiting) return false;
  }
  for (unsigned i = first; i < end; ++i) threads[i].state = kRuns;
  return true;
}

void run_block(const std::vector<unsigned>& order) {
  const auto count = unsigned(threads.size());
  // Whatever a kernel reads before it writes it is no zero.
  std::memset(shared_memory, 0xA5, shared_bytes);
  for (Thread& thread : threads) start(thread);
  for (;;) {
    bool any_ran = false;
    for (const unsigned i : order) {
      if (threads[i].state != kRuns) continue;
      resume(i);
      any_ran = true;
    }
    for (unsigned warp = 0; warp < count; warp += kLanes) {
      any_ran |= release(warp, std::min(warp + kLanes, count), kWaitsForWarp);
    }
    any_ran |= release(0, count, kWaitsForBlock);
    if (any_ran) continue;
    for (const Thread& thread : threads) {
      if (thread.state != kEnded) fail("not all threads reach a barrier");
    }
    return;
  }
}

template <class T>
T read() {
  T value;
  if (std::fread(&value, sizeof(T), 1, stdin) != 1) std::exit(2);
  return value;
}

}  // namespace

unsigned thread_index() { return current; }

void barrier(Scope scope) {
  threads[current].state = scope == kBlock ? kWaitsForBlock : kWaitsForWarp;
  to_scheduler(false);
}

bool vote(bool predicate) {
  threads[current].vote = predicate;
  barrier(kBlock);
  bool all = true;
  for (const Thread& thread : threads) all &= thread.vote;
  barrier(kBlock);
  return all;
}

unsigned char (*exchange())[kExchangeBytes] { return exchanges[current / kLanes].get(); }

// Standard input: grid (3), threads, bytes of shared memory, seed, then each argument: its kind (0:
// an integer, 1: a buffer), and its value, or its bytes' number and the bytes; all int64.
int run() {
  launch.grid.x = unsigned(read<int64_t>());
  launch.grid.y = unsigned(read<int64_t>());
  launch.grid.z = unsigned(read<int64_t>());
  launch.block.x = unsigned(read<int64_t>());
  shared_bytes = size_t(read<int64_t>());
  const auto seed = uint64_t(read<int64_t>());
  const auto count = int(read<int64_t>());
  if (count > kMostArguments || shared_bytes > kMostShared) std::exit(2);
  std::vector<std::pair<std::unique_ptr<unsigned char[]>, size_t>> buffers;
  for (int i = 0; i < count; ++i) {
    const bool is_buffer = read<int64_t>();
    const int64_t value = read<int64_t>();
    arguments[i] = value;
    if (!is_buffer) continue;
    auto& [bytes, size] = buffers.emplace_back(new unsigned char[size_t(value)], value);
    if (std::fread(bytes.get(), 1, size, stdin) != size) std::exit(2);
    arguments[i] = std::bit_cast<int64_t>(bytes.get());
  }
  ASAN_POISON_MEMORY_REGION(shared_memory + shared_bytes, kMostShared - shared_bytes);
  threads.resize(launch.block.x);
  for (unsigned i = 0; i < launch.block.x; i += kLanes) {
    exchanges.emplace_back(new unsigned char[kLanes][kExchangeBytes]);
  }
  // 0: ascending, 1: descending, others: shuffled.
  std::vector<unsigned> order(launch.block.x);
  std::iota(order.begin(), order.end(), 0u);
  if (seed == 1) std::reverse(order.begin(), order.end());
  if (seed > 1) std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
  for (unsigned z = 0; z < launch.grid.z; ++z) {
    for (unsigned y = 0; y < launch.grid.y; ++y) {
      for (unsigned x = 0; x < launch.grid.x; ++x) {
        block_index = {x, y, z};
        run_block(order);
      }
    }
  }
  for (const auto& [bytes, size] : buffers) std::fwrite(bytes.get(), 1, size, stdout);
  return 0;
}

}  // namespace cuda_emulation

int main() { return cuda_emulation::run(); }
