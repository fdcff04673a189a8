"""Swapping a network's layers for approximate ones."""

import warnings
from collections.abc import Callable

from torch import nn

from mbm_hw.multipliers import Spec, as_spec
from mbm_hw.nn.approx_layer import ApproxLayer
from mbm_hw.nn.batches import check_model
from mbm_hw.nn.geometry import supports
from mbm_hw.nn.left_exact import LeftExactWarning, left_exact, why_exact
from mbm_hw.nn.quantize import Quantizer
from mbm_hw.nn.subclasses import LAYERS, approximate_class
from mbm_hw.ops.algorithms import DIRECT

_NAMED_AT_MOST = 5

_FUSED_FORWARDS = (
    (nn.TransformerEncoderLayer, "activation_relu_or_gelu", 0),
    (nn.TransformerEncoder, "use_nested_tensor", False),
)
"""Modules whose fused forward reads the weights of their layers without calling them, and the
attribute value with which torch takes their plain forward instead."""


def convert_(
    model: nn.Module,
    spec: Spec | str,
    filter_fn: Callable[[nn.Module, str], bool] | None = None,
    quantizer: Quantizer | None = None,
    algorithm: str | None = None,
    subclasses: bool = False,
) -> list[str]:
    """Swap the convolutions and linear layers inside `model`, in place; return their names.

    Parameters
    ----------
    spec : a signed integer spec of 4 to 16 bits, or a float spec, or the name of one; an unsigned
        spec is a ValueError that names its signed twin.
    filter_fn : called with each such layer and its name; those it refuses are left.
    quantizer : None for `mbm_hw.nn.quantize.Symmetric()`, and for layers already approximate, their
        own. Those are given the new spec, and keep their calibration if the quantiser is the same.
        It is for integer specs: layers with a float spec round to its format, and only remember it.
    algorithm : `direct`, or one of `ops.algorithms.ALGORITHMS`, for the layers that it can do:
        `nn.supports(algorithm, layer)`. The others become direct. Each says which by its
        `algorithm`, and when it is printed. None for `direct`, and for layers already approximate,
        their own.
    subclasses : also swap subclasses of torch's layers, and layers whose weight is parametrised or
        computed by a hook (weight_norm, pruning). A subclass keeps its own forward: its calls of
        torch.conv2d, or functional.linear, become approximate.

    A layer that occurs in several places is swapped in all of them, and named once. If one layer
    cannot be swapped, none is. A `model` that itself is a layer is a ValueError.

    A `LeftExactWarning` names layers that stay exact though nobody refused them: `nn.left_exact`
    has them all, `nn.coverage` the multiplications of a whole forward. Transformer encoders with
    a swapped layer leave torch's fused forward, which would use its weights without calling it.
    """
    check_model("convert_", model)
    spec = as_spec(spec)
    if type(model) in LAYERS or isinstance(model, ApproxLayer):
        layer = _approximate_class(model).__name__
        raise ValueError(f"convert_ swaps layers inside a model; for one use {layer}.from_float")
    swapped, left = {}, {}
    for name, module in model.named_modules():
        if not isinstance(module, tuple(LAYERS)):
            continue
        if filter_fn is not None and not filter_fn(module, name):
            continue
        reason = None if isinstance(module, ApproxLayer) else why_exact(module, subclasses)
        if reason is not None:
            left[name] = reason
            continue
        can = algorithm is None or supports(algorithm, module)
        layer = _approximate_class(module)
        is_plain = not subclasses and not isinstance(module, ApproxLayer)
        make = layer.from_float if is_plain else layer.replacing
        swapped[module] = make(module, spec, quantizer, algorithm if can else DIRECT)
        swapped[module].layer_name = name
    for parent in list(model.modules()):
        for child_name, child in list(parent._modules.items()):
            if child in swapped:
                setattr(parent, child_name, swapped[child])
    _leave_fused_forwards(model, swapped.values())
    if filter_fn is None:
        left = left_exact(model, subclasses)
        if not swapped and not left:
            left = {type(model).__name__: "it has no convolution and no linear layer"}
    _warn(left)
    return [layer.layer_name for layer in swapped.values()]


def _approximate_class(module: nn.Module) -> type[ApproxLayer]:
    return type(module) if isinstance(module, ApproxLayer) else approximate_class(type(module))


def _leave_fused_forwards(model: nn.Module, layers) -> None:
    layers = set(layers)
    for kind, attribute, value in _FUSED_FORWARDS:
        for module in model.modules():
            if isinstance(module, kind) and not layers.isdisjoint(module.modules()):
                setattr(module, attribute, value)


def _warn(left: dict[str, str]) -> None:
    if left:
        texts = [f"{name} ({reason})" for name, reason in left.items()][:_NAMED_AT_MOST]
        more = len(left) - len(texts)
        text = "; ".join(texts) + (f"; and {more} more" if more else "")
        warnings.warn(f"convert_ leaves exact: {text}", LeftExactWarning, stacklevel=3)
