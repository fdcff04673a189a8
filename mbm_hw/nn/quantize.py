"""Between real values and the codes that a multiplier takes: scales, rounding, calibration.

A code stands for code * scale. Activations have one scale per tensor, weights one per output
channel; zero is code 0. No code stands for NaN: the layers set an output to NaN if its sum meets a
NaN activation (`ops.carry_nan`), and the scale of an output with a NaN weight is NaN.
"""

from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import Tensor

from mbm_hw.multipliers import IntegerSpec


@dataclass(frozen=True)
class Quantizer:
    """What the quantisers share: codes in +-qmax, rounded half to even, clipped.

    gain : codes so small that gain times one is still an operand: what an algorithm's transforms
        enlarge them by (`ops.algorithms`). Layers set it.
    """

    gain: int = field(default=1, kw_only=True, repr=False)

    def qmax(self, spec: IntegerSpec) -> int:
        """Return the largest code; a ValueError if `spec` has not the operands for it."""
        raise NotImplementedError

    def observer(self) -> "AmaxObserver | None":
        """Return what watches a layer's activations in calibration; None where none is needed."""
        raise NotImplementedError

    def activation_scale(self, amax: Tensor | None, spec: IntegerSpec) -> Tensor:
        """Return the scale, float32 [], of activations whose observer found `amax`."""
        raise NotImplementedError

    def weight_scale(self, weight: Tensor, spec: IntegerSpec) -> Tensor:
        """Return the scales, float32 [O], of weights float32 [O, ...]; NaN where one of them is."""
        raise NotImplementedError

    @property
    def factor(self) -> float | None:
        """What a value is multiplied by before it is rounded; None where it is divided by scale."""
        return None

    @property
    def scales_weights_by_amax(self) -> bool:
        """Whether an output's scale is its largest |weight| / qmax, 1 where that is 0."""
        return False

    def steps(self, x: Tensor, scale: Tensor) -> Tensor:
        """Return `x` in units of `scale`: what is rounded to a code."""
        return x / scale if self.factor is None else x * x.new_full((), self.factor)

    def codes(self, x: Tensor, scale: Tensor, spec: IntegerSpec, dtype: torch.dtype) -> Tensor:
        """Return the codes of `x`, as `dtype`, in +-qmax(spec).

        x : float32. scale : float32, broadcast with x. Infinity is clipped. NaN becomes 0; whoever
            sums codes up carries it to the outputs.
        """
        qmax = self.qmax(spec)
        return self.steps(x, scale).nan_to_num().round().clamp(-qmax, qmax).to(dtype)

    def is_in_range(self, codes: Tensor, x: Tensor, scale: Tensor, spec: IntegerSpec) -> Tensor:
        """Return, as bool, where `x` was rounded to its code, not clipped."""
        return self.steps(x, scale).round().abs() <= self.qmax(spec)


@dataclass(frozen=True)
class Symmetric(Quantizer):
    """Codes in +-qmax, 2**(width - 1) - 1 over the gain, scale = amax / qmax, 1 where amax is 0.

    percentile : of the magnitudes of all observed activations, what becomes amax: 100 for their
        maximum (min-max calibration), less to clip outliers. The amax of weights is their maximum.
    """

    percentile: float = 100.0

    def __post_init__(self):
        if not 0 < self.percentile <= 100:
            raise ValueError(f"Symmetric: percentile must be in (0, 100], not {self.percentile!r}")

    def qmax(self, spec):
        qmax = ((1 << (spec.width - 1)) - 1) // self.gain
        if qmax < 1:
            raise ValueError(f"{spec} has no codes that may grow {self.gain} times")
        return qmax

    @property
    def scales_weights_by_amax(self):
        return True

    def observer(self):
        return AmaxObserver(self.percentile)

    def activation_scale(self, amax, spec):
        return self._scale(amax.float(), spec)

    def weight_scale(self, weight, spec):
        return self._scale(weight.detach().abs().flatten(1).amax(1), spec)

    def _scale(self, amax, spec):
        # In double: CUDA multiplies floats by a number's reciprocal, which may round differently.
        scale = (amax.double() / self.qmax(spec)).float()
        return torch.where(scale == 0, torch.ones_like(scale), scale)


@dataclass(frozen=True)
class Fixed(Quantizer):
    """Fixed point, the same for weights and activations: code = round(scale * x), clipped.

    scale : codes to the unit. limit : the largest code. Nothing is calibrated, so a value above
    limit / scale saturates, however common it is. (The hand-made study that this project comes from
    did so, with 1000 and 255; kept to show what it cost.)
    """

    scale: float = 1000
    limit: int = 255

    def __post_init__(self):
        if not self.scale > 0:
            raise ValueError(f"Fixed: scale must be above 0, not {self.scale!r}")
        if not self.limit >= 1:
            raise ValueError(f"Fixed: limit must be at least 1, not {self.limit!r}")

    def qmax(self, spec):
        largest = ((1 << (spec.width - 1)) - 1) // self.gain
        if self.limit > largest:
            grown = f", for them to grow {self.gain} times" if self.gain > 1 else ""
            raise ValueError(
                f"{self} needs codes to {self.limit}; {spec} has them to {largest}{grown}"
            )
        return self.limit

    def observer(self):
        return None

    def activation_scale(self, amax, spec):
        return torch.tensor(1 / self.scale, dtype=torch.float32)

    def weight_scale(self, weight, spec):
        # Not copied from the CPU, for which a GPU would wait.
        scale = weight.new_full(weight.shape[:1], 1 / self.scale, dtype=torch.float32)
        return scale.masked_fill(weight.detach().isnan().flatten(1).any(1), torch.nan)

    @property
    def factor(self):
        return float(self.scale)


# By name, as study files say it.
QUANTIZERS = MappingProxyType(
    {"symmetric": Symmetric(), "percentile": Symmetric(percentile=99.99), "fixed": Fixed()}
)


def rescale(sums: Tensor, x_scale: Tensor, w_scale: Tensor, bias: Tensor | None) -> Tensor:
    """Return sums * (x_scale * w_scale) + bias, in float32 and in this order; all broadcast."""
    y = sums.float() * (x_scale * w_scale)
    return y if bias is None else y + bias.float()


class AmaxObserver:
    """Watches tensors for the percentile of all their magnitudes.

    amax : float. 100 % is the exact maximum. Less is the smallest magnitude that so many percent do
        not exceed, as a histogram with 2**8 bins to the octave has it: at most 2**-8 of it too
        large, and the maximum where the percentile is 0.
    has_seen : whether there was any value.
    """

    MANTISSA_BITS_DROPPED = 15  # of float32's 23: a bin is the 8 exponent and 8 mantissa bits above

    def __init__(self, percentile: float = 100.0):
        self.percentile = percentile
        self.maximum = -1.0
        bins = 0 if percentile == 100 else 1 << (31 - self.MANTISSA_BITS_DROPPED)
        self.counts = torch.zeros(bins, dtype=torch.int64)

    @property
    def has_seen(self) -> bool:
        return self.maximum >= 0

    def update(self, x: Tensor):
        """Count the values of `x`, which are finite."""
        if x.numel() == 0:
            return
        magnitude = x.detach().float().abs()
        self.maximum = max(self.maximum, float(magnitude.max()))
        if len(self.counts):
            patterns = magnitude.flatten().view(torch.int32) >> self.MANTISSA_BITS_DROPPED
            self.counts += torch.bincount(patterns, minlength=len(self.counts)).cpu()

    @property
    def amax(self) -> float:
        if len(self.counts) == 0:
            return self.maximum
        cumulative = self.counts.cumsum(0).double()
        wanted = cumulative[-1] * (self.percentile / 100)
        index = int(torch.searchsorted(cumulative, wanted))
        upper_edge = torch.tensor((index + 1) << self.MANTISSA_BITS_DROPPED, dtype=torch.int32)
        return min(float(upper_edge.view(torch.float32)), self.maximum) if index else self.maximum
