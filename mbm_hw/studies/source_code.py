"""Python sources: which files a file imports, and what of a file counts."""

import ast
import functools
import io
import tokenize
from collections.abc import Callable, Collection, Iterator
from pathlib import Path


def imported_files(
    file: Path,
    folder: Path,
    installed: Collection[str] = (),
    without: Collection[str] = (),
    read: Callable[[Path], bytes] = Path.read_bytes,
) -> tuple[dict[str, Path], set[str]]:
    """Return the files of `folder` that `file` needs, and what else they import. Nothing is run.

    The files are by their modules' names below `folder`: `file` itself, what it imports, at its top
    or anywhere in it, and so on, and the packages that hold them. The rest are top-level names.

    installed : top-level names that are never the folder's. without : modules of the folder that
    are left out. read : gives a file's bytes.
    """
    found, others, waiting = {}, set(), [(module_name(file, folder), file)]
    while waiting:
        name, path = waiting.pop()
        if name in found or name in without:
            continue
        found[name] = path
        is_package = path.name == "__init__.py"
        own = name if is_package else name.rpartition(".")[0]
        for imported, is_relative in _imports(read(path), own):
            top = imported.partition(".")[0]
            is_itself = top == name and not is_package
            if not is_relative and (top in installed or is_itself):
                others.add(top)
                continue
            inside = _files(imported, folder)
            if not inside and own and _files(f"{own}.{top}", folder).get(f"{own}.{top}"):
                inside = _files(f"{own}.{imported}", folder)
            waiting += inside.items()
            if not inside:
                others.add(top)
    return found, others


def module_name(file: Path, folder: Path) -> str:
    """Return the name by which modules of `folder` import `file`."""
    parts = file.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def code_of(source: bytes) -> bytes:
    """Return a Python source without its comments, docstrings and blank lines.

    A source that is not Python is returned as it is.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding).replace("\r\n", "\n")
        tree = ast.parse(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, ValueError, tokenize.TokenError):
        return source
    lines = text.split("\n")
    dropped = set()
    for token in tokens:
        row, column = token.start
        before = lines[row - 1][:column].rstrip()
        if token.type == tokenize.COMMENT:
            lines[row - 1] = before
        if token.type in (tokenize.COMMENT, tokenize.NL) and not before:
            dropped.add(row)
    for node in _docstrings(tree):
        first, last = lines[node.lineno - 1].encode(), lines[node.end_lineno - 1].encode()
        kept = (first[: node.col_offset] + last[node.end_col_offset :]).decode().rstrip()
        dropped |= set(range(node.lineno + bool(kept), node.end_lineno + 1))
        lines[node.lineno - 1] = kept
    kept = [line for row, line in enumerate(lines, 1) if row not in dropped]
    return "\n".join(kept).rstrip().encode()


def _docstrings(tree: ast.Module) -> Iterator[ast.Expr]:
    holders = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
    for node in ast.walk(tree):
        if isinstance(node, holders) and ast.get_docstring(node, clean=False) is not None:
            yield node.body[0]


@functools.cache
def _imports(source: bytes, package: str) -> tuple[tuple[str, bool], ...]:
    """Return the modules that a module of `package` may import, and whether relatively.

    A name after `from ... import` may be a module. A source that is not Python imports nothing.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return ()
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += ((alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".") if node.level else []
            base = [*above[: len(above) + 1 - node.level], *filter(None, [node.module])]
            found += ((".".join([*base, a.name]).lstrip("."), node.level > 0) for a in node.names)
    return tuple(found)


def _files(name: str, folder: Path) -> dict[str, Path]:
    """Return the files in `folder` of a module and of the packages that hold it, by their names."""
    parts, files = name.split("."), {}
    for count in range(1, len(parts) + 1):
        path = folder.joinpath(*parts[:count])
        for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if file.is_file():
                files.setdefault(".".join(parts[:count]), file)
    return files
