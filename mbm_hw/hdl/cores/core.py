"""A core: the component that multiplies, without the signs."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from amaranth import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from mbm_hw.hdl.registers import registered
from mbm_hw.multipliers import Spec, Table


class Core(wiring.Component):
    """The product of two operands, in three steps that a subclass defines.

    The steps carry the names of the reference's parts. A subclass may override a part, which is how
    faults are planted. A core whose registers lie elsewhere defines `elaborate` instead.

    Parameters
    ----------
    spec : the multiplier.
    latency : register stages, 0 to 3: one holds what `combined` returns, two what `operand` returns
        as well, three what `result` returns too. Registers start at what the steps return for
        operands of 0.

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
    """True if operands are patterns even where the spec takes magnitudes."""
    drops_bits: ClassVar[bool] = False
    """True if bits of the operands, or of sums of rows, go nowhere: lint calls them unused."""

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
        cleared = self._cleared() if self.latency else {}

        def stage(name: str, latency: int, values: Iterable[Value]) -> tuple[Value, ...]:
            if self.latency < latency:
                return tuple(values)
            signals = [_signal(m, f"{name}{i}", value) for i, value in enumerate(values)]
            return tuple(registered(m, self.en, *signals, inits=cleared[name]))

        m.d.comb += self.product.eq(self._product(m, self.a, self.b, stage))
        return m

    def _product(self, m: Module, a: Value, b: Value, stage: Callable) -> Value:
        """Return the product; stage(name, latency, values) : the values behind a step."""
        a = stage("operand_a", 2, self.operand(m, "a", a))
        b = stage("operand_b", 2, self.operand(m, "b", b))
        combined = stage("combined", 1, self.combined(m, a, b))
        result = Signal(len(self.product))
        m.d.comb += result.eq(self.result(m, *combined))
        (product,) = stage("result", 3, (result,))
        return product

    def _cleared(self) -> dict[str, list[int]]:
        """Return what the steps return for operands of 0, by the stages' names."""
        m, stages = Module(), {}

        def stage(name: str, latency: int, values: Iterable[Value]) -> tuple[Value, ...]:
            stages[name] = tuple(values)
            return stages[name]

        zero = Const(0, self.spec.width)
        self._product(m, zero, zero, stage)

        async def read(context):
            for name, values in stages.items():
                stages[name] = [context.get(value) for value in values]

        simulator = Simulator(m)
        simulator.add_testbench(read)
        simulator.run()
        return stages


def _signal(m: Module, name: str, value: Value) -> Signal:
    """Return `value` if it is a signal, else a signal called `name` that has its value."""
    if isinstance(value, Signal):
        return value
    signal = Signal(value.shape(), name=name)
    m.d.comb += signal.eq(value)
    return signal
