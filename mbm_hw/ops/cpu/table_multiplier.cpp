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
  // In blocks of rows, and in steps that are vectors: a layer's table is read at every pass.
  constexpr int kRows = 16;
  int32_t rows[kRows][256];
  uint8_t low[256], high[256];
  for (int first = 0; first < size; first += kRows) {
    for (int a = 0; a < size; ++a) {
      const int32_t* column = table.data + a * table.a_stride + first * table.b_stride;
      for (int i = 0; i < kRows; ++i) rows[i][a] = column[i * table.b_stride];
    }
    for (int i = 0; i < kRows; ++i) {
      const int32_t* row = rows[i];
      for (int a = 0; a < size; ++a) low[a] = uint8_t(row[a]);
      for (int a = 0; a < size; ++a) high[a] = uint8_t((row[a] + planes_.bias) >> 8);
      if (planes_.odd) {
        int even = row[0];  // what the row has that is not odd
        for (int a = 1; a < 128; ++a) even |= row[a] + row[256 - a];
        planes_.odd = even == 0;
      }
      for (int half = 0; half < size; half += 128) {
        uint8_t* bytes = bytes_.data() + half / 128 * kHalf + (first + i) * kBytePlanesRow;
        const int count = std::min(size - half, 128);
        if (isa != Isa::kAvx2) {
          std::copy_n(low + half, count, bytes);
          std::copy_n(high + half, count, bytes + 128);
          continue;
        }
        if (half) std::reverse(low + half, low + half + count);
        if (half) std::reverse(high + half, high + half + count);
        for (int piece = 0; piece < count; piece += 16) {
          std::copy_n(low + half + piece, 16, bytes + 2 * piece);
          std::copy_n(high + half + piece, 16, bytes + 2 * piece + 16);
        }
      }
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
