"""The way of a spec through `torch.library`: an operator's schema knows no spec object.

A spec travels as `SpecValues`: its family, its parameters as integers and, for a `Table`, its
product table as a tensor. All operators take these three.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mbm_hw.multipliers import FloatSpec, IntegerSpec, Spec, Table, product_table
from mbm_hw.multipliers.registry import family_of, family_of_spec


class SpecValues(NamedTuple):
    """A spec as an operator takes it.

    family : its key, see `Family.key`.
    parameters : its fields as integers, see `Family.values`; of a table width, signed,
        sign_magnitude.
    table : of the family `table` int32 [2**width, 2**width], indexed by the operands'
        two's-complement patterns; None for the others.
    """

    family: str
    parameters: Sequence[int]
    table: Tensor | None

    @property
    def width(self) -> int:
        return self._operands.width

    @property
    def signed(self) -> bool:
        return self._operands.signed

    @property
    def code_range(self) -> tuple[int, int]:
        """The smallest and the largest legal code of an integer spec."""
        return self._operands.low, self._operands.high

    @property
    def _operands(self) -> "_Operands":
        return _operands(self.family, _integers(self.parameters))

    def __str__(self):
        return f"{'a signed' if self.signed else 'an unsigned'} {self.width}-bit {self.family} spec"


def _integers(parameters: Sequence[int]) -> tuple[int, ...]:
    """Return a key for caches: a symbolic integer, as `torch.compile` traces with, has none."""
    return tuple(map(int, parameters))


class _Operands(NamedTuple):
    width: int
    signed: bool
    low: int
    high: int


@functools.lru_cache(maxsize=4096)
def _operands(family: str, parameters: tuple[int, ...]) -> _Operands:
    if family != Table.family:
        spec = _spec(family, parameters)
        if spec.is_float:
            raise ValueError(f"operators on codes take integer families, not {family!r}")
        return _Operands(spec.width, spec.signed, spec.operand_min, spec.operand_max)
    if len(parameters) != 3:
        raise ValueError(f"a table has the parameters width, signed, sign_magnitude: {parameters}")
    width, signed, sign_magnitude = parameters[0], bool(parameters[1]), bool(parameters[2])
    high = (1 << (width - signed)) - 1
    return _Operands(width, signed, -high - (not sign_magnitude) if signed else 0, high)


def values_of(spec: IntegerSpec | FloatSpec) -> SpecValues:
    """Return the values that stand for a spec; a table's with its products, on the CPU."""
    entry = family_of_spec(spec)
    if entry.kind is Table:
        parameters = spec.width, int(spec.signed), int(spec.sign_magnitude)
        return SpecValues(spec.family, parameters, product_table_tensor(spec))
    return SpecValues(entry.key, entry.values(spec), None)


def spec_of(values: SpecValues) -> Spec:
    """Return the spec that `values` without a table stand for; a ValueError if there is none."""
    return _spec(values.family, _integers(values.parameters))


def float_spec_of(values: SpecValues) -> FloatSpec:
    """Return the float spec that `values` stand for; a ValueError if there is none."""
    spec = spec_of(values)
    if not spec.is_float:
        raise ValueError(f"float operators take float families, not {values.family!r}")
    return spec


@functools.lru_cache(maxsize=4096)
def _spec(family: str, parameters: tuple[int, ...]) -> Spec:
    return family_of(family).spec(parameters)


@torch.compiler.disable  # NumPy's part; `nn` has its tables ready, so that its layers compile
def product_table_tensor(spec: IntegerSpec) -> Tensor:
    """Return `product_table(spec)` as int32 [2**width, 2**width], with a stride(0) of 1.

    So in memory the products of a weight adjoin: kernels read a row for each weight.
    """
    return torch.from_numpy(_table_by_weight(spec)).t()


# Not a tensor, which might be a fake one. Not all tables: one of 12 bits takes 64 MiB.
@functools.lru_cache(maxsize=32)
def _table_by_weight(spec):
    return product_table(spec).T.astype("int32", order="C")
