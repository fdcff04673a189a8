"""Amaranth components in Amaranth's own simulator."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from mbm_hw import product_table
from mbm_hw.multipliers import pattern_values


def simulate(component, testbench, clocked=False):
    simulator = Simulator(component)
    if clocked:
        simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


def products(component):
    """Return the component's products of all patterns, [a, b]."""
    codes = range(1 << len(component.a))
    table = np.empty((len(codes), len(codes)), dtype=object)

    async def testbench(context):
        for a in codes:
            context.set(component.a, a)
            for b in codes:
                context.set(component.b, b)
                await context.delay(1e-9)
                table[a, b] = context.get(component.product)

    simulate(component, testbench)
    return table


def expected_products(spec):
    return product_table(spec) & ((1 << spec.product_width) - 1)


def assert_equal(spec, actual, expected):
    wrong = np.argwhere(actual != expected)
    if len(wrong):
        a, b = wrong[0]
        values = range(len(actual)) if spec.is_float else pattern_values(spec)
        message = f"{values[a]} * {values[b]} is {actual[a, b]}, expected {expected[a, b]}"
        pytest.fail(f"{spec.identifier}: {message} (patterns; {len(wrong)} are wrong)")
