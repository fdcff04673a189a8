// Memory that begins on a cache line, as whole-register loads want it.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace mbm_hw {

inline constexpr std::align_val_t kCacheLine{64};

struct AlignedDelete {
  template <class T>
  void operator()(T* data) const {
    ::operator delete(data, kCacheLine);
  }
};

// An array of plain values, not initialised.
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t size)
      : data_(static_cast<T*>(::operator new(size * sizeof(T), kCacheLine))) {}

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](size_t i) { return data_.get()[i]; }

 private:
  std::unique_ptr<T, AlignedDelete> data_;
};

}  // namespace mbm_hw
