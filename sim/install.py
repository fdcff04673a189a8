"""python -m sim.install: bring what co-simulation needs to a Debian or Ubuntu machine.

That is Icarus Verilog and, where it is missing, Python's shared library. Root gets the packages
installed; another user gets them unpacked under build/icarus, and the machine stays as it is.
Nothing is done where nothing is missing. Exit status 2 if it cannot be done here.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import find_libpython

from sim.simulators import PRIVATE, MissingTool, icarus_folder, private_libpython


def main() -> int:
    packages = missing_packages()
    if not packages:
        return 0
    by_hand = f"install by hand: {' '.join(packages)} (Icarus Verilog 11 or newer)"
    if shutil.which("apt-get") is None:
        print(f"sim.install: no apt-get on this machine; {by_hand}", file=sys.stderr)
        return 2
    try:
        if os.geteuid() == 0:
            _install(packages)
        else:
            _unpack(packages)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"sim.install: {_reason(error)}; {by_hand}", file=sys.stderr)
        return 2
    missing = missing_packages()
    if missing:
        print(f"sim.install: {' '.join(missing)} did not help; {by_hand}", file=sys.stderr)
        return 2
    print(f"sim.install: {' '.join(packages)} ready")
    return 0


def missing_packages() -> list[str]:
    """Return the Debian packages that would bring what is missing."""
    packages = []
    try:
        icarus_folder()
    except MissingTool:
        packages.append("iverilog")
    if not (find_libpython.find_libpython() or private_libpython()):
        packages.append(f"libpython{sysconfig.get_python_version()}")
    return packages


def _install(packages):
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "-qq", "update"], env=environment)
    command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends"]
    _run([*command, *packages], env=environment)


def _unpack(packages):
    """Download the packages as a plain user and unpack them into PRIVATE, with wrappers in bin/."""
    PRIVATE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PRIVATE.parent) as folder:
        root = Path(folder) / "root"
        _download(packages, folder)
        for package in Path(folder).glob("*.deb"):
            _run(["dpkg", "-x", str(package), str(root)])
        for program, option in (("iverilog", "-B"), ("vvp", "-M")):
            # They look for their parts in /usr/lib, unless told otherwise.
            parts = next(root.glob("usr/lib/*/ivl"), None)
            if parts is None:
                continue
            wrapper = root / "bin" / program
            wrapper.parent.mkdir(exist_ok=True)
            lines = (
                "#!/bin/sh",
                'root=$(dirname "$(dirname "$(readlink -f "$0")")")',
                f'exec "$root/usr/bin/{program}" {option} "$root/{parts.relative_to(root)}" "$@"',
            )
            wrapper.write_text("\n".join(lines) + "\n")
            wrapper.chmod(0o755)
        shutil.copytree(root, PRIVATE, symlinks=True, dirs_exist_ok=True)


def _download(packages, folder):
    command = ["apt-get", "-qq", "download", *packages]
    try:
        _run(command, cwd=folder)
    except subprocess.CalledProcessError:  # no package lists yet: fetch them for this user alone
        lists, cache = Path(folder) / "lists", Path(folder) / "cache"
        for path in (lists, cache):
            (path / "partial").mkdir(parents=True)
        private = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}"]
        _run(["apt-get", "-qq", *private, "update"], cwd=folder)
        _run([*command, *private], cwd=folder)


def _run(command, **options):
    subprocess.run(command, check=True, capture_output=True, text=True, **options)


def _reason(error) -> str:
    """Return one line that says why: the last that the program printed, if it did."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = [*error.stdout.splitlines(), *error.stderr.splitlines()]
        return f"{error.cmd[0]} failed ({lines[-1] if lines else error.returncode})"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
