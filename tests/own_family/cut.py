"""A family that is in no list: a multiplier whose operands lose their lowest bits."""

from dataclasses import dataclass

import numpy as np
from amaranth import Const, Module, Value

from mbm_hw.hdl.cores import Core, core_of
from mbm_hw.multipliers import IntegerSpec, family, flag, integer
from sim.cases import cases_of
from sim.cases.bins import crossed
from sim.cases.bins import flag as case
from sim.cases.integer import IntegerCases
from sim.faults import planted


@family("cut")
@dataclass(frozen=True, kw_only=True)
class Cut(IntegerSpec):
    """The exact product of operands without their lowest bits, and a constant.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    k : int
        Bits dropped, 1 to ``width - 2``.
    bias : bool
        Add 1, to the product of zeros too.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    A. Nobody, Journal of Tests, 2026.

    Examples
    --------
    >>> from mbm_hw import multiply
    >>> int(multiply(Cut(width=8, k=2), 100, 203))
    20000
    """

    width: int
    k: int = integer("k", 1, lambda spec: spec.width - 2)
    bias: bool = flag("bias")
    signed: bool = False

    def product(self, a, b):
        k = np.uint64(self.k)
        return ((a >> k) * (b >> k) << (k + k)) + np.uint64(self.bias)


@core_of(Cut)
class CutCore(Core):
    def operand(self, m: Module, name: str, x: Value):
        return (x[self.spec.k :],)

    def combined(self, m: Module, a, b):
        return (a[0] * b[0] + self.bias(),)

    def result(self, m: Module, product: Value):
        return (product - self.bias() << 2 * self.spec.k) + int(self.spec.bias)

    def bias(self) -> int:
        """Return what the registers between the steps hold more: in them a reset leaves no 0."""
        return 1


@cases_of(Cut)
class CutCases(IntegerCases):
    def bins(self, a, b):
        yield from super().bins(a, b)
        yield crossed("cut", case(a % (1 << self.spec.k) != 0))


@planted(Cut(width=6, k=2))
class OneBitMoreDropped(CutCore):
    def operand(self, m, name, x):
        return (x[self.spec.k :] & ~Const(1, len(x)),)


@planted(Cut(width=6, k=2, bias=True))
class ZeroForgotten(CutCore):
    def result(self, m, product):
        return (product - 1 << 2 * self.spec.k) + (product != 1)
