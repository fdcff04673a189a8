"""Products that are sums of other products of transformed operands: the lowering `Terms`.

Up to 8 bits the product table is faster; above, each term is a convolution of transformed codes.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mbm_hw.multipliers import Exact, IntegerSpec, pattern_values
from mbm_hw.multipliers.lowering import Term, Terms
from mbm_hw.ops.codes import MAX_WIDTH, code_dtype
from mbm_hw.ops.spec_values import SpecValues, spec_of, values_of

Run = Callable[[Tensor, Tensor, Tensor, SpecValues], None]
"""Writes the sums of the products of codes x and w to a tensor, as a spec multiplies."""


class Transform(NamedTuple):
    """A transformed operand for each code, by its two's-complement pattern.

    fitting, rest : tensors [2**width] whose sum is the transformed operand; `fitting` are operands
        of the spec whose products are summed, `rest` is None if that is all.
    """

    fitting: Tensor
    rest: Tensor | None

    def parts(self, codes: Tensor) -> list[Tensor]:
        """Return tensors like `codes` that sum up to the transformed operand."""
        patterns = codes.flatten().int() & (len(self.fitting) - 1)
        parts = [self.fitting] if self.rest is None else [self.fitting, self.rest]
        first, *rest = (
            part.to(codes.device).index_select(0, patterns).view(codes.shape) for part in parts
        )
        return [first, *(part for part in rest if part.any())]


class Summand(NamedTuple):
    """A term, ready: the spec whose products are summed, what becomes of the codes, a factor."""

    of: SpecValues
    x: Transform
    w: Transform
    factor: int


def run_products(x: Tensor, w: Tensor, out: Tensor, spec: SpecValues, run: Run):
    """Write the sums of the spec's products to `out` by `run`, term by term where it has terms."""
    summands = summands_of(spec)
    if summands is None:
        run(x, w, out, spec)
        return
    pieces = [
        (left, right, summand)
        for summand in summands
        for left in summand.x.parts(x)
        for right in summand.w.parts(w)
    ]
    target = out
    for left, right, summand in pieces:
        run(left, right, target, summand.of)
        if target is not out:
            out.add_(target, alpha=summand.factor)
        else:
            out.mul_(summand.factor) if summand.factor != 1 else None
            target = torch.empty_like(out) if len(pieces) > 1 else out


def summands_of(spec: SpecValues) -> tuple[Summand, ...] | None:
    """Return the terms of a spec's products, ready; None for specs that multiply in another way.

    These are specs without terms, and those of at most 8 bits.
    """
    return None if spec.table is not None or spec.width <= 8 else _summands(spec_of(spec))


@functools.lru_cache(maxsize=64)
def _summands(spec: IntegerSpec) -> tuple[Summand, ...] | None:
    lowering = spec.lowering()
    if type(lowering) is not Terms:
        return None
    return tuple(_summand(spec, lowering.of, term) for term in lowering.terms)


def _summand(spec: IntegerSpec, of: IntegerSpec | None, term: Term) -> Summand:
    sides = [_by_pattern(spec, function) for function in (term.left, term.right)]
    if of is None:
        has_signs = spec.signed or any(side.min() < 0 for side in sides)
        of = Exact(MAX_WIDTH if has_signs else spec.width, signed=has_signs)
    transforms = (_transform(spec, of, side) for side in sides)
    return Summand(values_of(of), *transforms, term.factor)


def _by_pattern(spec: IntegerSpec, function) -> np.ndarray:
    """Return the transformed operands, int64 [2**width], by the patterns of the codes."""
    values = np.clip(pattern_values(spec), spec.operand_min, spec.operand_max)
    if spec.signed and spec.takes_magnitudes:
        transformed = function(np.abs(values).astype(np.uint64)).astype(np.int64)
        transformed = np.where(values < 0, -transformed, transformed)
    else:
        transformed = function(values.astype(np.int64 if spec.signed else np.uint64))
        transformed = transformed.astype(np.int64)
    if transformed[0] != 0:
        raise ValueError(f"{spec}: a term's operand for 0 must be 0, not {transformed[0]}")
    return transformed


def _transform(spec: IntegerSpec, of: IntegerSpec, transformed: np.ndarray) -> Transform:
    fitting = np.clip(transformed, of.operand_min, of.operand_max)
    rest = transformed - fitting
    if rest.min() < of.operand_min or rest.max() > of.operand_max:
        raise ValueError(f"{spec}: a term's operands are beyond twice those of {of}")
    dtype = code_dtype(of)
    fitting, rest = (torch.from_numpy(part).to(dtype) for part in (fitting, rest))
    return Transform(fitting, rest if rest.any() else None)
