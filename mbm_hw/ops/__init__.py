"""PyTorch operators on integer codes: `conv2d` and `matmul`, exact sums of a spec's products.

`codes` says which codes and sums a spec has. Importing registers the operators, in
`torch.ops.mbm_hw`, and compiles nothing: the kernels were compiled when the package was installed.
"""

from mbm_hw.ops.codes import code_dtype, sum_dtype
from mbm_hw.ops.conv2d import conv2d
from mbm_hw.ops.cpu_kernels import available_isas, kernel_name
from mbm_hw.ops.matmul import matmul

__all__ = ["available_isas", "code_dtype", "conv2d", "kernel_name", "matmul", "sum_dtype"]
