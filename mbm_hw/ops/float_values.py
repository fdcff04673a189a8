"""What the float operators share: a float spec's way through `torch.library`, and their checks."""

from typing import NamedTuple

import torch
from torch import Tensor

from mbm_hw.multipliers import FloatExact, FloatMBM, FloatMitchell, FloatSpec, as_spec
from mbm_hw.ops.codes import are_on_a_device_to_wait_for
from mbm_hw.ops.cpu_kernels import value_outside_format
from mbm_hw.ops.cuda import scaling
from mbm_hw.ops.operands import check_readable

_FAMILIES = {family.family: family for family in (FloatExact, FloatMitchell, FloatMBM)}


class FloatSpecValues(NamedTuple):
    """A float spec as an operator takes it: its family's name and its parameters.

    truncation : 0 and force_lsb : False for families that have none.
    """

    family: str
    exponent_bits: int
    mantissa_bits: int
    truncation: int
    force_lsb: bool


def float_spec_values(spec: FloatSpec | str | FloatSpecValues) -> FloatSpecValues:
    """Return `spec`, or the spec of that name, as an operator takes it.

    The errors are those of `as_spec`; an integer spec is a TypeError too.
    """
    if isinstance(spec, FloatSpecValues):
        return spec
    spec = as_spec(spec)
    if not isinstance(spec, FloatSpec):
        raise TypeError(
            f"spec must be a float multiplier spec such as FloatMBM(8, 7), not {spec!r}: "
            "conv2d and matmul take integer specs"
        )
    truncation, force_lsb = getattr(spec, "truncation", 0), getattr(spec, "force_lsb", False)
    return FloatSpecValues(
        spec.family, spec.exponent_bits, spec.mantissa_bits, truncation, force_lsb
    )


def float_spec_of(values: FloatSpecValues) -> FloatSpec:
    """Return the spec that `values` stand for; a ValueError if there is none."""
    if values.family not in _FAMILIES:
        known = ", ".join(_FAMILIES)
        raise ValueError(f"float operators know the families {known}; not {values.family!r}")
    kind = _FAMILIES[values.family]
    parameters = values._asdict()
    del parameters["family"]
    for name in ("truncation", "force_lsb"):
        if name not in kind.__dataclass_fields__:
            value = parameters.pop(name)
            if value:
                raise ValueError(f"{kind.__name__} has no {name}, not {value!r}")
    return kind(**parameters)


def check_tensors(operator: str, x: Tensor, w: Tensor):
    """Raise a TypeError unless `x` and `w` are float32 tensors; see also `check_readable`."""
    check_readable(operator, x=x, w=w)
    if (x.dtype, w.dtype) != (torch.float32, torch.float32):
        raise TypeError(f"{operator} takes torch.float32 values, not {x.dtype} and {w.dtype}")


def check_values(operator: str, spec: FloatSpec, x: Tensor, w: Tensor):
    """Raise a ValueError if `x` or `w`, [*, *, *, *], holds a value that the format has not."""
    _check_values(operator, spec, x, w, value_outside_format)


def check_device_values(operator: str, spec: FloatSpec, x: Tensor, w: Tensor):
    """As `check_values`, of CUDA tensors, whose kernels do not look; it waits for the device.

    Not while a function is compiled or a CUDA graph captured, where nothing may wait.
    """
    if are_on_a_device_to_wait_for(x, w):
        _check_values(operator, spec, x, w, scaling.value_outside_format)


def _check_values(operator, spec, x, w, value_outside_format):
    for name, tensor in (("x", x), ("w", w)):
        outside = value_outside_format(tensor, spec)
        if outside is not None:
            raise ValueError(
                f"{operator}: {name} must hold values of {spec.format}, not {outside!r}: "
                "mbm_hw.float_format.round_to_format gives the nearest"
            )
