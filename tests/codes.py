"""Integer specs of every kind, and codes for them, for the tests of the operators."""

import numpy as np
import pytest
import torch

from mbm_hw import MBM, Exact, Mitchell, Table, ops, product_table

SIGN_MAGNITUDE = Table(product_table(MBM(8)), sign_magnitude=True)
# Its products differ from any other's, of every zero too, and a * b is not b * a.
ODD_TABLE = Table(np.random.default_rng(1).integers(-(2**15), 2**15, (256, 256)), signed=True)
SPECS = (
    Exact(8, signed=True),
    Exact(8),
    Exact(4, signed=True),
    Exact(12, signed=True),
    Exact(16, signed=True),
    Exact(16),
    Mitchell(8, signed=True),
    Mitchell(11, truncation=3),
    MBM(4, signed=True),
    MBM(8, signed=True),
    MBM(8, truncation=2, signed=True),
    MBM(8),
    MBM(9),
    MBM(9, signed=True),
    MBM(10, signed=True),
    MBM(11, signed=True),
    MBM(12, signed=True),
    Mitchell(12, signed=True),
    MBM(16, signed=True),
    MBM(16, truncation=8, signed=True),
    MBM(16),
    ODD_TABLE,
    Table(product_table(MBM(6)) ^ 1),
    Table(product_table(Mitchell(10, signed=True)), signed=True),
    Table(product_table(MBM(9))),
    SIGN_MAGNITUDE,
)
each_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.identifier)


def random_codes(spec, shape, seed=0, extreme=False):
    """Return legal codes; extreme ones are the least, the largest, 0 and those next to them."""
    low, high = spec.operand_min, spec.operand_max
    random = np.random.default_rng(seed)
    if extreme:
        values = np.array([low, low + 1, low // 2, -1, 0, 1, high // 2, high - 1, high])
        codes = random.choice(values[values >= low], shape)
    else:
        codes = random.integers(low, high, shape, endpoint=True)
    return torch.from_numpy(codes).to(ops.code_dtype(spec))
