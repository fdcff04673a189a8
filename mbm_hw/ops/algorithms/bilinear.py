"""Bilinear algorithms: products of sums of operands, summed with other weights."""

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from mbm_hw.ops.operands import refuse_capture


@dataclass(frozen=True, eq=False)
class Bilinear:
    """y = output @ ((input @ x) * (weight @ w)) / denominator, for all x and w.

    One product for each of P rows stands between the transforms, which are a circuit's adders,
    shifts and constants. P is the algorithm's rank.

    input, weight, output : float64 [P, X], [P, W], [Y, P].
    denominator : what the output still is to be divided by, where the transforms are integers.
    """

    input: Tensor
    weight: Tensor
    output: Tensor
    denominator: int = 1

    def on(self, device: torch.device) -> "Bilinear":
        """Return it with its matrices on `device`, kept: a CUDA graph can take them, not copy."""
        return self if self.input.device == device else _on(self, device)

    @property
    def rank(self) -> int:
        return len(self.input)

    @property
    def gains(self) -> tuple[int, int, int]:
        """How much larger than the operands, x and w, and than the products the sums can be."""
        return tuple(int(m.abs().sum(1).max().ceil()) for m in self._matrices)

    @property
    def _matrices(self):
        return self.input, self.weight, self.output

    def along_both(self, columns: "Bilinear") -> "Bilinear":
        """Return the algorithm for rows x columns, flattened: this for rows, `columns` for them."""
        both = zip(self._matrices, columns._matrices, strict=True)
        matrices = (torch.kron(a, b) for a, b in both)
        return Bilinear(*matrices, self.denominator * columns.denominator)


@functools.cache
def _on(bilinear: Bilinear, device: torch.device) -> Bilinear:
    refuse_capture("a transform")
    matrices = (matrix.to(device) for matrix in bilinear._matrices)
    return Bilinear(*matrices, bilinear.denominator)
