"""The command line where its outputs are closed or full, and where numbers are not digits."""

import shlex
import subprocess
import sys

import pytest

from mbm_hw.cli import LONGEST, fail, main


def run(command):
    program = f"{shlex.quote(sys.executable)} -m mbm_hw {command}"
    return subprocess.run(
        program, shell=True, executable="/bin/bash", capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("errors mbm4s --csv >&-", 0),
        ("errors mbm4s 2>&- >/dev/null", 0),
        ("verilog --list | head -c 0; exit ${PIPESTATUS[0]}", 1),
    ],
)
def test_a_closed_output_is_no_error_to_speak_of(command, status):
    result = run(command)
    assert (result.stderr, result.returncode) == ("", status)


def test_a_full_disk_is_one_line():
    result = run("errors mbm4s > /dev/full")
    assert result.returncode == 2
    assert result.stderr == "mbm-hw: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["errors", "mbm8", "--samples", "٨"], "'٨' is not an integer"),
        (["errors", "mbm8", "--samples", "1_000"], "'1_000' is not an integer"),
        (["errors", "mbm8", "--samples", "9" * 5000], "is not an integer of at most 100 digits"),
        (["errors", "mbm8", "--seed", "-1"], "-1 is not in the range"),
        (["verilog", "mbm٨"], "no multiplier is called 'mbm٨'"),
        (["verilog", "mbm8_p٢"], "no multiplier is called 'mbm8_p٢'"),
        (["verilog", "mbm_bf16_mac"], "MACs and dot-product units take integer specs only"),
        (["ops", "x.py:y", "--input", "٨x٨"], "--input must be rows x columns"),
        (["ops", "x.py:y", "--input", "9" * 40 + "x1"], "at most 16384 each"),
    ],
)
def test_numbers_are_written_in_ascii_digits_and_bounded(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert len(line) <= LONGEST


def test_a_message_keeps_its_two_ends_and_nothing_that_a_terminal_obeys(capsys):
    with pytest.raises(SystemExit, match="2"):
        fail(f"study.yaml: \x1b[31m{'x' * 1000}\u202e\n\r the end")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mbm-hw: study.yaml: \\x1b[31mxxx")
    assert line.endswith("\\u202e the end")
    assert len(line) == LONGEST
