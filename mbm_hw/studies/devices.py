"""Where a study's networks run: on the CPU, or on a GPU."""

import torch
from torch import nn


def move_(network: nn.Module, device: str) -> None:
    """Move a network to "cpu" or "cuda"; a ValueError where there is no GPU."""
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("the device must be cpu here: torch finds no GPU")
    network.to(device)


def device_of(network: nn.Module) -> torch.device:
    """Return where the network's weights are."""
    return next(network.parameters()).device


def wait_for(device: torch.device) -> None:
    """Return when the device has done all that it was given: a clock may be read then."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
