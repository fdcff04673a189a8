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
from pathlib import Path

import find_libpython

from mbm_hw.system import debian
from mbm_hw.system.supervision import supervise
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
            debian.install(packages)
        else:
            debian.unpack(packages, PRIVATE, _add_wrappers)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"sim.install: {debian.reason(error)}; {by_hand}", file=sys.stderr)
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


def _add_wrappers(root: Path):
    """Wrap the programs, which look for their parts in /usr/lib unless told otherwise."""
    for program, option in (("iverilog", "-B"), ("vvp", "-M")):
        parts = next(root.glob("usr/lib/*/ivl"), None)
        if parts is not None:
            debian.write_wrapper(
                root / "bin" / program,
                f'exec "$root/usr/bin/{program}" {option} "$root/{parts.relative_to(root)}" "$@"',
            )


if __name__ == "__main__":
    supervise("sim.install", main)
