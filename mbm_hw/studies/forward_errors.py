"""Errors of networks while they run: which layer, which line of the user's file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch
from torch import nn

_PACKAGES = [Path(torch.__file__).parent, Path(__file__).parent.parent]


class ForwardError(ValueError):
    """One line about an error that a network's forward raised; that error is its cause."""


@contextmanager
def naming_layers(what: str, network: nn.Module) -> Iterator[None]:
    """Turn whatever a forward of `network` raises within the block into a `ForwardError`.

    Its line has `what`, the layer that failed, the last line of the user's file that was running,
    and the error. A user's forward may raise anything, `SystemExit` by a sys.exit too.
    """
    try:
        yield
    except (ForwardError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        frames = _frames(error)
        places = [*_layer(frames, network), *_line(frames)]
        place = f" ({', '.join(places)})" if places else ""
        raise ForwardError(f"{what} fails{place}: {_text(error, frames)}") from error


def _frames(error: BaseException) -> list[tuple[FrameType, int]]:
    """Return the frames that the error went through, with their lines; the innermost one last."""
    frames, traceback = [], error.__traceback__
    while traceback is not None:
        frames.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return frames


def _package(frame: FrameType) -> Path | None:
    path = Path(frame.f_code.co_filename)
    return next((package for package in _PACKAGES if path.is_relative_to(package)), None)


def _layer(frames, network) -> Iterator[str]:
    """Yield the innermost module inside `network` that was running."""
    names = {id(module): name for name, module in network.named_modules() if name}
    running = [frame.f_locals.get("self") for frame, _ in reversed(frames)]
    module = next((module for module in running if id(module) in names), None)
    if module is not None:
        yield f"layer {names[id(module)]!r}, {type(module).__name__}"


def _line(frames) -> Iterator[str]:
    """Yield the innermost line of a file that is neither torch's nor ours."""
    for frame, number in reversed(frames):
        if _package(frame) is None and Path(frame.f_code.co_filename).is_file():
            yield f"{Path(frame.f_code.co_filename).name}, line {number}"
            return


def _text(error: BaseException, frames) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, SystemExit):
        return f"it calls sys.exit({error.code!r})"
    is_ours = _package(frames[-1][0]) == _PACKAGES[1] and isinstance(error, (ValueError, TypeError))
    return text if is_ours else f"{type(error).__name__}: {text}".removesuffix(": ")
