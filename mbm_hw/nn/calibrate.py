"""Fixing the activations' scales from examples."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from mbm_hw.nn.layers import ApproxLayer


def calibrate_(model: nn.Module, batches: Iterable[Tensor | tuple]) -> list[str]:
    """Observe the activations of `model` in float, then fix its layers' scales, in place.

    batches : inputs of `model`: a tensor each, or a tuple of arguments.
    Returns the names of the layers calibrated: those whose quantiser needs it and that the batches
    reached. Layers with a float spec need none; where no layer does, nothing is run. The model runs
    in eval mode and without gradients, its approximate layers exactly; modes are then as before. If
    anything raises, no scale has changed.

    A model without approximate layers is a ValueError, and so are no batches and activations that
    are not finite.
    """
    layers = {name: m for name, m in model.named_modules() if isinstance(m, ApproxLayer)}
    if not layers:
        raise ValueError("calibrate_ takes a model with approximate layers: convert_ it first")
    modes = {module: module.training for module in model.modules()}
    observers = {name: layer.operand_quantizer.observer() for name, layer in layers.items()}
    observers = {name: observer for name, observer in observers.items() if observer is not None}
    try:
        for name, observer in observers.items():
            layers[name].observer = observer
        count = _run(model.eval(), batches) if observers else 1
    finally:
        for layer in layers.values():
            layer.observer = None
        for module, training in modes.items():
            module.training = training
    if count == 0:
        raise ValueError("calibrate_ takes at least one batch, not none")
    reached = [name for name, observer in observers.items() if observer.has_seen]
    for name in reached:
        layer = layers[name]
        layer.activation_amax = torch.tensor(
            observers[name].amax, dtype=torch.float32, device=layer.weight.device
        )
    return reached


@torch.no_grad()
def _run(model, batches) -> int:
    count = 0
    for batch in batches:
        model(*batch) if isinstance(batch, (tuple, list)) else model(batch)
        count += 1
    return count
