// The logarithmic multiplier that a kernel is compiled for: see log_arithmetic.h.
#pragma once

#include "log_arithmetic.h"

namespace mbm_hw {

struct LogSpec {
  static constexpr int kWidth = MBM_HW_WIDTH, kTruncation = MBM_HW_TRUNCATION;
  static constexpr uint32_t kCorrection = MBM_HW_CORRECTION;
  static constexpr uint32_t kCorrectionWithCarry = MBM_HW_CORRECTION_WITH_CARRY;
  static constexpr int kSmallCharacteristic = MBM_HW_SMALL_CHARACTERISTIC;
};

}  // namespace mbm_hw
