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

    The sum's fraction is in units of 2**-kept_width. Each logarithm has the top `log_width` bits of
    its fraction. Parameters and members are Core's.
    """

    def __init__(self, spec: Spec, latency: int = 0):
        self.kept_width = spec.fraction_width - spec.truncation
        self.log_width = self.kept_width
        self.magnitude_width = spec.product_width - spec.signed
        super().__init__(spec, latency)

    def operand(self, m, name, x):
        return self.log2(m, name, x)

    def combined(self, m, a, b):
        (log_a, nonzero_a), (log_b, nonzero_b) = a, b
        return self.total(m, log_a, log_b), self.is_nonzero(nonzero_a, nonzero_b)

    def result(self, m, total, nonzero):
        appended = self.appended()
        split = self.kept_width - len(appended)
        mantissa = Cat(appended, total[:split], Const(1, 1))
        return self.shifted(m, mantissa, total[split:], nonzero)

    def log2(self, m: Module, name: str, x: Value) -> tuple[Signal, Signal]:
        """Return Mitchell's log2 of `x`, fraction below characteristic, and whether x is not 0."""
        forced = self.forced()
        m.submodules[f"leading_one_{name}"] = leading_one = LeadingOne(
            self.spec.width, self.log_width - len(forced)
        )
        characteristic = Signal.like(leading_one.position, name=f"characteristic_{name}")
        fraction = Signal(self.log_width, name=f"fraction_{name}")
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
        """Return the sum of the logarithms, fraction below characteristic, without `appended`."""
        total = Signal(len(log_a) + 1)
        m.d.comb += total.eq(log_a + log_b)
        return total

    def appended(self) -> Const:
        """Return the sum's lowest bits where they are the same for all operands."""
        return Const(0, 0)

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
