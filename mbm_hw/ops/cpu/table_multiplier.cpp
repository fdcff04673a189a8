#include "table_multiplier.h"

#include <algorithm>
#include <type_traits>

namespace mbm_hw {

template <class CodeT, class OperandT, class EntryT, class SumT>
TableMultiplier<CodeT, OperandT, EntryT, SumT>::TableMultiplier(const ProductTable& table,
                                                                Isa isa)
    : isa_(isa), width_(table.width), mask_((1u << table.width) - 1) {
  const int64_t size = int64_t(1) << table.width;
  if constexpr (std::is_same_v<EntryT, int32_t>) {
    if (table.a_stride == 1 && table.b_stride == size) {
      rows_ = table.data;
      return;
    }
  }
  copy_.resize(size * size);
  // In blocks, so that neither side of the transposition runs through the cache for each entry.
  constexpr int64_t kBlock = 16;
  for (int64_t b_block = 0; b_block < size; b_block += kBlock) {
    for (int64_t a_block = 0; a_block < size; a_block += kBlock) {
      for (int64_t b = b_block; b < b_block + kBlock; ++b) {
        for (int64_t a = a_block; a < a_block + kBlock; ++a) {
          copy_[b * size + a] = EntryT(table.data[a * table.a_stride + b * table.b_stride]);
        }
      }
    }
  }
  rows_ = copy_.data();
}

#ifdef MBM_HW_X86
template <class CodeT, class SumT>
ByteTableMultiplier<CodeT, SumT>::ByteTableMultiplier(const ProductTable& table, Isa isa)
    : isa_(isa), mask_((1u << table.width) - 1), bytes_(2 * 256 * kBytePlanesRow) {
  std::fill_n(bytes_.data(), 2 * 256 * kBytePlanesRow, uint8_t(0));
  constexpr int kHalf = 256 * kBytePlanesRow;
  const int size = 1 << table.width;
  const bool is_signed = std::is_signed_v<CodeT>;
  planes_ = {bytes_.data(), bytes_.data() + kHalf, is_signed ? 1 << 15 : 0,
             is_signed && size == 256};
  for (int b = 0; b < size; ++b) {
    const int32_t* row = table.data + b * table.b_stride;
    const auto product = [&](int a) { return row[a * table.a_stride]; };
    for (int a = 0; a < size; ++a) {
      const int word = product(a) + planes_.bias;
      uint8_t* row = bytes_.data() + a / 128 * kHalf + b * kBytePlanesRow;
      const int i = isa == Isa::kAvx2 && a >= 128 ? 255 - a : a % 128;
      uint8_t* low = isa == Isa::kAvx2 ? row + i / 16 * 32 + i % 16 : row + i;
      low[0] = uint8_t(word);
      low[isa == Isa::kAvx2 ? 16 : 128] = uint8_t(word >> 8);
    }
    for (int a = 0; a < 128 && planes_.odd; ++a) {
      planes_.odd = product((256 - a) % 256) == -product(a);
    }
  }
  if (isa != Isa::kAvx2) return;
  for (int row = 0; row < 2 * 256; ++row) {
    uint8_t* bytes = bytes_.data() + kBytePlanesRow * row;
    for (int i = kBytePlanesRow - 1; i >= 32; --i) bytes[i] ^= bytes[i - 32];
  }
}

template class ByteTableMultiplier<int8_t, int32_t>;
template class ByteTableMultiplier<uint8_t, int64_t>;
#endif

template class TableMultiplier<int8_t, uint8_t, int16_t, int32_t>;
template class TableMultiplier<uint8_t, uint8_t, uint16_t, int64_t>;
template class TableMultiplier<int16_t, uint16_t, int32_t, int64_t>;
template class TableMultiplier<int32_t, uint16_t, int32_t, int64_t>;

}  // namespace mbm_hw
