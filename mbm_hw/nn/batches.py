"""Calling a model with what a data loader gives: tensors, tuples, mappings."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only


def check_model(function: str, model: Any) -> None:
    """Raise a TypeError that names `function` if `model` is no network."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"{function} takes an nn.Module, not {described(model)}")


def call(model: nn.Module, batch: Any) -> Any:
    """Return what `model` gives for its own copy of `batch`, which it may change in place.

    batch : a tensor; a tuple or list of arguments; or a mapping of keyword arguments, such as the
        BatchEncoding of a tokenizer.
    """
    keywords = dict(batch) if isinstance(batch, Mapping) else {}
    arguments = () if isinstance(batch, Mapping) else batch
    arguments = arguments if isinstance(arguments, (tuple, list)) else (arguments,)
    arguments, keywords = tree_map_only(Tensor, torch.clone, (tuple(arguments), keywords))
    return model(*arguments, **keywords)


def call_with(model: nn.Module, batch: Any, inputs: Callable | None, index: int) -> Any:
    """Return `call(model, inputs(batch))`; a forward that raises is a ValueError naming the batch.

    inputs : None for the batch as it is. index : the batch's position, for the message.
    Errors of approximate layers, which are ValueErrors already, come through unchanged.
    """
    given = batch if inputs is None else inputs(batch)
    try:
        return call(model, given)
    except ValueError:
        raise
    except Exception as error:  # a forward may raise anything
        hint = ""
        if inputs is None and isinstance(given, (tuple, list)) and len(given) > 1:
            hint = "; for (input, label) batches give inputs=operator.itemgetter(0)"
        message = " ".join(str(error).split())
        raise ValueError(
            f"the model's forward refuses batch {index}, {described(given)}: "
            f"{type(error).__name__}: {message}{hint}"
        ) from error


def described(batch: Any) -> str:
    """Return in words what a batch holds: types and shapes."""
    if isinstance(batch, Tensor):
        return f"a tensor {list(batch.shape)} of {batch.dtype}"
    if isinstance(batch, Mapping):
        return f"a mapping with {', '.join(map(str, batch))}"
    if isinstance(batch, (tuple, list)):
        parts = ", ".join(map(described, batch))
        return f"a {type(batch).__name__} of {len(batch)}: {parts}"
    return f"a {type(batch).__name__}"
