"""Output files: never half-written, links and devices and rights kept, leftovers removed."""

import csv
import io
import os
import stat
import subprocess
import sys
import threading

import pytest
from test_cli import call

from mbm_hw.cli.options import print_rows
from mbm_hw.system.files import (
    NAME_MAX,
    check_folder_writable,
    check_writable,
    replacing,
    write_csv,
)


def write(path, text="new"):
    with replacing(path) as file:
        file.write(text)


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("absent")
    write(tmp_path / "link")
    write(tmp_path / "dangling")
    for link, file in (("link", "real"), ("dangling", "absent")):
        assert (tmp_path / link).readlink().name == file
        assert (tmp_path / file).read_text() == "new"
    assert not hidden(tmp_path)


def test_rights_stay(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 5678)
    before = path.stat()
    write(path)
    after = path.stat()
    assert path.read_text() == "new"
    assert before.st_ino != after.st_ino, "replaced"
    for part in ("st_mode", "st_uid", "st_gid"):
        assert getattr(after, part) == getattr(before, part)


def test_a_new_file_has_the_rights_of_any_other(tmp_path):
    write(tmp_path / "x")
    (tmp_path / "y").write_text("")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "y").stat().st_mode


def test_a_device_stays_a_device(capsys, tmp_path):
    device = tmp_path / "null"
    if os.geteuid() == 0:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    else:
        device.symlink_to(os.devnull)
    assert call(capsys, "verilog", "mbm8", "-o", device)[0] == 0
    assert stat.S_ISCHR(device.stat().st_mode)
    assert not hidden(tmp_path)


def test_a_fifo_gets_all_at_once_and_nothing_of_what_fails(tmp_path):
    fifo, got = tmp_path / "fifo", []
    os.mkfifo(fifo)
    with pytest.raises(RuntimeError), replacing(fifo) as file:  # nobody reads: it does not wait
        file.write("half")
        raise RuntimeError
    reader = threading.Thread(target=lambda: got.append(fifo.read_text()))
    reader.start()
    write(fifo, "x" * 100_000)
    reader.join(10)
    assert got == ["x" * 100_000]
    assert stat.S_ISFIFO(fifo.stat().st_mode)


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("is_pipe", [False, True], ids=["file", "pipe"])
def test_standard_output_is_written_through(tmp_path, path, is_pipe):
    program = (
        "import atexit; from mbm_hw.cli import main; print('before');"
        "atexit.register(print, 'after');"
        f"main(['verilog', 'mbm4s', '-o', {path!r}])"
    )
    with open(tmp_path / "out", "w+") as out:
        ran = subprocess.run(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE if is_pipe else out,
            stderr=subprocess.PIPE,
            text=True,
        )
        out.seek(0)
        printed = ran.stdout if is_pipe else out.read()
    assert printed.startswith("before\n// mbm4s")
    assert printed.endswith("endmodule\nafter\n")
    assert ran.stderr == f"wrote {path}\n"


def test_a_full_device_is_named():
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        write("/dev/full")


@pytest.mark.parametrize("name", ["n" * 240, "n" * NAME_MAX, "é" * (NAME_MAX // 2)])
def test_the_longest_names_work(tmp_path, name):
    write(tmp_path / name)
    write(tmp_path / name, "newer")
    assert (tmp_path / name).read_text() == "newer"
    assert not hidden(tmp_path)


def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_are_not(tmp_path):
    path, token = tmp_path / "x", "0123456789abcdef" * 2
    others = [f".y.{token}", ".x.1234", f".x.{token}.txt", f"x.{token}"]
    for name in (f".x.{token}", *others):
        (tmp_path / name).write_text("half")
    with replacing(path) as first:
        first.write("first")
        write(path, "second")
        assert len(hidden(tmp_path)) == 4, "three that are not ours, and the first one"
        assert not (tmp_path / f".x.{token}").exists()
    assert path.read_text() == "first"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*others, "x"])


def test_a_killed_process_leaves_the_old_file_and_the_next_one_cleans_up(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    program = (
        "import os, sys; from mbm_hw.system.files import replacing\n"
        "with replacing(sys.argv[1]) as file:\n"
        "    file.write('half'); file.flush(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(path)])
    assert path.read_text() == "old"
    assert len(hidden(tmp_path)) == 1
    write(path)
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "Is a directory"),
        ("folder", "Is a directory"),
        ("file/x", "Not a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("/proc/x", "No such file or directory"),
        ("n" * (NAME_MAX + 1), "File name too long"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_work(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    for attempt in (check_writable, write):
        with pytest.raises(OSError, match=message) as raised:
            attempt(path)
        assert raised.value.filename == (path or ".")
    assert not hidden(tmp_path)


def test_a_folder_to_come_is_checked_and_not_made(tmp_path):
    check_folder_writable(tmp_path / "a/b")
    check_writable(tmp_path / "a/b/c")
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file/a/b", "/proc/a/b"):
        with pytest.raises(OSError, match=r"Not a directory|No such file"):
            check_folder_writable(path)


@pytest.mark.parametrize(
    "command",
    [
        "verilog mbm8 -o",
        "verilog --all",
        "table mbm4 -o",
        "ops absent --picture",
        "cost mbm8 -o",
        "cost mbm8 --cache",
        "report absent -o",
        "study run absent.yaml --results",
        "study merge absent.yaml x --results",
    ],
)
def test_every_command_checks_its_output_first(capsys, command):
    status, out, err = call(capsys, *command.split(), "/proc/a/b")
    assert (status, out) == (2, "")
    assert err == "mbm-hw: /proc/a/b: No such file or directory\n"


@pytest.mark.parametrize(
    "command",
    ["table t.csv -o t.csv", "verilog t.csv -o ./t.csv", "ops t.csv:net --picture link.csv"],
)
def test_an_input_is_not_written_over(capsys, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    call(capsys, "table", "mbm4s", "-o", "t.csv")
    (tmp_path / "link.csv").symlink_to("t.csv")
    before = (tmp_path / "t.csv").read_bytes()
    status, out, err = call(capsys, *command.split())
    assert (status, out) == (2, "")
    assert err.endswith(".csv is an input: give another file to write\n")
    assert (tmp_path / "t.csv").read_bytes() == before


def test_texts_that_are_formulas_are_quoted_for_spreadsheets(tmp_path, capsys):
    texts = ["=1+1", "+1", "-a", "@x", "\tx", "a=b", ""]
    row = {f"text{i}": text for i, text in enumerate(texts)} | {"=key": -1, "b": -0.5, "c": None}
    write_csv(tmp_path / "x.csv", [row])
    with open(tmp_path / "x.csv", newline="") as file:
        header, cells = csv.reader(file)
    assert cells == ["'=1+1", "'+1", "'-a", "'@x", "'\tx", "a=b", "", "-1", "-0.5", ""]
    assert header[-3:] == ["'=key", "b", "c"]
    print_rows([row], "csv")
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [header, cells]
