"""Between float32 and the values of a floating-point format that a multiplier takes: rounding."""

from dataclasses import dataclass

import torch

from mbm_hw.nn.quantize import Quantizer
from mbm_hw.ops.rounding import round_to_format


@dataclass(frozen=True)
class Rounding(Quantizer):
    """What layers with a float spec do to their operands: no codes, no scales, no calibration."""

    def observer(self):
        return None

    def activation_scale(self, amax, spec):
        return torch.ones((), dtype=torch.float32)

    def weight_scale(self, weight, spec):
        return torch.ones(weight.shape[0], dtype=torch.float32, device=weight.device)

    def steps(self, x, scale):
        return x

    def codes(self, x, scale, spec, dtype):
        return round_to_format(x, spec.exponent_bits, spec.mantissa_bits)

    def is_in_range(self, codes, x, scale, spec):
        return codes.isfinite()
