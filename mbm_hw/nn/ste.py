"""The straight-through estimator: forward approximate, backward exact.

Ref: Y. Bengio, N. Leonard, A. Courville, arXiv:1308.3432, 2013.
"""

import torch
from torch import Tensor

from mbm_hw.multipliers import Spec
from mbm_hw.nn.quantize import Quantizer


def straight_through(approximate: Tensor, exact: Tensor) -> Tensor:
    """Return `approximate`, bit for bit, with the gradient of `exact`; shapes are the same."""
    return _StraightThrough.apply(approximate, exact)


def fake_quantize(x: Tensor, scale: Tensor, quantizer: Quantizer, spec: Spec) -> Tensor:
    """Return code * scale for the codes of `x`, float32.

    The gradient is 1 where x rounds to a code in range and 0 where that was clipped; scale is a
    constant.
    """
    codes = quantizer.codes(x.detach(), scale, spec, torch.float32)
    inside = quantizer.is_in_range(codes, x.detach(), scale, spec)
    return straight_through(codes, quantizer.steps(x, scale) * inside) * scale


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(approximate, exact):
        # Not the input itself, and no view: in-place activations may follow.
        return approximate.detach()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, gradient):
        return None, gradient
