"""The user's own Python files. Each folder of them is loaded as a package of its own.

So two folders may have modules of the same name, and a file may be called like an installed
package. A folder's modules import one another by plain names, as when Python runs one of them as a
script; they are in `sys.modules` under names that begin with `PREFIX`.
"""

import builtins
import importlib
import itertools
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

PREFIX = "user_code_"
KEPT = sys.stdlib_module_names | {"mbm_hw", "numpy", "torch"}
"""Modules that a user's file never replaces, whatever its name."""

_packages: dict[Path, str] = {}  # folder -> the name of its newest package
_numbers = itertools.count()
_entries: dict[str, Path] = {}  # module -> its file, where the file's name is not the module's
_sources: dict[str, tuple[Path, bytes]] = {}  # module -> its file, and what of it was run


def load_function(name: str) -> Callable:
    """Return the function of `file.py:function`.

    The file's imports come from its own folder first, or, in a Python package, from the folder that
    holds the package; then from what is installed. Modules of `KEPT` are never replaced. A file is
    run once, and anew, with all of its folder, after one of the folder's files has changed.

    Raises ValueError if there is no such file or function, or if the file cannot be run.
    """
    file, _, function = name.rpartition(":")
    if not Path(file).is_file():
        raise ValueError(f"{name}: there is no file {file}")
    found = getattr(load_module(file, name), function, None)
    if not callable(found):
        raise ValueError(f"{name}: {file} has no function {function!r}")
    return found


def load_module(file: str | Path, name: str) -> ModuleType:
    """Return the module of the Python file `file`, as `load_function` runs it.

    name : `file.py:what`, with which errors begin. A missing file is an OSError; a folder or a
    pipe, and whatever its code raises, is a ValueError.
    """
    path = Path(file)
    path.stat()
    if not path.is_file():
        raise ValueError(f"{name}: {path} is no file")
    with running(name, path):
        return _load(path.resolve())


def file_of(module: str) -> Path | None:
    """Return the user's file that a module, by its name in `sys.modules`, was run from, or None."""
    return _sources[module][0] if module in _sources else None


@contextmanager
def running(name: str, file: str | Path | None = None) -> Iterator[None]:
    """Let the code of `file.py:function` run within the block.

    file : the file, where `name` says more than a function's name behind it.
    Whatever it raises becomes a ValueError that names `name` and the last line of the user's that
    ran. Meanwhile pickle finds the folder's modules by their plain names, as scripts write them.
    """
    folder = home(Path(file or name.rpartition(":")[0]).resolve())[0]
    prefix = f"{_packages.get(folder, PREFIX)}."
    own = {n.removeprefix(prefix): m for n, m in sys.modules.items() if n.startswith(prefix)}
    plain = {name: module for name, module in own.items() if name not in sys.modules}
    sys.modules.update(plain)
    try:
        yield
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        raise ValueError(f"{name}: {_in_words(error, folder)}") from error
    finally:
        for plain_name in plain:
            sys.modules.pop(plain_name, None)


def blamed(error: BaseException) -> str | None:
    """Return an error that a user's file raised in words, with the file and the line; else None.

    error : also one that another process raised and a pool of `concurrent.futures` passed on.
    """
    files = {str(file) for file, _ in _sources.values()}
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    places += re.findall(r'^  File "(.+)", line (\d+)', _text(error.__cause__), re.MULTILINE)
    own = [place for place in places if place[0] in files]
    if not own:
        return None
    file, line = own[-1]
    return f"{file}, line {line}: {type(error).__name__}: {' '.join(_text(error).split())[:200]}"


def home(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the folder that a file's imports begin at, and the file's module name below it."""
    parts = () if path.name == "__init__.py" else (path.stem,)
    folder = path.parent
    while (folder / "__init__.py").is_file():
        folder, parts = folder.parent, (folder.name, *parts)
    return folder, parts


def source_of(path: Path) -> bytes:
    """Return the source of a user's file: what was run, or what is there if nothing was."""
    package = _packages.get(home(path)[0], PREFIX)
    ran = (s for name, (file, s) in _sources.items() if file == path and _top(name) == package)
    return next(ran, None) or path.read_bytes()


def loaded_files(folder: Path) -> dict[str, Path]:
    """Return the files of a user's folder that have been run: module below the folder -> file."""
    package = _packages.get(folder, PREFIX)
    ran = {name: file for name, (file, _) in _sources.items() if _top(name) == package}
    return {name.removeprefix(f"{package}."): file for name, file in ran.items()}


def _text(error: BaseException | None) -> str:
    try:
        return str(error)
    except Exception:  # a user's error has a text of the user's making, or fails to make it
        return "an error without a text"


def _in_words(error: BaseException, folder: Path) -> str:
    text = " ".join(_text(error).split())[:200]
    if isinstance(error, ValueError):
        return text
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    is_said = isinstance(error, SyntaxError) or not own
    where = "" if is_said else f" ({Path(own[-1].filename).name}, line {own[-1].lineno})"
    return f"{type(error).__name__}: {text}{where}"


def _load(path: Path) -> ModuleType:
    folder, parts = home(path)
    importlib.invalidate_caches()
    package = _packages.get(folder)
    if package is None or _has_changed(package):
        package = _packages[folder] = f"{PREFIX}{next(_numbers)}"
        sys.modules[package] = ModuleType(package)
        sys.modules[package].__path__ = [str(folder)]
    name = ".".join((package, *(part.replace(".", "_") for part in parts)))
    _entries[name] = path
    return importlib.import_module(name)


def _has_changed(package: str) -> bool:
    ran = [source for name, source in _sources.items() if _top(name) == package]
    return any(not file.is_file() or file.read_bytes() != source for file, source in ran)


def _top(name: str) -> str:
    return name.partition(".")[0]


class _Finder:
    """Finds the modules of the users' packages."""

    @staticmethod
    def find_spec(name, path=None, target=None) -> ModuleSpec | None:
        if not name.startswith(PREFIX):
            return None
        if (file := _entries.get(name)) and file.name != "__init__.py":
            return spec_from_file_location(name, file, loader=_Loader(name, str(file)))
        found = PathFinder.find_spec(name, path)
        if found is not None and isinstance(found.loader, SourceFileLoader):
            found.loader = _Loader(name, found.origin)
        return found


sys.meta_path.insert(0, _Finder)


class _Loader(SourceFileLoader):
    """Runs a file whose import statements, wherever they stand, go through `_import`.

    It compiles the source itself: a cached .pyc is of an older source where the two have the same
    size and second.
    """

    def get_code(self, name):
        source = self.get_data(self.path)
        _sources[name] = Path(self.path), source
        return self.source_to_code(source, self.path)

    def exec_module(self, module):
        module.__builtins__ = vars(builtins) | {"__import__": _import}
        super().exec_module(module)


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    """Do what `builtins.__import__` does, but look in the importing module's folder first."""
    top = _top(name)
    parent = None if level else _parent(top, globals or {})
    if parent is None:
        return builtins.__import__(name, globals, locals, fromlist, level)
    if fromlist:
        return builtins.__import__(f"{parent}.{name}", globals, locals, fromlist)
    importlib.import_module(f"{parent}.{name}")
    return sys.modules[f"{parent}.{top}"]


def _parent(top: str, importer: dict) -> str | None:
    """Return the package in which the module `importer` finds `top`; None for the installed one."""
    package, own = _top(importer.get("__name__", "")), importer.get("__package__", "")
    is_itself = importer.get("__name__") == f"{package}.{top}" and "__path__" not in importer
    if not package.startswith(PREFIX) or top in KEPT or is_itself:
        return None
    found = find_spec(f"{package}.{top}")
    if found is not None and found.origin is not None:
        return package
    if top in sys.modules or find_spec(top) is not None:
        return None
    if found is not None:  # a folder without __init__.py
        return package
    is_beside = own not in (None, "", package) and find_spec(f"{own}.{top}") is not None
    return own if is_beside else None
