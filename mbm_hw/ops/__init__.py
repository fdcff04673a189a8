"""PyTorch operators: `conv2d` and `matmul` on integer codes, `float_conv2d` and `float_matmul`.

Sums of a spec's products: exact ones of integers, in a fixed order of floats. `codes` says which
codes and sums an integer spec has, `algorithms` which algorithms there are. Importing registers the
operators, in `torch.ops.mbm_hw`, and compiles nothing: the kernels were compiled when the package
was installed.
"""

from mbm_hw.ops.codes import code_dtype, sum_dtype
from mbm_hw.ops.conv2d import conv2d
from mbm_hw.ops.cpu_kernels import available_isas, kernel_name
from mbm_hw.ops.cuda import operators as _cuda_operators  # noqa: F401  registers the kernels
from mbm_hw.ops.float_conv2d import float_conv2d
from mbm_hw.ops.float_matmul import float_matmul
from mbm_hw.ops.matmul import matmul
from mbm_hw.ops.rounding import round_to_format

__all__ = [
    "available_isas",
    "code_dtype",
    "conv2d",
    "float_conv2d",
    "float_matmul",
    "kernel_name",
    "matmul",
    "round_to_format",
    "sum_dtype",
]
