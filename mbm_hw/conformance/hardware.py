"""Checks of the hardware: the component, in Amaranth's simulator, has the reference's products."""

import re
from collections.abc import Sequence

from amaranth.sim import Simulator

from mbm_hw.conformance.checks import Absent, Failure, of_family, of_spec
from mbm_hw.conformance.points import operand_pairs
from mbm_hw.conformance.products import differing
from mbm_hw.hdl import Multiplier, to_verilog
from mbm_hw.hdl.cores import core_kind
from mbm_hw.hdl.cores.stand_in import MAX_WIDTH
from mbm_hw.multipliers import Spec, multiply
from mbm_hw.multipliers.registry import Family

EXHAUSTIVE_BITS = 6
SAMPLE = 15


def _component(spec: Spec) -> Multiplier:
    """Return the multiplier; Absent where a wide spec has no component."""
    core = core_kind_or_absent(spec)
    if core.remark and spec.width > EXHAUSTIVE_BITS:
        raise Absent(f"no component: a product table stands in, to {MAX_WIDTH} bits")
    return Multiplier(spec)


def core_kind_or_absent(spec: Spec):
    """Return the class of the spec's core; Absent where there is none."""
    try:
        return core_kind(spec)
    except ValueError as error:
        if "has no component" not in str(error):
            raise
        raise Absent(f"no component: a product table stands in, to {MAX_WIDTH} bits") from error


@of_spec
def check_component(spec: Spec):
    """The component has all products to 6 bits; above, those of corners and of a sample."""
    component = _component(spec)
    a, b = operand_pairs(spec, EXHAUSTIVE_BITS, SAMPLE)
    mask = (1 << spec.product_width) - 1
    found = []

    async def testbench(context):
        for x, y in zip(a.tolist(), b.tolist(), strict=True):
            context.set(component.a, x)
            context.set(component.b, y)
            await context.delay(1e-9)
            found.append(context.get(component.product))

    simulator = Simulator(component)
    simulator.add_testbench(testbench)
    simulator.run()
    expected = [product & mask for product in multiply(spec, a, b).tolist()]
    differing(spec, a, b, found, expected, "the component (patterns)")


@of_family
def check_verilog(entry: Family, specs: Sequence[Spec]):
    """The Verilog's module has the spec's name: checked of one spec, since an export takes long."""
    if not specs:
        raise Absent("no spec of the family can be made by name")
    spec = min(specs, key=lambda spec: spec.width)
    core_kind_or_absent(spec)
    if not re.search(rf"^module {spec.identifier}\(", to_verilog(spec), re.M):
        raise Failure(f"{spec.identifier}: the Verilog has no module of this name")
