"""The instruction sets that kernels are compiled for, for tests of all of them."""

import contextlib
import os

from mbm_hw.ops.cpu_kernels import available_isas

ISAS = available_isas()


@contextlib.contextmanager
def forced(isa):
    """Have the kernels of an instruction set run."""
    before = os.environ.get("MBM_HW_ISA", "")
    os.environ["MBM_HW_ISA"] = isa
    try:
        yield
    finally:
        os.environ["MBM_HW_ISA"] = before
