"""What a study's rows depend on: rows of one table agree in all of it."""

import functools
import importlib.metadata
import inspect
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from mbm_hw.multipliers import Spec, own_families
from mbm_hw.multipliers.registry import family_of_spec
from mbm_hw.nn.quantize import QUANTIZERS
from mbm_hw.studies.data import Dataset
from mbm_hw.studies.description import Study
from mbm_hw.studies.hashing import array_bytes, remembered, sha256
from mbm_hw.studies.source_code import code_of, imported_files
from mbm_hw.system.user_code import KEPT, home, loaded_files, source_of

PACKAGE = Path(__file__).parent.parent
ROOT = PACKAGE / "studies" / "run.py"
"""The module that computes the rows. They depend on all that it imports."""

LEFT_OUT = {"mbm_hw", "mbm_hw.system.files"} | {
    f"mbm_hw.studies.{name}" for name in ("hashing", "identity", "source_code", "store")
}
"""Of what ROOT imports, the modules that name, keep and write rows, but do not compute them."""

CUDA = "mbm_hw.ops.cuda"
"""The package of kernels that only rows of the device `cuda` depend on."""

KERNELS = {".cpp", ".h", ".cu", ".txt"}
"""The endings of what is compiled, and of what says how."""


def study_identity(
    study: Study,
    network: nn.Module,
    dataset: Dataset,
    folder: str | Path | None,
    functions: Sequence[str] = (),
    device: str = "cpu",
) -> dict[str, str]:
    """Return by name all that the rows of a study depend on, but for what tells them apart.

    network : with its weights. folder : of real data sets, or None; where it lies does not matter,
    what is in it does. functions : each `file.py:function` of the user's that the rows come from.

    Of the data, all samples and calibration images count; of code, the modules that are imported,
    by this package's `ROOT` or by the user's functions, without comments and docstrings.
    """
    data = {key: _without(folder, value) for key, value in study.data.items()}
    return {
        "name": study.name,
        "data": str(data),
        "metrics": study.metrics,
        "quantizer": repr(QUANTIZERS[study.quantizer]),
        "batch": str(study.batch),
        "samples": dataset.fingerprint,
        "network": _network_hash(network),
        "weights": _weights_hash(network),
        "functions": ", ".join(function.rpartition(":")[2] for function in functions),
        **user_modules(functions),
        "mbm_hw": code_version(),
        "torch": torch.__version__,
        "device": device,
        **({"CUDA kernels": code_version(CUDA)} if device == "cuda" else {}),
    }


@functools.cache
def code_version(part: str | None = None) -> str:
    """Return the hash of what `ROOT` imports of this package, with the C++ that it compiles.

    part : CUDA, for what is in that package; None for all the rest.
    """
    everything = sorted(p for p in PACKAGE.rglob("*") if p.suffix in KERNELS | {".py"})

    def compute() -> str:
        files = package_files(LEFT_OUT)
        packages = [path.parent for path in files.values() if path.name == "__init__.py"]
        compiled = [p for p in everything if p.suffix in KERNELS and set(p.parents) & {*packages}]
        cuda = PACKAGE.parent.joinpath(*CUDA.split("."))
        chosen = [
            path
            for path in sorted({*files.values(), *compiled})
            if path.is_relative_to(cuda) == (part == CUDA)
        ]
        sources = [(path, path.read_bytes()) for path in chosen]
        return sha256(*(code_of(s) if path.suffix == ".py" else s for path, s in sources))

    return remembered(f"code {part}", everything, compute)


def package_files(without: Collection[str]) -> dict[str, Path]:
    """Return the modules that `ROOT` imports of this package, those of all families among them.

    The families are imported by discovery, so no source names them. without : modules left out.
    """
    families = [f"{entry.kind.__module__.replace('.', '/')}.py" for entry in own_families()]
    files = {}
    for root in (ROOT, *(PACKAGE.parent / family for family in families)):
        files |= imported_files(root, PACKAGE.parent, without=without)[0]
    return files


def spec_identity(spec: Spec | None) -> str:
    """Return what the rows of a multiplier depend on, beside the study's: what it is, as text.

    A family of the user's own, or of another package, is what its code says. One that is in no
    file, as a notebook's, is a ValueError. None stands for exact float32 arithmetic.
    """
    if spec is None or family_of_spec(spec).is_own:
        return repr(spec)
    kind = type(spec)
    try:
        file = inspect.getfile(kind)
    except (OSError, TypeError):
        raise ValueError(
            f"specs: {kind.__name__} is in no file: a study takes families of files, by whose code "
            "it knows its rows again"
        ) from None
    return f"{spec!r} {user_modules([f'{file}:{kind.__name__}'])}"


def user_modules(functions: Iterable[str]) -> dict[str, str]:
    """Return the modules that `file.py:function`s import: name -> hash, or version of a package.

    A package's version stands for it where it is installed; modules that lie elsewhere, as those of
    the user's folder do, are hashed one by one.
    """
    codes, versions, seen = {}, {}, set()
    waiting = [Path(function.rpartition(":")[0]).resolve() for function in functions]
    while waiting:
        file = waiting.pop()
        folder = home(file)[0]
        files, others = imported_files(file, folder, installed=KEPT, read=source_of)
        if "importlib" in others:  # what it imports by name is not written in the sources
            files |= loaded_files(folder)
        for name, path in files.items():
            if path not in seen:
                seen.add(path)
                codes.setdefault(name, set()).add(code_of(source_of(path)))
        for top in others - KEPT - versions.keys():
            origin = _origin(top)
            if origin is None or _is_installed(origin):
                versions[top] = _version(top)
            elif origin not in seen:
                waiting.append(origin)
    modules = {f"module {name}": sha256(*sorted(found)) for name, found in codes.items()}
    packages = {f"package {top}": version for top, version in versions.items()}
    return dict(sorted((modules | packages).items()))


def _origin(top: str) -> Path | None:
    """Return the file of an importable module; None where there is none, or no single one."""
    module = sys.modules.get(top)
    origin = module.__spec__ and module.__spec__.origin if module else None
    found = None if module else find_spec(top)
    origin = found.origin if found else origin
    return Path(origin).resolve() if origin and Path(origin).is_file() else None


def _is_installed(file: Path) -> bool:
    return bool({"site-packages", "dist-packages"} & set(file.parts))


def _version(top: str) -> str:
    """Return the version of the package that has the module `top`; empty where there is none."""
    try:
        return importlib.metadata.version(top)
    except importlib.metadata.PackageNotFoundError:
        packages = importlib.metadata.packages_distributions().get(top, [])
        return " ".join(map(importlib.metadata.version, packages))


def differences(found: Mapping, expected: Mapping) -> str:
    """Return in words how `found` differs from `expected`, or an empty text."""
    return "; ".join(
        f"{name} is {_short(found.get(name))}, not {_short(expected.get(name))}"
        for name in {**expected, **found}
        if found.get(name) != expected.get(name)
    )


def _short(value) -> str:
    text = str(value)
    return text if len(text) <= 200 and not _is_hash(text) else f"{text[:12]}..."


def _is_hash(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")


def _without(folder, value):
    is_within = isinstance(value, str) and f"{value}/".startswith(f"{folder}/")
    return f"{{data}}{value[len(str(folder)) :]}" if is_within else value


def _network_hash(network: nn.Module) -> str:
    shown = re.sub(r"\b0x[0-9a-f]+\b", "", repr(network))  # addresses differ from run to run
    return sha256(shown.encode())


def _weights_hash(network: nn.Module) -> str:
    state = network.state_dict() | dict(network.named_buffers())
    parts = []
    for key, value in state.items():
        is_tensor = isinstance(value, torch.Tensor)
        parts += key.encode(), array_bytes(value) if is_tensor else repr(value).encode()
    return sha256(*parts)
