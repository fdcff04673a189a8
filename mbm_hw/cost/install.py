"""python -m mbm_hw.cost.install: bring the cell library and OpenSTA to a Debian machine.

The library is unpacked under build/cost, since its package wants a whole design flow installed.
Root gets OpenSTA installed, another user has it unpacked there too. Nothing is done where nothing
is missing. Exit status 2 if it cannot be done here.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from mbm_hw.cost.tools import PRIVATE, MissingTool, default_liberty, opensta
from mbm_hw.system import debian
from mbm_hw.system.supervision import supervise

LIBRARY = ("qflow-tech-osu018",)
TIMER = ("opensta",)
TIMER_LIBRARIES = ("libtcl8.6", "libreadline8")


def main() -> int:
    missing = [*_missing(default_liberty, LIBRARY), *_missing(opensta, TIMER)]
    if not missing:
        return 0
    by_hand = f"install by hand: {' '.join(missing)}"
    if shutil.which("apt-get") is None:
        print(f"cost.install: no apt-get on this machine; {by_hand}", file=sys.stderr)
        return 2
    try:
        if _missing(default_liberty, LIBRARY):
            debian.unpack(LIBRARY, PRIVATE)
        if _missing(opensta, TIMER):
            if os.geteuid() == 0:
                debian.install(TIMER)
            else:
                debian.unpack([*TIMER, *TIMER_LIBRARIES], PRIVATE, _add_wrapper)
        default_liberty(), opensta()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"cost.install: {debian.reason(error)}; {by_hand}", file=sys.stderr)
        return 2
    print(f"cost.install: {' '.join(missing)} ready")
    return 0


def _missing(find, packages) -> tuple[str, ...]:
    try:
        find()
    except MissingTool:
        return packages
    return ()


def _add_wrapper(root: Path):
    """Wrap OpenSTA, whose libraries and Tcl scripts lie under `root` too."""
    libraries = next(root.glob("usr/lib/*/libtcl8.6.so*")).parent.relative_to(root)
    debian.write_wrapper(
        root / "bin" / "sta",
        f'LD_LIBRARY_PATH="$root/{libraries}" TCL_LIBRARY="$root/usr/share/tcltk/tcl8.6" '
        'exec "$root/usr/bin/sta" "$@"',
    )


if __name__ == "__main__":
    supervise("cost.install", main)
