"""Programs that end soon after Ctrl-C or a kill, say so in one line, and leave no process behind.

A supervised program is a process group of its own: the program, and every process that it or a
library of its starts. Outside of the group is the supervisor, the process that a terminal, `make`
or a script knows. It does nothing but wait, so it answers signals at once. Also in the group is a
watcher, a shell that reads from a pipe that the supervisor alone holds open: when the supervisor
dies, even by kill -9, the read ends and the watcher kills the group. A process cannot slip through:
one that is just being started belongs to the group, or fails to join it because it is gone.
"""

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

GRACE = 1.5
"""Seconds that a program has to unwind after a signal before its group is killed."""

_ENDINGS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "terminated"}
_WATCHER = "trap '' HUP INT TERM; read nothing; kill -KILL 0"
_POLL = 0.25  # seconds between looks at the time, and at whether make is still there


def supervise(name: str, program: Callable[[], int | None]) -> NoReturn:
    """Run `program` in a supervised child process and leave this one with its exit status.

    After SIGINT (Ctrl-C), SIGTERM or SIGHUP the group gets SIGTERM: `program` unwinds by an
    exception, all other processes end. Then stderr gets one line that begins with `name`, and the
    status is 128 plus the signal, all within 3 seconds. A program of `make` ends with `make`.

    To be called once, early: by the main thread, before torch is imported or a thread started.
    """
    inbox, outbox = socket.socketpair()
    inbox.setblocking(False)
    outbox.setblocking(False)
    before = {number: signal.getsignal(number) for number in (*_ENDINGS, signal.SIGTSTP)}
    heard = [number for number, how in before.items() if how != signal.SIG_IGN]  # as nohup has it
    before[signal.SIGCHLD] = signal.SIG_DFL
    heard.append(signal.SIGCHLD)
    signal.set_wakeup_fd(outbox.fileno())
    for number in heard:
        signal.signal(number, lambda *_: None)
    reading, writing = os.pipe()
    group = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", _WATCHER],
        os.environ,
        setpgroup=0,
        file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)],
    )
    child = os.fork()
    if child:
        os.close(reading)
        _leave(_supervisor(name, child, group, inbox))
    for end in (reading, writing):
        os.close(end)
    os.setpgid(0, group)
    signal.set_wakeup_fd(-1)
    for number in heard:
        signal.signal(number, before[number])
    for number in (signal.SIGTTIN, signal.SIGTTOU):  # a group in the background may not be stopped
        signal.signal(number, signal.SIG_IGN)
    _run(program)


def _supervisor(name: str, child: int, group: int, inbox: socket.socket) -> int:
    """Wait for the child, pass signals on, and return the exit status when the group is gone."""
    make = os.getppid() if "MAKELEVEL" in os.environ else None
    ending = deadline = None
    while not (waited := os.waitpid(child, os.WNOHANG))[0]:
        numbers = inbox.recv(64) if select.select([inbox], [], [], _POLL)[0] else b""
        if signal.SIGTSTP in numbers:
            _suspend(group)
        asked = [number for number in numbers if number in _ENDINGS]
        if make not in (None, os.getppid()):
            asked.append(signal.SIGTERM)
        if asked and ending is None:
            ending, deadline = signal.Signals(asked[0]), time.monotonic() + GRACE
            os.kill(child, signal.SIGTERM)  # first, so that it knows why the others end
            time.sleep(0.1)
            os.killpg(group, signal.SIGTERM)
        if deadline is not None and time.monotonic() > deadline:
            os.killpg(group, signal.SIGKILL)
    _end(group)
    status = os.waitstatus_to_exitcode(waited[1])
    if ending is None and status in (-signal.SIGTERM, 128 + signal.SIGTERM):  # it was sent there
        ending = signal.SIGTERM
    if ending is None and status >= 0:
        return status
    how = _ENDINGS.get(ending) or f"killed by {signal.Signals(-status).name}"
    start = "" if status >= 0 else "\n"  # a progress bar that was cut off
    with suppress(OSError):
        os.write(2, f"{start}{name}: {how}; what was finished is kept\n".encode())
    return 128 + (ending or -status)


def _suspend(group: int) -> None:
    """Stop with the group, as Ctrl-Z asks, until somebody lets this process go on."""
    os.killpg(group, signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGSTOP)
    os.killpg(group, signal.SIGCONT)


def _end(group: int) -> None:
    """Kill what is left of the group, the watcher at least, and wait a moment until it is gone."""
    os.killpg(group, signal.SIGKILL)
    os.waitpid(group, 0)
    start = time.monotonic()
    with suppress(ProcessLookupError):
        while time.monotonic() - start < GRACE / 3:
            os.killpg(group, 0)
            time.sleep(0.01)


class _Ending(BaseException):
    """A program was told to end. No SystemExit: code that guards against a sys.exit takes those."""


def _run(program: Callable[[], int | None]) -> NoReturn:
    """Run the program in the child. After SIGTERM it leaves without waiting for its threads."""
    is_ending = threading.Event()

    def again(swallowed):
        """Send the signal once more if Python has swallowed the exit, as weakref callbacks do."""
        if swallowed.exc_type is _Ending:
            signal.signal(signal.SIGTERM, unwind)
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()

    def unwind(number, frame):
        signal.signal(number, signal.SIG_IGN)
        sys.unraisablehook, threading.excepthook = again, lambda _: None
        logging.disable()
        is_ending.set()
        raise _Ending

    signal.signal(signal.SIGTERM, unwind)
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    try:
        sys.exit(program())
    except _Ending:
        pass
    finally:
        if is_ending.is_set():
            latest = time.monotonic() + GRACE / 4  # to remove the folders of programs that ended
            for thread in threading.enumerate():
                if thread is not threading.current_thread() and not thread.daemon:
                    thread.join(max(latest - time.monotonic(), 0))
            _leave(128 + signal.SIGTERM)


def _leave(status: int) -> NoReturn:
    if sys.stdout is not None:  # closed from the beginning
        with suppress(OSError):
            sys.stdout.flush()
    os._exit(status)
