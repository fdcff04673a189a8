"""A study on many processes, or on many machines of one network, by Dask.

Workers load the study once and score units; their rows come back to the caller, who alone writes
to the store. A unit whose worker dies is given to another worker.
"""

import asyncio
import functools
import os
import re
import signal
import socket
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import dask
import torch
from distributed import (
    Client,
    KilledWorker,
    Nanny,
    Scheduler,
    SpecCluster,
    WorkerPlugin,
    as_completed,
    get_worker,
)
from distributed.security import Security

from mbm_hw.studies.cases import Unit
from mbm_hw.studies.identity import differences
from mbm_hw.studies.run import StudyRun

Score = Callable[[StudyRun, Iterable[Unit]], Iterator[tuple[Unit, list[dict]]]]
"""Scores units of a study; yields them with their rows as they are finished."""

DEATHS = 3
"""A unit over which more workers of this machine die is an error."""

_SETTINGS = {
    "distributed.scheduler.worker-saturation": 1.0,  # a dead worker has one unit, which is blamed
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


@contextmanager
def local_workers(count: int) -> Iterator[Score]:
    """Start `count` worker processes on this machine, which share its cores, for the block.

    Where there are GPUs, each worker sees one of them. Whoever can connect to a worker can run code
    in it. So the processes listen on this machine only, and take only connections that have the
    credentials of this block (TLS); these are made for it and kept in memory. No pages are served.
    """
    gpus = _visible_gpus()
    pinned = [{"CUDA_VISIBLE_DEVICES": gpus[i % len(gpus)]} if gpus else {} for i in range(count)]
    security = Security.temporary()
    common = {"host": "127.0.0.1", "protocol": "tls://", "security": security}
    options = {"nthreads": 1, "memory_limit": 0, "silence_logs": "CRITICAL"} | common
    workers = {i: {"cls": Nanny, "options": options | {"env": pinned[i]}} for i in range(count)}
    served = {"dashboard": False, "dashboard_address": "127.0.0.1:0", "allowed_failures": DEATHS}
    scheduler = {"cls": Scheduler, "options": served | common}
    with dask.config.set(_SETTINGS):
        cluster = SpecCluster(workers, scheduler, security=security, silence_logs="CRITICAL")
        with cluster, Client(cluster, set_as_default=False) as client:
            try:
                yield functools.partial(_score, client, max(_cores() // count, 1))
            finally:
                cluster.sync(_close_soon, cluster.workers.values())


@contextmanager
def remote_workers(address: str) -> Iterator[Score]:
    """Take the workers of the Dask scheduler at `address`, such as tls://host:8786, for the block.

    The credentials for tls:// are those of Dask's configuration, `distributed.comm.tls`. A worker
    uses all the cores that it may, and scores one unit at a time.

    ValueError for another address, or without credentials for tls://; OSError if none answers.
    """
    host, port = _checked(address)
    try:  # Dask's client would try a refused connection again until its time is out
        socket.create_connection((host, port), timeout=10).close()
    except OSError as error:
        raise ConnectionError(f"no scheduler answers at {address}: {error}") from error
    with Client(address, timeout=10, set_as_default=False) as client:
        yield functools.partial(_score, client, None)


def _checked(address: str) -> tuple[str, int]:
    """Return an address's host and port; a ValueError where Dask's client would try in vain."""
    match = re.fullmatch(r"(tcp|tls)://([^/:\[\]]+|\[[0-9a-f:]+\]):([0-9]{1,5})", address)
    if not match or not 1 <= int(match[3]) <= 65535:
        raise ValueError(f"a scheduler's address must be as tls://host:8786, not {address[:80]!r}")
    security = Security()
    if match[1] == "tls" and not (security.tls_ca_file and security.tls_client_cert):
        raise ValueError(
            f"{address} wants credentials: Dask's configuration must name distributed.comm.tls."
            "ca-file, .client.cert and .client.key"
        )
    return match[2].strip("[]"), int(match[3])


def _score(client, cores, run, units):
    units, plugin = run.in_turn(units), _LoadedStudy(run, cores)
    try:
        client.register_plugin(plugin)
    except Exception as error:  # of any kind: it comes from the workers' side
        raise ValueError(f"a worker cannot take the study: {error!r}") from error
    keys = [(plugin.name, index) for index in range(len(units))]
    places = [run.units.index(unit) for unit in units]
    futures = client.map(_score_unit, [plugin.name] * len(units), places, key=keys, pure=False)
    waiting = dict(zip(futures, units, strict=True))
    del futures
    try:
        finished = as_completed(waiting, client.loop, with_results=True, raise_errors=False)
        for future, result in finished:
            unit = waiting.pop(future)
            if not isinstance(result, list):
                raise _error(unit, result)
            yield unit, result
    finally:
        with suppress(OSError):  # of a worker that dies meanwhile, or of a scheduler that is gone
            client.cancel(list(waiting))
            client.unregister_worker_plugin(plugin.name)


def _error(unit, result) -> BaseException:
    if isinstance(result, BaseException):  # the future was cancelled
        return ConnectionError("the scheduler is gone; what was finished is kept")
    _, error, _ = result
    if isinstance(error, KilledWorker):
        return ChildProcessError(f"{unit}: one worker after another dies over it")
    error.add_note(f"in {unit}")
    return error


class _LoadedStudy(WorkerPlugin):
    """What a worker keeps of a study, from its first unit on.

    cores : of a worker of this machine, which Ctrl-C ends through the caller alone; None for
    another's, which takes all that it may.
    """

    def __init__(self, run: StudyRun, cores: int | None):
        self.name, self.cores = f"mbm_hw-{uuid.uuid4().hex}", cores
        self.arguments, self.description = run.arguments, run.description

    def setup(self, worker) -> None:
        if self.cores is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        torch.set_num_threads(self.cores or _cores())
        self.address, self.lock, self.run = worker.address, threading.Lock(), None

    def score(self, place: int) -> list[dict]:
        with self.lock:
            if self.run is None:
                run = StudyRun(*self.arguments)
                if how := differences(run.description, self.description):
                    raise ValueError(f"the worker {self.address} has another study: its {how}")
                self.run = run
            return self.run.score(self.run.units[place])


def _score_unit(name: str, place: int) -> list[dict]:
    return get_worker().plugins[name].score(place)


async def _close_soon(nannies) -> None:
    """End the workers, whatever they do; by themselves Dask's wait for it to end."""
    await asyncio.gather(*(nanny.close(timeout=2) for nanny in nannies))


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _visible_gpus() -> list[str]:
    count = torch.cuda.device_count()
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return [str(i) for i in range(count)] if given is None else given.split(",")[:count]
