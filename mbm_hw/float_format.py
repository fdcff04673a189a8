"""Between float32 and the values of a floating-point format that a multiplier takes: rounding."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mbm_hw.quantize import Quantizer


def round_to_format(x: Tensor, exponent_bits: int, mantissa_bits: int) -> Tensor:
    """Return `x`, float32, rounded to a format's values, also as float32; no gradient.

    exponent_bits : 2 to 8. mantissa_bits : stored ones, 1 to 23.

    To the nearest mantissa, ties to even, as if the exponent had no bounds. Then what is above the
    format's largest number is infinite, and what is below its smallest normal number is zero, each
    with its sign: the formats of the specs have no subnormal numbers. NaN becomes the quiet NaN.
    """
    dropped, bias = 23 - mantissa_bits, (1 << (exponent_bits - 1)) - 1
    smallest, overflow = (128 - bias) << 23, (128 + bias) << 23
    bits = x.detach().contiguous().view(torch.int32)
    magnitude = bits & 0x7FFFFFFF
    is_nan = magnitude > 0x7F800000
    # Half a step below `smallest` already rounds to it. With 8 exponent bits, that step is among
    # float32's subnormal numbers, where it takes half as many patterns.
    is_zero = magnitude < smallest - ((1 << dropped) >> (2 if exponent_bits == 8 else 1))
    if dropped:  # a NaN's pattern may overflow int32
        odd = (magnitude >> dropped).bitwise_and_(1)
        magnitude.add_(odd).add_((1 << (dropped - 1)) - 1).bitwise_and_(-1 << dropped)
    magnitude.masked_fill_(magnitude >= overflow, 0x7F800000)
    magnitude.masked_fill_(is_zero, 0).masked_fill_(is_nan, 0x7FC00000)
    return magnitude.bitwise_or_(bits & -0x80000000).view(torch.float32)


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
