"""Layers that `convert_` leaves exact, and the reasons."""

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torch.nn.utils.parametrize import is_parametrized

from mbm_hw.nn.approx_layer import ApproxLayer
from mbm_hw.nn.subclasses import LAYERS

_MULTIPLYING = (
    _ConvNd,
    nn.Linear,
    nn.Bilinear,
    nn.RNNBase,
    nn.RNNCellBase,
    nn.MultiheadAttention,
    torch.jit.ScriptModule,
)
"""The modules of torch with products of their own."""


class LeftExactWarning(UserWarning):
    """Layers that a caller of `convert_` could expect to be converted stay exact."""


def left_exact(model: nn.Module, subclasses: bool = False) -> dict[str, str]:
    """Return the layers inside `model` that `convert_` leaves exact: name -> reason.

    subclasses : as of `convert_`. Products outside layers are not looked for: `nn.coverage` counts
    those of a forward.
    """
    reasons = {
        name: why_exact(module, subclasses)
        for name, module in model.named_modules()
        if isinstance(module, _MULTIPLYING) and not isinstance(module, ApproxLayer)
    }
    return {name: reason for name, reason in reasons.items() if reason is not None}


def why_exact(module: nn.Module, subclasses: bool = False) -> str | None:
    """Return why `convert_` leaves the layer `module` exact; None if it converts it."""
    kind = type(module)
    if kind in LAYERS:
        return None
    if isinstance(module, torch.jit.ScriptModule):
        return "TorchScript cannot be changed: convert the network before it is scripted or traced"
    if kind is NonDynamicallyQuantizableLinear:
        return "MultiheadAttention uses its weight without calling it"
    plain = next((layer for layer in LAYERS if isinstance(module, layer)), None)
    if plain is None:
        return f"there is no approximate {kind.__name__}"
    if subclasses:
        return None
    what = "is parametrised" if is_parametrized(module) else f"is a subclass of {plain.__name__}"
    return f"{kind.__name__} {what}: subclasses=True converts it"
