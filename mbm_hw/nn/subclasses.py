"""Approximate layers for subclasses of torch's layers, parametrised layers among them.

A subclass keeps its own forward. Where that calls torch's function (torch.conv2d, or
functional.linear), the call becomes approximate.
"""

import functools

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from mbm_hw.nn.approx_layer import ApproxLayer
from mbm_hw.nn.layers import ApproxConv2d, ApproxLinear

LAYERS = {layer.FLOAT_CLASS: layer for layer in (ApproxConv2d, ApproxLinear)}
"""Layers of torch -> the approximate ones."""


@functools.cache
def approximate_class(kind: type[nn.Module]) -> type[ApproxLayer]:
    """Return the approximate layer for `kind`: a layer of LAYERS, or a subclass of one.

    The layer for a subclass is a subclass of it, named as it with `Approx` before.
    """
    if kind in LAYERS:
        return LAYERS[kind]
    base = next(layer for plain, layer in LAYERS.items() if issubclass(kind, plain))
    names = {"FLOAT_CLASS": kind, "__module__": kind.__module__, "__reduce_ex__": _reduce}
    if kind.forward is not base.FLOAT_CLASS.forward or _has_own_convolution(kind):
        names["forward"] = _interposed_forward
        names["approximate"] = functools.partialmethod(_without_interposition, base.approximate)
        return type(f"Approx{kind.__name__}", (kind, base), names)
    return type(f"Approx{kind.__name__}", (base, kind), names)


def _has_own_convolution(kind) -> bool:
    return issubclass(kind, nn.Conv2d) and kind._conv_forward is not nn.Conv2d._conv_forward


def _interposed_forward(self, *arguments, **keywords):
    with _Interposed(self):
        return self.FLOAT_CLASS.forward(self, *arguments, **keywords)


def _without_interposition(self, approximate, *arguments, **keywords):
    with torch._C.DisableTorchFunction():
        return approximate(self, *arguments, **keywords)


class _Interposed(TorchFunctionMode):
    """Makes calls of a layer's function approximate."""

    def __init__(self, layer: ApproxLayer):
        super().__init__()
        self.layer = layer

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        if function is type(self.layer).FUNCTION:
            return self.layer.approximate(*arguments, **(keywords or {}))
        return function(*arguments, **(keywords or {}))


def _reduce(self, protocol):
    """Let copies and pickles find the class by the subclass that it stands for."""
    return _new, (self.FLOAT_CLASS,), self.__getstate__()


def _new(kind):
    return approximate_class(kind).__new__(approximate_class(kind))
