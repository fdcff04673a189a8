"""The core of multipliers that add logarithms; read it beside `multipliers.log`.

The structure is Mitchell's: two leading-one detectors, one adder for characteristics and fractions,
and one barrel shifter.

Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
"""

from amaranth import Cat, Const, Module, Signal, Value

from mbm_hw.hdl.cores.core import Core
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.hdl.leading_one import LeadingOne
from mbm_hw.hdl.shifter import scaled
from mbm_hw.multipliers import Spec
from mbm_hw.multipliers.log import LogSteps


@core_of(LogSteps)
class LogStepsCore(Core):
    """The product of two magnitudes: the antilogarithm of a sum of logarithms.

    Fractions hold the kept bits alone, in units of 2**-kept_width. Parameters and members are
    Core's.
    """

    def __init__(self, spec: Spec, latency: int = 0):
        self.kept_width = spec.fraction_width - spec.truncation
        self.magnitude_width = spec.product_width - spec.signed
        super().__init__(spec, latency)

    def operand(self, m, name, x):
        return self.log2(m, name, x)

    def combined(self, m, a, b):
        (log_a, nonzero_a), (log_b, nonzero_b) = a, b
        return self.total(m, log_a, log_b), self.is_nonzero(nonzero_a, nonzero_b)

    def result(self, m, total, nonzero):
        fraction, characteristic = total[: self.kept_width], total[self.kept_width :]
        return self.shifted(m, Cat(fraction, Const(1, 1)), characteristic, nonzero)

    def log2(self, m: Module, name: str, x: Value) -> tuple[Signal, Signal]:
        """Return Mitchell's log2 of `x`, fraction below characteristic, and whether x is not 0."""
        forced = self.forced()
        m.submodules[f"leading_one_{name}"] = leading_one = LeadingOne(
            self.spec.width, self.kept_width - len(forced)
        )
        characteristic = Signal.like(leading_one.position, name=f"characteristic_{name}")
        fraction = Signal(self.kept_width, name=f"fraction_{name}")
        nonzero = Signal(name=f"nonzero_{name}")
        log = Signal(len(fraction) + len(characteristic), name=f"log_{name}")
        m.d.comb += [
            leading_one.x.eq(x),
            characteristic.eq(leading_one.position),
            fraction.eq(Cat(forced, leading_one.tail)),
            nonzero.eq(leading_one.valid),
            log.eq(Cat(fraction, characteristic)),
        ]
        return log, nonzero

    def total(self, m: Module, log_a: Value, log_b: Value) -> Value:
        """Return the sum of the logarithms, fraction below characteristic."""
        total = Signal(len(log_a) + 1)
        m.d.comb += total.eq(log_a + log_b)
        return total

    def forced(self) -> Const:
        """Return the fraction's bits that are set whatever the operand: one, or none."""
        return Const(1, int(self.spec.forced))

    def is_nonzero(self, nonzero_a: Value, nonzero_b: Value) -> Value:
        return nonzero_a & nonzero_b

    def shifted(self, m: Module, mantissa: Value, characteristic: Value, nonzero: Value) -> Value:
        """Return floor(mantissa * 2**(characteristic - kept_width)), or 0 for a zero operand."""
        return scaled(
            m, mantissa, characteristic, self.kept_width, self.magnitude_width, gate=nonzero
        )
