"""Debian's packages for tools that PyPI does not have: installed by root, unpacked by others."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

_HEAD = """#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")
case $root in *[!a-zA-Z0-9_/.,+@%=~-]*)
  links=${XDG_CACHE_HOME:-$HOME/.cache}/mbm_hw
  link=$links/$(printf %s "$root" | cksum | cut -d ' ' -f 1)
  [ "$(readlink "$link")" = "$root" ] || { mkdir -p "$links" && ln -sfn "$root" "$link"; } || exit
  root=$link ;;
esac"""


def install(packages: Sequence[str]) -> None:
    """Install Debian packages, as root."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "-qq", "update"], env=environment)
    command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends"]
    run([*command, *packages], env=environment)


def unpack(
    packages: Sequence[str], folder: Path, finish: Callable[[Path], None] = lambda root: None
) -> None:
    """Download Debian packages, without what they depend on, and add their files to `folder`.

    finish : what is to be done with the files before they appear there; it takes their folder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        root = Path(temporary) / "root"
        _download(packages, temporary)
        for package in Path(temporary).glob("*.deb"):
            run(["dpkg", "-x", str(package), str(root)])
        finish(root)
        shutil.copytree(root, folder, symlinks=True, dirs_exist_ok=True)


def write_wrapper(path: Path, *lines: str) -> None:
    """Write a shell script that knows as `$root` the folder two above it.

    Programs such as iverilog hand that name to a shell, unquoted. Where the shell would take it
    apart, `$root` is a link of a harmless name in the user's cache.
    """
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([_HEAD, *lines]) + "\n")
    path.chmod(0o755)


def run(command: Sequence[str], **options) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, **options)


def reason(error: Exception) -> str:
    """Return one line that says why: the last that the program printed, if it did."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = [*error.stdout.splitlines(), *error.stderr.splitlines()]
        return f"{error.cmd[0]} failed ({lines[-1] if lines else error.returncode})"
    return str(error)


def _download(packages, folder):
    command = ["apt-get", "-qq", "download", *packages]
    try:
        run(command, cwd=folder)
    except subprocess.CalledProcessError:  # no package lists yet: fetch them for this user alone
        lists, cache = Path(folder) / "lists", Path(folder) / "cache"
        for path in (lists, cache):
            (path / "partial").mkdir(parents=True)
        private = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}"]
        run(["apt-get", "-qq", *private, "update"], cwd=folder)
        run([*command, *private], cwd=folder)
