"""No unfolded image and no tensor of sums: a layer's memory beside the exact float layer's."""

import pytest

from bench.memory import EXACT, peak_mebibytes

LAYER = "3x3 69-69 240x320"


@pytest.fixture(scope="module")
def exact():
    return peak_mebibytes(LAYER, EXACT)


@pytest.mark.parametrize("spec", ["random table, 8 bits", "mbm8s", "mbm16s", "mbm_bf16"])
def test_a_forward_needs_at_most_half_as_much_again(spec, exact):
    peak = peak_mebibytes(LAYER, spec)
    assert peak <= 1.5 * exact, f"{LAYER} under {spec}: {peak:.1f} MiB, exactly {exact:.1f} MiB"
