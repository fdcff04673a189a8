"""The way from the operators to the compiled CPU kernels, `mbm_hw.ops._cpu`."""

import functools
import os
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mbm_hw.multipliers import FloatSpec, IntegerSpec, Spec, as_spec, mantissa_table
from mbm_hw.multipliers.lowering import ExactProducts, LogProducts
from mbm_hw.ops.operands import check_room
from mbm_hw.ops.spec_values import SpecValues, product_table_tensor, spec_of, values_of
from mbm_hw.ops.terms import summands_of


def multiplier_of(spec: SpecValues, swapped: bool = False):
    """Return the kernels' multiplier for `spec`; swapped: for weights as the first operand."""
    isa = chosen_isa()
    if spec.table is None:
        return _multiplier(spec_of(spec), isa, swapped)
    table = spec.table.t() if swapped else spec.table
    return _extension().table_multiplier(table, spec.width, spec.signed, isa)


def kernel_name(spec: Spec | str) -> str:
    """Return what runs for `spec` on this machine now: instruction set, and source of products."""
    spec = as_spec(spec)
    if spec.is_float:
        return f"{chosen_isa().name}, {float_multiplier_of(spec).name}"
    values = values_of(spec)
    if (summands := summands_of(values)) is not None:
        name = multiplier_of(summands[0].of).name
        return f"{chosen_isa().name}, {name} of transformed operands, {len(summands)} a product"
    return f"{chosen_isa().name}, {multiplier_of(values).name}"


def chosen_isa():
    """Return the instruction set whose kernels run: MBM_HW_ISA's, or else the machine's best.

    MBM_HW_ISA : an environment variable; one of `available_isas()`, else this is a ValueError.
    """
    name = os.environ.get("MBM_HW_ISA", "")
    try:
        return _extension().choose_isa(name)
    except ValueError as error:
        raise ValueError(f"MBM_HW_ISA: {error}") from None


def available_isas() -> list[str]:
    """Return what this machine can run of `portable`, `avx2`, `avx512`, `neon`, the best last."""
    return [isa.name for isa in _extension().available_isas()]


def time_products(runs: bool) -> float:
    """Start (or stop) counting the seconds that kernels take for products; return those till now.

    All threads' together. The rest of a layer is quantising, packing, rescaling and Python.
    """
    return _extension().time_products(runs)


def float_multiplier_of(spec: FloatSpec, swapped: bool = False):
    """Return the kernels' multiplier for a float spec; swapped: as of `multiplier_of`."""
    return _float_multiplier(spec, chosen_isa(), swapped)


def value_outside_format(x: Tensor, spec: FloatSpec) -> float | None:
    """Return a value of `x`, float32 [*, *, *, *], that the spec's format has not, or None."""
    if x.numel() == 0 or (spec.exponent_bits, spec.mantissa_bits) == (8, 23):
        return None
    bits = spec.exponent_bits, spec.mantissa_bits
    return _extension().value_outside_format(x, *bits, chosen_isa())


def run_round_to_format(x: Tensor, rounded: Tensor, exponent_bits: int, mantissa_bits: int):
    """Write `x` rounded to a format to `rounded`, both float32, contiguous, of the same shape."""
    if x.numel():
        bits = exponent_bits, mantissa_bits
        threads = torch.get_num_threads()
        _extension().round_to_format(x.view(-1), rounded.view(-1), *bits, threads, chosen_isa())


def run_conv2d(x, w, out: Tensor, multiplier, stride, padding, dilation, groups):
    """Write the sums of a convolution to `out`, on as many threads as torch uses.

    x, w, out : 4-D CPU tensors whose dtypes, shapes and codes have been checked, any strides.
    """
    if out.numel() == 0:
        return
    if w[0].numel() == 0:
        out.zero_()
        return
    layer = (tuple(stride), tuple(padding), tuple(dilation), groups)
    threads = torch.get_num_threads()
    _extension().conv2d(x, adjoining(w), out, multiplier, layer, chosen_isa(), threads)


def adjoining(w: Tensor) -> Tensor:
    """Return `w`, contiguous; a ValueError if that, of an expanded one, exceeds the memory."""
    if w.is_contiguous():
        return w
    check_room("kernels", "the weights", w.device, w.shape, w.itemsize)
    return w.contiguous()


class FloatLayer(NamedTuple):
    """A convolution of float32 values to float32, whose dtypes and shapes have been checked.

    x, w, y : [N, C, H, W], [O, C / groups, kH, kW], [N, O, OH, OW], any strides. bias : [O].
    """

    x: Tensor
    w: Tensor
    bias: Tensor | None
    y: Tensor
    stride: Sequence[int]
    padding: Sequence[int]
    dilation: Sequence[int]
    groups: int

    @property
    def is_matmul(self) -> bool:
        """Whether images and kernels are of one pixel: then weights may change sides with them."""
        pixels = (*self.x.shape[2:], *self.w.shape[2:])
        return pixels == (1, 1, 1, 1) and self.groups == 1 and not any(self.padding)

    def run(self, kernel, *how, multiplier):
        """Return what `kernel` of the extension does, None for a layer without outputs or terms.

        how : what it takes between the bias and y.
        """
        if self.y.numel() == 0:
            return None
        if self.w[0].numel() == 0:
            self.y.copy_(0.0 if self.bias is None else self.bias[:, None, None])
            return None
        x, w = self.x.detach(), adjoining(self.w.detach())
        swapped = self.is_matmul
        if swapped:
            x = x.contiguous()
        bias = None if self.bias is None else self.bias.detach().contiguous()
        layer = (tuple(self.stride), tuple(self.padding), tuple(self.dilation), self.groups)
        threads = torch.get_num_threads()
        return kernel(x, w, bias, *how, self.y, multiplier, layer, swapped, chosen_isa(), threads)


def run_quantized_conv2d(
    layer: FloatLayer,
    x_scale: Tensor,
    w_scale: Tensor | None,
    factor: float | None,
    limit: int,
    spec: SpecValues,
) -> bool:
    """Write the sums of `quantized_conv2d`, scaled, to layer.y; NaN values count as 0.

    On as many threads as torch uses. Returns whether a value was NaN.
    """
    w_scale = None if w_scale is None else w_scale.detach().contiguous()
    how = (float(x_scale), w_scale, factor, limit)
    multiplier = multiplier_of(spec, swapped=layer.is_matmul)
    return bool(layer.run(_extension().quantized_conv2d, *how, multiplier=multiplier))


def run_rounded_conv2d(layer: FloatLayer, spec: FloatSpec):
    """Write what `rounded_conv2d` says to layer.y, on as many threads as torch uses."""
    bits = spec.exponent_bits, spec.mantissa_bits
    layer.run(
        _extension().rounded_conv2d, *bits, multiplier=float_multiplier_of(spec, layer.is_matmul)
    )


def run_quantize(x: Tensor, scale: Tensor, multiply: bool, limit: int, codes: Tensor):
    """Write the codes of `x`; `x` and `codes` dense and alike in memory, scale [1 or rows]."""
    if x.numel():
        x, codes = (t.as_strided((t.numel(),), (1,)) for t in (x.detach(), codes))
        threads = torch.get_num_threads()
        scale = scale.detach()
        _extension().quantize(x, scale, multiply, limit, codes, chosen_isa(), threads)


def run_rescale(sums: Tensor, scale: Tensor, bias: Tensor | None, y: Tensor):
    """Write sums * scale + bias to `y`; all contiguous, sums and y [N, C, ...]."""
    if y.numel():
        # Minus zero is what leaves every float as it is.
        bias = torch.full_like(scale, -0.0) if bias is None else bias.contiguous()
        inner = y[0, 0].numel()
        sums, y = sums.reshape(-1), y.view(-1)
        threads = torch.get_num_threads()
        scale, bias = scale.detach(), bias.detach()
        _extension().rescale(sums, inner, scale, bias, y, chosen_isa(), threads)


@functools.cache
def _extension():
    try:
        from mbm_hw.ops import _cpu
    except ImportError as error:
        raise ImportError(
            "the compiled kernels mbm_hw.ops._cpu are missing: run `pip install -e .` in the "
            f"project's folder ({error})"
        ) from None
    return _cpu


@functools.cache
def _multiplier(spec: IntegerSpec, isa, swapped: bool):
    lowering = spec.lowering()
    multiplier = _INTEGER_KERNELS.get(type(lowering), _no_kernel)(spec, lowering, isa)
    if multiplier is not None:
        return multiplier
    table = product_table_tensor(spec)
    table = table.t() if swapped else table
    return _extension().table_multiplier(table, spec.width, spec.signed, isa)


def _exact(spec, lowering, isa):
    return _extension().exact_multiplier(spec.width, spec.signed, isa)


def _logarithmic(spec, lowering, isa):
    if spec.width <= 8 and isa.name != "avx2":
        return None
    corner = lowering.small_characteristic
    how = (spec.width, spec.signed, lowering.truncation, lowering.corrections, corner)
    return _extension().log_multiplier(*how, isa)


def _no_kernel(spec, lowering, isa):
    return None


_INTEGER_KERNELS = {ExactProducts: _exact, LogProducts: _logarithmic}
"""A multiplier for each lowering; None from it, or another lowering, is the product table."""


@functools.cache
def _float_multiplier(spec: FloatSpec, isa, swapped: bool):
    lowering = spec.lowering()
    if type(lowering) in _FLOAT_KERNELS:
        return _FLOAT_KERNELS[type(lowering)](spec, lowering, isa)
    table = mantissa_table(spec).astype("int32")
    bits = spec.exponent_bits, spec.mantissa_bits
    return _extension().float_table_multiplier(*bits, table.T if swapped else table, isa)


def _float_exact(spec, lowering, isa):
    return _extension().float_exact_multiplier(spec.exponent_bits, spec.mantissa_bits, isa)


def _float_logarithmic(spec, lowering, isa):
    bits = spec.exponent_bits, spec.mantissa_bits
    how = lowering.truncation, lowering.forced, lowering.corrections, lowering.offset
    return _extension().float_log_multiplier(*bits, *how, isa)


_FLOAT_KERNELS = {ExactProducts: _float_exact, LogProducts: _float_logarithmic}
