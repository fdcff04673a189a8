"""Wrappers of unpacked programs."""

import os
import subprocess

import pytest

from mbm_hw.system import debian


@pytest.mark.parametrize("name", ["plain", """it's a "root" $x $(touch evil)""", "é;`touch evil`"])
def test_a_program_that_hands_its_place_to_a_shell_runs_in_any_folder(tmp_path, name):
    root = tmp_path / name
    program = root / "usr/bin/tool"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nsh -c "echo $1/usr/bin/*"\n')  # as iverilog does
    program.chmod(0o755)
    debian.write_wrapper(root / "bin/tool", 'exec "$root/usr/bin/tool" "$root"')
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    for _ in range(2):
        command = [root / "bin/tool"]
        ran = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert os.path.samefile(ran.stdout.strip(), program)
        assert not (tmp_path / "evil").exists()
