"""The products of one call of an operator: how many, in which kind of sum, of which spec."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import flop_registry

from mbm_hw.multipliers import spec_name
from mbm_hw.ops.algorithms import Layer, find_algorithm
from mbm_hw.ops.spec_values import SpecValues, spec_of

ELEMENTWISE = "elementwise"
"""The kind of operators that multiply value by value: no sums of products."""

# fmt: off
_ELEMENTWISE = frozenset((
    "mul", "mul_", "addcmul", "addcmul_", "square", "square_", "pow", "pow_", "lerp", "prod",
    "cumprod", "gelu", "silu", "silu_", "_softmax", "_log_softmax", "native_batch_norm",
    "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "native_layer_norm",
    "native_group_norm", "_fused_rms_norm", "_weight_norm_interface", "upsample_linear1d",
    "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d", "_upsample_bilinear2d_aa",
    "_upsample_bicubic2d_aa",
))
_MOVING = frozenset((  # they take several tensors of numbers, and multiply none of them
    "copy", "copy_", "_copy_from", "where", "index_put", "index_put_", "_index_put_impl_",
    "masked_fill", "masked_fill_", "masked_scatter", "masked_scatter_", "scatter", "scatter_",
    "scatter_add", "scatter_add_", "scatter_reduce", "index_add", "index_add_", "index_copy",
    "index_copy_", "slice_scatter", "select_scatter", "as_strided_scatter", "fill", "fill_", "cat",
    "stack", "set_", "equal",
))
# fmt: on


@dataclass(frozen=True)
class Products:
    """The multiplications of one call.

    kind : `conv 3x3 /2`, `depthwise 3x3`, `transposed conv 2x2 /2`, `matrix product`, `attention`,
        `recurrent`, `bilinear`, or ELEMENTWISE.
    input, output : shapes without the batch. multiplications : those with zero padding are counted,
        as is usual; of elementwise operators, one for each value of the output.
    lookups : the direct ones that meet no zero padding of the operator's own: what an emulation by
        look-ups must look up.
    """

    kind: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    multiplications: int
    lookups: int


def products_of(operator, arguments: Sequence, keywords: Mapping, output: Any) -> Products | None:
    """Return the products of one call of a dispatcher's operator; None if it has none."""
    named = _named(operator, arguments, keywords)
    packet, name = operator._overloadpacket, operator._overloadpacket.__name__
    out = output[0] if isinstance(output, (tuple, list)) else output
    if operator.namespace == "mbm_hw":
        return _approximate_products(named, out)
    if operator.namespace != "aten":
        return None
    if name in ("convolution", "_convolution"):
        geometry = [named[key] for key in ("stride", "padding", "dilation", "groups")]
        return _convolution(named["input"], named["weight"], out, *geometry, named["transposed"])
    if name in _OTHER:
        kind, key, count = _OTHER[name]
        return _of(kind, named[key], out, count(named, out))
    if packet in flop_registry:
        first = next(named[key] for key in ("query", "mat1", "batch1", "self") if key in named)
        flops = flop_registry[packet](*arguments, **keywords, out_val=output)
        kind = "attention" if "query" in named else "matrix product"
        return _of(kind, first, out, flops // 2)
    if name in _ELEMENTWISE and isinstance(out, Tensor):
        return _of(ELEMENTWISE, out, out, out.numel())
    return None


def is_counted(operator) -> bool:
    """Return whether `products_of` knows this operator as a whole."""
    name = operator._overloadpacket.__name__
    return operator._overloadpacket in flop_registry or name in _OTHER or name in _ELEMENTWISE


def may_multiply(operator, arguments: Sequence, keywords: Mapping) -> bool:
    """Return whether an operator that `products_of` does not know may have sums of products.

    Those of other namespaces than aten, Fourier transforms, and those that take two floating or
    complex tensors or more and are not elementwise.
    """
    name = operator._overloadpacket.__name__
    tensors = [x for x in (*arguments, *keywords.values()) if isinstance(x, Tensor)]
    if operator.namespace not in ("aten", "prim", "prims", "mbm_hw"):
        return bool(tensors)
    numbers = [x for x in tensors if x.is_floating_point() or x.is_complex()]
    is_known = torch.Tag.pointwise in operator.tags or name in _MOVING
    return name.startswith("_fft_") or (len(numbers) > 1 and not is_known)


def multiplying_spec(operator, arguments: Sequence, keywords: Mapping) -> str | None:
    """Return the name of the spec that one of our operators multiplies with; None for others."""
    if operator.namespace != "mbm_hw":
        return None
    named = _named(operator, arguments, keywords)
    if "family" not in named:
        return None
    values = SpecValues(*(named[field] for field in SpecValues._fields))
    return str(values) if values.table is not None else spec_name(spec_of(values))


def _named(operator, arguments, keywords) -> dict[str, Any]:
    """Return an operator's arguments by their names in the schema, defaults included."""
    schema = operator._schema.arguments
    given = {a.name: value for a, value in zip(schema, arguments, strict=False)}
    return {a.name: a.default_value for a in schema if a.has_default_value()} | given | keywords


def _of(kind: str, x: Tensor, out: Tensor, count: int) -> Products:
    return Products(kind, tuple(x.shape[1:]), tuple(out.shape[1:]), count, count)


def _approximate_products(named: Mapping, out: Tensor) -> Products | None:
    if "family" not in named:
        return None
    x, w = (named[key] for key in ("x", "w"))
    if "stride" not in named:
        return _of("matrix product", x, out, out.numel() * x.shape[-1])
    geometry = [named[key] for key in ("stride", "padding", "dilation", "groups")]
    found = _convolution(x, w, out, *geometry)
    if "algorithm" not in named:
        return found
    layer = Layer.of(w.shape, geometry[0], geometry[2], geometry[3])
    count = find_algorithm(named["algorithm"]).multiplications(layer, *out.shape[2:])
    return Products(found.kind, found.input, found.output, len(x) * count, found.lookups)


def _convolution(x, w, out, stride, padding, dilation, groups, transposed=False) -> Products:
    kernel = tuple(w.shape[2:])
    axes = len(kernel)
    stride, padding, dilation = (_each(value, axes) for value in (stride, padding, dilation))
    kind = _kind(x, kernel, stride, dilation, groups, transposed)
    if transposed:
        return _of(kind, x, out, x.numel() * math.prod(w.shape[1:]))
    count = out.numel() * math.prod(w.shape[1:])
    lookups = math.prod(out.shape[:-axes]) * w.shape[1]
    for size, outputs, k, s, p, d in zip(
        x.shape[-axes:], out.shape[-axes:], kernel, stride, padding, dilation, strict=True
    ):
        lookups *= _inside(size, outputs, k, s, p, d)
    return Products(kind, tuple(x.shape[1:]), tuple(out.shape[1:]), count, lookups)


def _each(value, axes: int) -> tuple[int, ...]:
    return tuple(value) * (axes if len(value) == 1 else 1)


def _inside(size, outputs, kernel, stride, padding, dilation) -> int:
    """Return how many pairs of an output and a kernel position meet the image, along one axis."""
    starts = np.arange(outputs) * stride - padding
    met = starts[:, None] + np.arange(kernel) * dilation
    return int(np.count_nonzero((met >= 0) & (met < size)))


def _kind(x, kernel, stride, dilation, groups, transposed) -> str:
    channels = x.shape[-len(kernel) - 1]
    what = "transposed conv" if transposed else "conv"
    if groups > 1:
        what = f"{'transposed ' if transposed else ''}{groups} groups"
    if groups == channels > 1:
        what = f"{'transposed ' if transposed else ''}depthwise"
    steps = ((" /", stride), (" dilated ", dilation))
    return f"{what} {'x'.join(map(str, kernel))}" + "".join(
        word + "x".join(map(str, step if len(set(step)) > 1 else step[:1]))
        for word, step in steps
        if set(step) != {1}
    )


def _attention(named, out) -> int:
    query, key, value = (named[name] for name in ("query", "key", "value"))
    *batch, length, width = query.shape
    return math.prod(batch) * length * key.shape[-2] * (width + value.shape[-1])


def _recurrent(named, out) -> int:
    x = named["input"]
    return x.shape[0] * x.shape[1] * (named["weight0"].numel() + named["weight1"].numel())


_OTHER = {  # beyond torch's flop_registry: kind, the argument shown as the input, multiplications
    "_scaled_dot_product_flash_attention_for_cpu": ("attention", "query", _attention),
    "_scaled_dot_product_fused_attention_overrideable": ("attention", "query", _attention),
    "mkldnn_rnn_layer": ("recurrent", "input", _recurrent),
    "mv": ("matrix product", "self", lambda named, out: named["self"].numel()),
    "addmv": ("matrix product", "mat", lambda named, out: named["mat"].numel()),
    "dot": ("matrix product", "self", lambda named, out: named["self"].numel()),
    "vdot": ("matrix product", "self", lambda named, out: named["self"].numel()),
    "_trilinear": (
        "bilinear",
        "i1",
        # For each output: x1 times the weights, summed, then times x2.
        lambda named, out: out.numel() * (named["i1"].shape[-1] + 1) * named["i3"].shape[-1],
    ),
}
