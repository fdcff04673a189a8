"""Fixing the activations' scales from examples."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from mbm_hw.nn.approx_layer import ApproxLayer
from mbm_hw.nn.batches import call_with, check_model
from mbm_hw.nn.quantize import AmaxObserver


def calibrate_(
    model: nn.Module,
    batches: Iterable[Tensor | tuple | list | Mapping[str, Any]],
    *,
    inputs: Callable[[Any], Any] | None = None,
    training: bool = False,
    allow_unreached: bool = False,
) -> list[str]:
    """Observe the activations of `model` in float, then fix its layers' scales, in place.

    Parameters
    ----------
    batches : inputs of `model`: a tensor each, a tuple or list of arguments, or a mapping of
        keyword arguments, such as a tokenizer's BatchEncoding. The model gets copies of them.
    inputs : takes a batch and returns what the model is given of it; None for the whole batch. For
        a loader of (image, label) pairs: `operator.itemgetter(0)`.
    training : also run each batch in training mode, for layers that only run then (auxiliary
        heads). Normalisation and dropout stay in eval mode.
    allow_unreached : leave layers that no batch reached as they are. Such a layer raises in its
        first forward if it needs a scale.

    Returns the names of the layers calibrated: those whose quantiser needs it. Layers with a float
    spec need no scale; where no layer does, the model runs until its layers are reached. The model
    runs in eval mode and without gradients, its approximate layers exactly; modes are then as
    before. If anything raises, no scale has changed.

    Raises
    ------
    ValueError : a model without approximate layers; no batches; activations that are not finite; a
        batch that the model's forward refuses; approximate layers that no batch reached, unless
        `allow_unreached`: the model computes without them, in exact arithmetic.
    """
    check_model("calibrate_", model)
    layers = {name: m for name, m in model.named_modules() if isinstance(m, ApproxLayer)}
    if not layers:
        raise ValueError("calibrate_ takes a model with approximate layers: convert_ it first")
    watches = {name: _Watch(name, m.operand_quantizer.observer()) for name, m in layers.items()}
    with _watching(layers, watches), _modes_kept(model), torch.no_grad():
        count = _run(model, batches, inputs, (False, True) if training else (False,), watches)
    if count == 0:
        raise ValueError("calibrate_ takes at least one batch, not none")
    unreached = [name for name, watch in watches.items() if not watch.is_reached]
    if unreached and not allow_unreached:
        raise ValueError(
            f"{unreached_text(unreached)}; see filter_fn of convert_, and training and "
            "allow_unreached of calibrate_"
        )
    calibrated = [name for name, watch in watches.items() if watch.amax is not None]
    for name in calibrated:
        layer = layers[name]
        layer.activation_amax = torch.tensor(
            watches[name].amax, dtype=torch.float32, device=layer.weight.device
        )
    return calibrated


def unreached_text(names: list[str]) -> str:
    """Return in words that a forward never calls the approximate layers `names`."""
    return (
        f"the forward never calls the approximate layers {', '.join(names)}, so their products are "
        "exact: it uses their weights in a function, keeps the float layers in a plain list, or "
        "runs them in training only"
    )


class _Watch:
    """A layer's observer: notes that the layer ran, and the range of its input if it needs one.

    amax : float, the range; None if none is needed or no value was seen.
    """

    def __init__(self, name: str, ranges: AmaxObserver | None):
        self.name, self.ranges, self.is_reached = name, ranges, False

    @property
    def amax(self) -> float | None:
        return None if self.ranges is None or not self.ranges.has_seen else self.ranges.amax

    def update(self, x: Tensor) -> None:
        self.is_reached = True
        if self.ranges is None:
            return
        if not x.isfinite().all():
            raise ValueError(
                f"layer {self.name!r}: activations must be finite in calibration, not NaN or "
                "infinite"
            )
        self.ranges.update(x)


def _run(model, batches, inputs, modes, watches) -> int:
    """Run the batches, or as many as are needed; return how many ran."""
    needs_ranges = any(watch.ranges is not None for watch in watches.values())
    count = 0
    for batch in batches:
        for training in modes:
            _set_mode(model, training)
            call_with(model, batch, inputs, count)
        count += 1
        if not needs_ranges and all(watch.is_reached for watch in watches.values()):
            break
    return count


@contextlib.contextmanager
def _watching(layers, watches) -> Iterator[None]:
    """Make each layer exact and let its watch see its inputs."""
    try:
        for name, layer in layers.items():
            layer.observer = watches[name]
        yield
    finally:
        for layer in layers.values():
            layer.observer = None


@contextlib.contextmanager
def _modes_kept(model: nn.Module) -> Iterator[None]:
    """Give every module its mode, training or eval, back."""
    modes = {module: module.training for module in model.modules()}
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def _set_mode(model: nn.Module, training: bool) -> None:
    model.train(training)
    for module in model.modules():
        if isinstance(module, (_NormBase, _DropoutNd)):
            module.eval()
