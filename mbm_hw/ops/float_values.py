"""The checks of the operators on float values."""

import torch
from torch import Tensor

from mbm_hw.multipliers import FloatSpec, as_spec
from mbm_hw.ops.codes import are_on_a_device_to_wait_for
from mbm_hw.ops.cpu_kernels import value_outside_format
from mbm_hw.ops.operands import check_readable
from mbm_hw.ops.spec_values import SpecValues, float_spec_of, values_of

VALUE_OUTSIDE_FORMAT = {"cpu": value_outside_format}
"""For a kind of device what finds a value that a format has not; `ops.cuda` adds its own."""


def float_spec_values(spec: FloatSpec | str | SpecValues) -> SpecValues:
    """Return `spec`, or the spec of that name, as an operator takes it.

    The errors are those of `as_spec`; an integer spec is a TypeError too.
    """
    if isinstance(spec, SpecValues):
        return spec
    spec = as_spec(spec)
    if not spec.is_float:
        raise TypeError(
            f"spec must be a float multiplier spec such as FloatMBM(8, 7), not {spec!r}: "
            "conv2d and matmul take integer specs"
        )
    return values_of(spec)


def check_tensors(operator: str, x: Tensor, w: Tensor):
    """Raise a TypeError unless `x` and `w` are float32 tensors; see also `check_readable`."""
    check_readable(operator, x=x, w=w)
    if (x.dtype, w.dtype) != (torch.float32, torch.float32):
        raise TypeError(f"{operator} takes torch.float32 values, not {x.dtype} and {w.dtype}")


def check_values(operator: str, spec: FloatSpec, x: Tensor, w: Tensor):
    """Raise a ValueError if `x` or `w`, [*, *, *, *], holds a value that the format has not."""
    _check_values(operator, spec, x, w, VALUE_OUTSIDE_FORMAT["cpu"])


def check_device_values(operator: str, values: SpecValues, x: Tensor, w: Tensor):
    """As `check_values`, of CUDA tensors, whose kernels do not look; it waits for the device.

    Not while a function is compiled or a CUDA graph captured, where nothing may wait.
    """
    if are_on_a_device_to_wait_for(x, w):
        _check_values(operator, float_spec_of(values), x, w, VALUE_OUTSIDE_FORMAT["cuda"])


def _check_values(operator, spec, x, w, value_outside_format):
    for name, tensor in (("x", x), ("w", w)):
        outside = value_outside_format(tensor, spec)
        if outside is not None:
            raise ValueError(
                f"{operator}: {name} must hold values of {spec.format}, not {outside!r}: "
                "mbm_hw.ops.round_to_format gives the nearest"
            )
