"""A core: the component that multiplies, without the signs."""

from collections.abc import Iterable
from typing import ClassVar

from amaranth import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from mbm_hw.hdl.registers import registered
from mbm_hw.multipliers import Spec, Table, multiply


class Core(wiring.Component):
    """The product of two operands, in three steps that a subclass defines.

    The steps carry the names of the reference's parts. A subclass may override a part, which is how
    faults are planted. A core whose registers lie elsewhere defines `elaborate` instead.

    Parameters
    ----------
    spec : the multiplier.
    latency : register stages, 0 to 3: one holds what `combined` returns, two what `operand` returns
        as well, three what `result` returns too. Registers start at the initial values of the
        steps' signals: with them, the product must be that of 0 and 0.

    Members
    -------
    a, b : In(spec.width). Magnitudes, at most spec.magnitude_max; patterns where the spec takes no
        magnitudes.
    product : Out(spec.product_width), a bit less where the magnitudes are those of signed operands.
    en : In(1), the registers hold while it is 0. Not there if latency is 0.
    """

    remark: ClassVar[str] = ""
    """A line for the Verilog's header; empty where there is nothing to say."""
    takes_patterns: ClassVar[bool] = False
    """Whether operands are patterns even where the spec takes magnitudes."""

    def __init__(self, spec: Spec, latency: int = 0):
        self.spec = spec
        self.latency = latency
        super().__init__(self.members())

    @classmethod
    def check(cls, spec: Spec):
        """Raise a ValueError if there is no such core for `spec`."""

    @classmethod
    def has_signs(cls, spec: Spec) -> bool:
        """Return whether signs are taken off before the core, and put on after it."""
        return not (spec.is_float or cls.takes_patterns) and spec.signed and spec.takes_magnitudes

    @classmethod
    def memory_table(cls, spec: Spec) -> Table | None:
        """Return the table whose file the Verilog reads; None if it holds all itself."""
        return None

    def members(self) -> dict[str, wiring.Member]:
        product_width = self.spec.product_width - self.has_signs(self.spec)
        members = {"a": In(self.spec.width), "b": In(self.spec.width)}
        members |= {"product": Out(product_width)}
        return members | ({"en": In(1)} if self.latency else {})

    def operand(self, m: Module, name: str, x: Value) -> tuple[Value, ...]:
        """Return what `combined` takes of the operand `x`, which is called `name`: a or b."""
        return (x,)

    def combined(self, m: Module, a: tuple[Value, ...], b: tuple[Value, ...]) -> tuple[Value, ...]:
        """Return what `result` takes; a, b : what `operand` returned of each."""
        raise NotImplementedError(f"{type(self).__name__} has no `combined`")

    def result(self, m: Module, *combined: Value) -> Value:
        """Return the product, whose bits above those of the member are dropped."""
        (product,) = combined
        return product

    def elaborate(self, platform):
        m = Module()
        a, b = (
            self._stage(m, f"operand_{name}", self.operand(m, name, x), self.latency >= 2)
            for name, x in (("a", self.a), ("b", self.b))
        )
        combined = self._stage(m, "combined", self.combined(m, a, b), self.latency >= 1)
        result = Signal(len(self.product), init=product_of_zeros(self.spec))
        m.d.comb += result.eq(self.result(m, *combined))
        (product,) = self._stage(m, "result", (result,), self.latency >= 3)
        m.d.comb += self.product.eq(product)
        return m

    def _stage(self, m: Module, name: str, values: Iterable[Value], has_register: bool):
        """Return `values`, through registers if `has_register`; unnamed ones are called `name`."""
        if not has_register:
            return tuple(values)
        signals = [_signal(m, f"{name}{i}", value) for i, value in enumerate(values)]
        return tuple(registered(m, self.en, *signals))


def product_of_zeros(spec: Spec) -> int:
    """Return the pattern of the product of 0 and 0, at which registers start."""
    return int(multiply(spec, 0, 0)) & ((1 << spec.product_width) - 1)


def _signal(m: Module, name: str, value: Value) -> Signal:
    """Return `value` if it is a signal, else a signal called `name` that has its value."""
    if isinstance(value, Signal):
        return value
    signal = Signal(value.shape(), name=name)
    m.d.comb += signal.eq(value)
    return signal
