"""What a network computes before its first approximate layer, computed once for all multipliers.

Variants of one network, on the same images, are alike until they enter the first layer in which
they differ. The Python code of a forward always runs; but the operators that it calls before that
layer are skipped once they are known. They give the tensors that were still in use when the layer
was entered, as copies, and for all others tensors on the device `meta`, which hold no values. So
nothing more is kept than what a plain forward holds at that point.
"""

import copy
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from mbm_hw.studies.devices import device_of, wait_for


@dataclass(frozen=True)
class Prefix:
    """What a forward does before it enters `layer`.

    calls : (operator, its results) in order, the forward's input first; in the results a `_Live`
        stands for a tensor that was still in use, an `_Unused` for another.
    live : the tensors in use. seconds : what the operators took when they ran.
    """

    layer: str
    calls: list[tuple[Any, Any]]
    live: list[Tensor]
    seconds: float


class SharedPrefix:
    """Runs variants of one network on the same images; their results are those of plain forwards.

    A score may take several forwards (an image and its mirror image): each has a prefix of its own.
    One is kept of each, up to the layer that was asked for last; it helps the variants that begin
    to differ at that layer or at a later one.
    """

    def __init__(self):
        self._prefixes: dict[int, Prefix] = {}

    def forward(self, number: int, network: nn.Module, layer: str, images: Tensor):
        """Return the network's output, and the seconds that a forward takes that skips nothing.

        number : of the forward within the score. network : alike all other variants up to `layer`.
        """
        known = self._prefixes.pop(number, None)
        try:
            forward = _Forward(layer, known)
            output = forward.run(network, images)
        except Exception:
            if known is None or forward.prefix is not None:
                raise
            # `layer` runs before the last one, or other operators do, or a value is looked at.
            forward = _Forward(layer, None)
            output = forward.run(network, images)
        if forward.prefix is not None:
            self._prefixes[number] = forward.prefix
        return output, forward.seconds


@dataclass(frozen=True)
class _Live:
    index: int


@dataclass(frozen=True)
class _Unused:
    """A tensor without its values. Plain numbers: small tensors would split the memory's heap."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype

    def tensor(self) -> Tensor:
        return torch.empty_strided(self.shape, self.strides, dtype=self.dtype, device="meta")


class _Result:
    """A tensor that an operator gave: still in use, or not."""

    def __init__(self, tensor: Tensor):
        self.tensor = weakref.ref(tensor)
        self.unused = _Unused(tuple(tensor.shape), tensor.stride(), tensor.dtype)


class _Forward(TorchDispatchMode):
    """One forward. It skips the calls of `known`; `prefix` is set when it enters `layer`."""

    def __init__(self, layer: str, known: Prefix | None):
        super().__init__()
        self.layer, self.known, self.prefix, self.is_before = layer, known, None, True
        self.calls, self.handed, self.seconds = [], [], 0.0
        if known is not None:
            is_last = known.layer != layer  # nobody will ask for these tensors again
            self.handed = known.live if is_last else copy.deepcopy(known.live)

    def run(self, network: nn.Module, images: Tensor):
        handle = network.get_submodule(self.layer).register_forward_pre_hook(
            self._enter, prepend=True
        )
        try:
            images = self._call("input", images.clone)  # it may be changed in place
            self.began = time.perf_counter()
            with self:
                output = network(images)
            wait_for(images.device)
            self.seconds += time.perf_counter() - self.began
        finally:
            handle.remove()
        return output

    def __torch_dispatch__(self, operator, types, arguments=(), keywords=None):
        return self._call(operator, operator, *arguments, **(keywords or {}))

    def _call(self, operator, function, *arguments, **keywords):
        if not self.is_before:
            return function(*arguments, **keywords)
        if self.known is not None and len(self.calls) < len(self.known.calls):
            expected, known = self.known.calls[len(self.calls)]
            if operator is not expected:
                raise RuntimeError(f"the network calls {operator}, not {expected} as before")
            live = _replaced(known, _Live, lambda live: self.handed[live.index])
            result, noted = (
                _replaced(live, _Unused, _Unused.tensor),
                _replaced(live, Tensor, _Result),
            )
            self.began = time.perf_counter()
        else:
            result = function(*arguments, **keywords)
            noted = _replaced(result, Tensor, _Result)
        self.calls.append((operator, noted))
        return result

    def _enter(self, module, arguments):
        if not self.is_before:
            return
        self.is_before = False
        known, count = self.known, len(self.calls)
        if known is not None:
            is_same = known.layer == self.layer
            if count < len(known.calls) or (is_same and count > len(known.calls)):
                raise RuntimeError(f"the network does not enter {self.layer} as before")
            self.seconds = known.seconds
            self.handed.clear()  # what nobody else holds is no longer in use
        if known is not None and is_same:
            self.prefix = known
        else:
            wait_for(device_of(module))
            self.seconds += time.perf_counter() - self.began
            self.prefix = _prefix(self.layer, self.calls, self.seconds)
        self.calls.clear()
        self.began = time.perf_counter()


def _prefix(layer: str, calls: list[tuple[Any, Any]], seconds: float) -> Prefix:
    """Return what is to be known of `calls`, whose results hold a `_Result` for each tensor."""
    positions: dict[int, _Live] = {}
    in_use = []

    def reduced(result: _Result):
        tensor = result.tensor()
        if tensor is None:
            return result.unused
        if id(tensor) not in positions:
            positions[id(tensor)] = _Live(len(in_use))
            in_use.append(tensor)
        return positions[id(tensor)]

    calls = [(operator, _replaced(results, _Result, reduced)) for operator, results in calls]
    return Prefix(layer, calls, copy.deepcopy(in_use), seconds)


def _replaced(results: Any, kind: type, replacement: Callable) -> Any:
    """Return an operator's results with `replacement(x)` for each x of that kind.

    Not by torch's pytree: it leaves cycles, in which tensors would be in use until collected.
    """
    if isinstance(results, (list, tuple)):
        return type(results)([_replaced(result, kind, replacement) for result in results])
    return replacement(results) if isinstance(results, kind) else results
