"""Swapping a network's layers for approximate ones."""

from collections.abc import Callable

from torch import nn

from mbm_hw.nn.geometry import supports
from mbm_hw.nn.layers import ApproxConv2d, ApproxLinear
from mbm_hw.ops.algorithms import DIRECT
from mbm_hw.quantize import Quantizer
from mbm_hw.spec import Spec

_LAYERS = {
    kind: layer for layer in (ApproxConv2d, ApproxLinear) for kind in (layer, layer.FLOAT_CLASS)
}


def convert_(
    model: nn.Module,
    spec: Spec,
    filter_fn: Callable[[nn.Module, str], bool] | None = None,
    quantizer: Quantizer | None = None,
    algorithm: str | None = None,
) -> list[str]:
    """Swap the convolutions and linear layers inside `model`, in place; return their names.

    spec : a signed integer spec of 4 to 16 bits, or a float spec; an unsigned one is a ValueError
        that names its signed twin.
    filter_fn : called with each such layer and its name; those it refuses are left. Subclasses of
        torch's layers are left, too: their forward may be another one.
    quantizer : None for `mbm_hw.quantize.Symmetric()`, and for layers already approximate, their
        own. Those are given the new spec, and keep their calibration if the quantiser is the same.
        It is for integer specs: layers with a float spec round to its format, and only remember it.
    algorithm : `direct`, or one of `ops.algorithms.ALGORITHMS`, for the layers that it can do:
        `nn.supports(algorithm, layer)`. The others become direct. Each says which by its
        `algorithm`, and when it is printed. None for `direct`, and for layers already approximate,
        their own.

    A layer that occurs in several places is swapped in all of them, and named once. If one layer
    cannot be swapped, none is. A `model` that itself is a layer is a ValueError.
    """
    if type(model) in _LAYERS:
        layer = _LAYERS[type(model)].__name__
        raise ValueError(f"convert_ swaps layers inside a model; for one use {layer}.from_float")
    swapped = {}
    for name, module in model.named_modules():
        layer = _LAYERS.get(type(module))
        if layer is not None and (filter_fn is None or filter_fn(module, name)):
            can = algorithm is None or supports(algorithm, module)
            chosen = algorithm if can else DIRECT
            swapped[module] = layer.from_float(module, spec, quantizer, chosen)
            swapped[module].layer_name = name
    for parent in list(model.modules()):
        for child_name, child in list(parent._modules.items()):
            if child in swapped:
                setattr(parent, child_name, swapped[child])
    return [layer.layer_name for layer in swapped.values()]
