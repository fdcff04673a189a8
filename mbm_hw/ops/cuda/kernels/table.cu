// Products read from a table, any multiplier of at most 12 bits. MBM_HW_ENTRY is the type of what
// is read, from shared memory if MBM_HW_IN_SHARED, which takes an int16 table of 8 bits: 128 KiB.
//
// A row holds the products of one weight. A warp reads two rows at a time, for 16 activations each:
// conflicts are those of 32 reads among a row's 128 words, and equal activations of a row are one
// read. Two products adjoin in a word, so that the common small codes are spread over the banks.
#include "geometry.h"

namespace mbm_hw {

template <class Sum>
struct TableTotal {
  int32_t near;
};
template <>
struct TableTotal<int64_t> {
  int32_t near;
  int64_t sum;
};

struct TableProducts {
  using Code = MBM_HW_CODE;
  using Sum = MBM_HW_SUM;
  using Entry = MBM_HW_ENTRY;
  using X = uint32_t;
  using W = uint32_t;
  static constexpr int kWidth = MBM_HW_WIDTH;
  static constexpr bool kInShared = MBM_HW_IN_SHARED;
  static constexpr int kSharedBytes = kInShared ? int(sizeof(Entry)) << (2 * kWidth) : 0;
  // So many entries of 2 * kWidth bits fit a 32-bit sum, which int64 sums are flushed from.
  static constexpr bool kWide = sizeof(Sum) == 8;
  static constexpr int kUnroll = 1;
  static constexpr int kAbsentWeight = 0, kPlainUnroll = 0;
  static constexpr bool kHasPlain = false, kHasCorner = false;
  static constexpr int kFlushTerms = kWide ? 1 << (31 - 2 * kWidth) : 0;
  using Total = TableTotal<Sum>;

  // table : int32 [2**width of w][2**width of x], or where in shared memory, of Entry.
  __device__ TableProducts(const int32_t* table, unsigned char* shared_memory) {
    rows_ = reinterpret_cast<const unsigned char*>(table);
    if constexpr (kInShared) {
      const auto* source = reinterpret_cast<const uint4*>(table);
      auto* target = reinterpret_cast<uint4*>(shared_memory);
      for (int i = int(threadIdx.x); i < kSharedBytes / 16; i += int(blockDim.x)) {
        target[i] = source[i];
      }
      rows_ = shared_memory;
      __syncthreads();
    }
  }
  static __device__ uint32_t pattern(Code code) { return uint32_t(code) & ((1u << kWidth) - 1); }
  // In bytes.
  __device__ X x_operand(Code code) const { return pattern(code) * sizeof(Entry); }
  __device__ W w_operand(Code code) const { return (pattern(code) << kWidth) * sizeof(Entry); }
  __device__ X x_value(X x) const { return x; }
  __device__ W w_value(W w) const { return w; }
  static __device__ void start(Total& total) { total = {}; }
  __device__ void add(Total& total, X x, W w) const {
    total.near += int32_t(*reinterpret_cast<const Entry*>(rows_ + (w + x)));
  }
  static __device__ void flush(TableTotal<int32_t>&) {}
  static __device__ void flush(TableTotal<int64_t>& total) {
    total.sum += total.near;
    total.near = 0;
  }
  __device__ int32_t sum(const TableTotal<int32_t>& total) const { return total.near; }
  __device__ int64_t sum(const TableTotal<int64_t>& total) const { return total.sum; }

 private:
  const unsigned char* rows_;
};

}  // namespace mbm_hw

#define MBM_HW_PRODUCTS TableProducts
#include "convolution_kernel.h"
