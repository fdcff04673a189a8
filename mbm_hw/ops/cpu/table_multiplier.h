// Products read from a table: any multiplier of at most 12 bits, in the same time for all of them.
#pragma once

#include <cstdint>
#include <vector>

#include "aligned.h"
#include "kernels.h"

namespace mbm_hw {

// A product table as the caller holds it: the product of the patterns a, b (two's complement where
// signed) is data[a * a_stride + b * b_stride], a, b < 2**width.
struct ProductTable {
  const int32_t* data;
  int64_t a_stride, b_stride;
  int width;
};

// Entry is the narrowest type that holds a product. The rows, one for each weight, are copied
// unless the table lies so already; then it must outlive the multiplier.
template <class CodeT, class OperandT, class EntryT, class SumT>
class TableMultiplier {
 public:
  using Code = CodeT;
  using Operand = OperandT;
  using Weight = Operand;
  using Sum = SumT;
  static constexpr const char* kName = "table in memory";
  static constexpr bool kTakesPlanes = false;
  static constexpr int kScratch = 0;
  using Entry = EntryT;

  TableMultiplier(const ProductTable& table, Isa isa);
  TableMultiplier(const TableMultiplier&) = delete;
  TableMultiplier& operator=(const TableMultiplier&) = delete;

  bool takes_codes() const { return mask_ == Operand(~0u) && sizeof(Code) == sizeof(Operand); }
  auto encoder() const {
    return [mask = mask_](Code code) -> Operand { return static_cast<Operand>(code) & mask; };
  }
  auto weight_encoder() const { return encoder(); }
  void add(const Tile<Operand, Sum>& tile) const {
    MBM_HW_CALL(isa_, table_add, rows_, width_, tile);
  }

 private:
  Isa isa_;
  int width_;
  Operand mask_;
  const Entry* rows_;  // [2**width of b][2**width of a]
  std::vector<Entry> copy_;
};

#ifdef MBM_HW_X86
// Up to 8 bits, from registers: AVX2 and AVX-512.
template <class CodeT, class SumT>
class ByteTableMultiplier {
 public:
  using Code = CodeT;
  using Operand = uint8_t;
  using Weight = Operand;
  using Sum = SumT;
  static constexpr const char* kName = "table in registers";
  static constexpr bool kTakesPlanes = false;
  static constexpr int kScratch = 2 * kTileDepth * kTilePositions;

  ByteTableMultiplier(const ProductTable& table, Isa isa);

  bool takes_codes() const { return mask_ == Operand(~0u) && sizeof(Code) == sizeof(Operand); }
  auto encoder() const {
    return [mask = mask_](Code code) -> Operand { return static_cast<Operand>(code) & mask; };
  }
  auto weight_encoder() const { return encoder(); }
  void add(const Tile<Operand, Sum>& tile) const {
    isa_ == Isa::kAvx512 ? avx512::byte_table_add(planes_, tile)
                         : avx2::byte_table_add(planes_, tile);
  }

 private:
  Isa isa_;
  Operand mask_;
  AlignedArray<uint8_t> bytes_;
  BytePlanes planes_;
};

using ByteTableInt8 = ByteTableMultiplier<int8_t, int32_t>;
using ByteTableUInt8 = ByteTableMultiplier<uint8_t, int64_t>;
#endif

using TableInt8 = TableMultiplier<int8_t, uint8_t, int16_t, int32_t>;     // signed, to 8 bits
using TableUInt8 = TableMultiplier<uint8_t, uint8_t, uint16_t, int64_t>;  // unsigned, to 8 bits
using TableInt16 = TableMultiplier<int16_t, uint16_t, int32_t, int64_t>;  // signed, 9 to 12 bits
using TableUInt16 = TableMultiplier<int32_t, uint16_t, int32_t, int64_t>;  // unsigned, 9 to 12

}  // namespace mbm_hw
