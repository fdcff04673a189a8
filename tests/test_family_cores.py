"""The families' components against the reference, in Amaranth's own simulator."""

import numpy as np
import pytest
from components import assert_equal, expected_products, products, simulate
from family_vectors import entry_of, legal_specs, modules, widths_of

from mbm_hw.hdl import Multiplier
from mbm_hw.hdl.leading_one import LeadingOne
from mbm_hw.multipliers import multiply

FAMILIES = list(modules())


def few_specs(family, width):
    """Return the first, the middle and the last spec of a width, unsigned and signed."""
    entry = entry_of(family)
    for signed in entry.kind.SIGNS:
        specs = list(legal_specs(entry, width, signed))
        yield from {specs[0], specs[len(specs) // 2], specs[-1]}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_multiplier_of_4_bits_equals_the_reference(family):
    entry = entry_of(family)
    width = widths_of(entry.kind)[0]
    for signed in entry.kind.SIGNS if width < 8 else ():
        for spec in legal_specs(entry, width, signed):
            assert_equal(spec, products(Multiplier(spec)), expected_products(spec))


def pairs(spec, count):
    """Return operands: some near powers of two, some of every size."""
    generator = np.random.default_rng(spec.width)
    low, high = spec.operand_min, spec.operand_max
    near = {
        sign * (2**k + d) for k in range(spec.width + 1) for d in (-1, 0, 1) for sign in (1, -1)
    }
    corners = generator.choice(sorted(x for x in near if low <= x <= high), (2, count))
    sample = np.exp2(generator.uniform(0, high.bit_length(), (2, count))).astype(np.int64)
    sample *= generator.choice([1, 1 - 2 * spec.signed], (2, count))
    return np.concatenate([corners, sample], axis=1)


@pytest.mark.parametrize("width", [5, 16, 32])
@pytest.mark.parametrize("family", FAMILIES)
def test_wider_multipliers_equal_the_reference_at_corners_and_on_a_sample(family, width):
    if width not in widths_of(entry_of(family).kind):
        pytest.skip(f"{family} has no {width} bits")
    for spec in few_specs(family, width):
        check_sample(spec, *pairs(spec, 30))


def check_sample(spec, a, b):
    component, mask = Multiplier(spec), (1 << spec.product_width) - 1
    expected = multiply(spec, a, b)

    async def testbench(context):
        for x, y, product in zip(a.tolist(), b.tolist(), expected.tolist(), strict=True):
            context.set(component.a, x)
            context.set(component.b, y)
            await context.delay(1e-9)
            found = context.get(component.product)
            assert found == product & mask, f"{spec}: {x} * {y} is {found}, expected {product}"

    simulate(component, testbench)


@pytest.mark.parametrize("pipeline", [1, 2, 3, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_pipelines_have_their_latency_and_start_with_products_of_zeros(family, pipeline):
    spec = list(legal_specs(entry_of(family), 8, True))[-1]
    component = Multiplier(spec, pipeline)
    a, b = pairs(spec, 20)
    zeros = [int(multiply(spec, 0, 0))] * (pipeline - 1)
    expected = zeros + multiply(spec, a, b).tolist()
    mask = (1 << spec.product_width) - 1

    async def testbench(context):
        context.set(component.en, 1)
        for x, y, product in zip(a.tolist(), b.tolist(), expected, strict=False):
            context.set(component.a, x)
            context.set(component.b, y)
            await context.tick()
            assert context.get(component.product) == product & mask, (x, y)

    simulate(component, testbench, clocked=True)


@pytest.mark.parametrize("lowest", [1, 3, 6])
def test_a_leading_one_below_the_lowest_position_counts_as_there(lowest):
    component = LeadingOne(8, tail_width=lowest, lowest=lowest)

    async def testbench(context):
        for x in range(256):
            context.set(component.x, x)
            await context.delay(1e-9)
            shift = max(x.bit_length() - 1 - lowest, 0)
            segment = x >> shift
            found = [context.get(port) for port in (component.position, component.tail)]
            assert found == [shift, segment % (1 << lowest)], f"x = {x}"
            assert context.get(component.valid) == segment >> lowest

    simulate(component, testbench)
