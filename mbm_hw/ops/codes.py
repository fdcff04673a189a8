"""Codes and sums of a spec, and their checks, for the operators on codes."""

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import is_fake

from mbm_hw.multipliers import IntegerSpec, Spec, Table, as_spec
from mbm_hw.multipliers.reference import TABLE_MAX_WIDTH
from mbm_hw.ops.operands import check_readable, refuse_capture
from mbm_hw.ops.spec_values import SpecValues, values_of

MIN_WIDTH, MAX_WIDTH = 4, 16
MAX_INT32_TERMS = 2**16  # terms of at most 2**15 in size: their sum fits int32


def spec_values(spec: IntegerSpec | str | SpecValues) -> SpecValues:
    """Return `spec`, or the spec of that name, as an operator takes it.

    The errors are those of `as_spec` and `check_spec`.
    """
    spec = _operator_spec(spec)
    return spec if isinstance(spec, SpecValues) else values_of(spec)


def _operator_spec(spec: IntegerSpec | str | SpecValues) -> IntegerSpec | SpecValues:
    if not isinstance(spec, SpecValues):
        spec = as_spec(spec)
        check_spec(spec)
    return spec


def checked_values(
    operator: str, spec: IntegerSpec | str | SpecValues, x_codes: Tensor, w_codes: Tensor
) -> SpecValues:
    """Return `spec` as an operator takes it, a spec's table on the device of `x_codes`.

    Raises what `check_readable`, `check_spec` and, of a spec, `check_device_codes` raise.
    """
    check_readable(operator, x_codes=x_codes, w_codes=w_codes)
    if isinstance(spec, SpecValues):
        return spec
    values = spec_values(spec)
    if values.table is not None and values.table.device != x_codes.device:
        if not torch.compiler.is_compiling():
            refuse_capture("a table that is not on the device")
        values = values._replace(table=values.table.to(x_codes.device))
    check_device_codes(operator, values, x_codes=x_codes, w_codes=w_codes)
    return values


def check_spec(spec: Spec):
    """Raise a TypeError if `spec` is no integer spec, a ValueError if its width is not 4 to 16."""
    if spec.is_float:
        raise TypeError(
            f"spec must be an integer multiplier spec such as MBM(8), not {spec!r}: "
            "float_conv2d and float_matmul take float specs"
        )
    if not MIN_WIDTH <= spec.width <= MAX_WIDTH:
        raise ValueError(f"operators take specs of {MIN_WIDTH} to {MAX_WIDTH} bits, not {spec}")
    if spec.width > TABLE_MAX_WIDTH and spec.lowering() is None:
        raise ValueError(
            f"no kernel has the products of {spec}: its `lowering` gives none, and a product table "
            f"takes at most {TABLE_MAX_WIDTH} bits"
        )


def code_dtype(spec: IntegerSpec | str | SpecValues) -> torch.dtype:
    """Return the dtype of codes: int8 (unsigned uint8) to 8 bits, int16 (unsigned int32) above.

    The errors are those of `spec_values`.
    """
    spec = _operator_spec(spec)
    if spec.width <= 8:
        return torch.int8 if spec.signed else torch.uint8
    return torch.int16 if spec.signed else torch.int32


def sum_dtype(spec: IntegerSpec | str | SpecValues) -> torch.dtype:
    """Return the dtype of sums: int32 for signed specs of up to 8 bits, int64 for all others.

    The errors are those of `spec_values`.
    """
    spec = _operator_spec(spec)
    return torch.int32 if spec.signed and spec.width <= 8 else torch.int64


def check_operands(operator: str, spec: SpecValues, x: Tensor, w: Tensor):
    """Raise an error if `spec`, or the dtype, device or memory of `x` or `w`, is not as documented.

    Values are not looked at, so that fakes can call it; see `check_codes`.
    """
    check_readable(operator, {"table": spec.table}, x=x, w=w)
    check_spec_values(operator, spec)
    dtype = code_dtype(spec)
    if (x.dtype, w.dtype) != (dtype, dtype):
        raise TypeError(f"{operator} takes {dtype} codes for {spec}, not {x.dtype} and {w.dtype}")


def check_spec_values(operator: str, spec: SpecValues):
    """Raise a ValueError if `spec` is not as documented."""
    try:
        width = spec.width
    except ValueError as error:
        raise ValueError(f"{operator}: {error}") from error
    if not MIN_WIDTH <= width <= MAX_WIDTH:
        raise ValueError(f"{operator} takes specs of 4 to 16 bits, not {width}")
    has_table = spec.family == Table.family
    if has_table != (spec.table is not None):
        came = "none" if spec.table is None else "one"
        raise ValueError(
            f"{operator}: a product table goes with the family table; {spec} with {came}"
        )
    if has_table:
        size = 1 << width
        if spec.table.dtype != torch.int32 or spec.table.shape != (size, size):
            came = f"{spec.table.dtype} {list(spec.table.shape)}"
            raise ValueError(f"{operator}: table must be int32 [{size}, {size}], not {came}")


def check_terms(operator: str, spec: SpecValues, terms: int):
    """Raise a ValueError if a sum of so many products could overflow `sum_dtype(spec)`."""
    if sum_dtype(spec) == torch.int32 and terms > MAX_INT32_TERMS:
        raise ValueError(
            f"{operator} sums at most {MAX_INT32_TERMS} products in int32, not {terms}"
        )


def check_codes(operator: str, spec: SpecValues, **codes: Tensor):
    """Raise a ValueError if a code is outside the spec's operands."""
    low, high = spec.code_range
    limits = torch.iinfo(code_dtype(spec))
    if (low, high) == (limits.min, limits.max):
        return
    for name, tensor in codes.items():
        check_codes_within(f"{operator}: {name}", tensor, low, high, str(spec))


def check_codes_within(name: str, codes: Tensor, low: int, high: int, user: str):
    """Raise a ValueError if a code is not `low` to `high`, as `user` needs them."""
    if codes.numel() == 0 or codes.is_meta or is_fake(codes):
        return
    smallest, largest = (int(extreme) for extreme in torch.aminmax(codes))
    if smallest < low or largest > high:
        outside = smallest if smallest < low else largest
        raise ValueError(f"{name} must be {low} to {high} for {user}, not {outside}")


def check_device_codes(operator: str, spec: SpecValues, **codes: Tensor):
    """As `check_codes`, of CUDA tensors, whose kernels do not look; it waits for the device.

    Not while a function is compiled or a CUDA graph captured, where nothing may wait.
    """
    if are_on_a_device_to_wait_for(*codes.values()):
        check_codes(operator, spec, **codes)


def are_on_a_device_to_wait_for(*tensors: Tensor) -> bool:
    """Return whether `tensors` have values on a CUDA device, and the host may wait for them."""
    if torch.compiler.is_compiling() or not all(t.is_cuda and not is_fake(t) for t in tensors):
        return False
    return not torch.cuda.is_current_stream_capturing()
