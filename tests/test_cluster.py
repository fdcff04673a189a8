"""Studies on Dask workers: real processes, some of which are killed."""

import importlib.util
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import closing
from pathlib import Path

import dask
import psutil
import pytest
import torch
from distributed.security import Security
from kills import living
from test_shards import row_count
from tiny_study import tiny_study, tiny_study_file

from mbm_hw.studies import cluster
from mbm_hw.studies.batch import MEASURED
from mbm_hw.studies.forward_errors import ForwardError
from mbm_hw.studies.run import StudyRun

ROOT = Path(__file__).parent.parent
# Like the tiny network; but in a worker the layer that is sought does what the file is written for.
FAULTY = """
import multiprocessing, os, signal
from torch import nn

class Faulty(nn.Conv2d):
    def forward(self, x):
        if multiprocessing.parent_process() is not None:
            {fault}
        return super().forward(x)

def faulty() -> nn.Module:
    return nn.Sequential(Faulty(1, 4, 3), nn.Flatten(), nn.Linear(144, 10))

def nothing(network, data):
    pass
"""


@pytest.fixture(scope="module")
def score():
    """Two workers on a machine that seems to have two GPUs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "device_count", lambda: 2)
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        with cluster.local_workers(2) as score:
            yield score


def client_of(score):
    return score.args[0]


def comparable(rows):
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in rows]


def compute(run, score, each=lambda count: None):
    """Run a study by `score`, call each(count) after each unit; return the rows."""
    with closing(run.open_store()) as store:
        finished = []
        for unit in run.compute(store, run.units, score):
            finished.append(unit)
            each(len(finished))
        assert len(finished) == len(set(finished)) == len(run.units), "each unit once"
        return run.finished(store, run.units)


def test_a_worker_killed_in_mid_run_loses_nothing(score, tmp_path):
    data = {"kind": "digits", "seed": 0, "images": 20, "calibration_images": 20}
    study = tiny_study(tmp_path, batch=1, data=data)
    client = client_of(score)
    before = set(client.run(os.getpid).values())

    def kill_one(count):
        if count == 40:
            os.kill(min(before), signal.SIGKILL)

    run = StudyRun(study, tmp_path / "cluster")
    rows = compute(run, score, kill_one)
    assert comparable(rows) == comparable(StudyRun(study, tmp_path / "serial").rows())
    assert row_count(tmp_path / "cluster/study.sqlite") == run.total
    client.wait_for_workers(2, timeout=60)
    assert len(set(client.run(os.getpid).values()) & before) == 1


def test_each_worker_has_its_gpu_and_its_share_of_the_cores(score, tmp_path):
    rows = compute(StudyRun(tiny_study(tmp_path), tmp_path), score)
    assert len(rows) == 63
    client = client_of(score)
    seen = client.run(os.getenv, "CUDA_VISIBLE_DEVICES")
    assert sorted(seen.values()) == ["0", "1"]
    share = max(len(os.sched_getaffinity(0)) // 2, 1)
    assert set(client.run(torch.get_num_threads).values()) == {share}


def test_workers_of_a_scheduler_are_taken_by_its_address(score, tmp_path):
    study = tiny_study(tmp_path)
    address = client_of(score).scheduler.address
    settings = slurm_file().client_settings(client_of(score).security)
    with dask.config.set(settings), cluster.remote_workers(address) as remote:
        rows = compute(StudyRun(study, tmp_path / "cluster"), remote)
    assert comparable(rows) == comparable(StudyRun(study, tmp_path / "serial").rows())


def listening(client):
    """Return the (ip, port) on which the processes of a pool listen."""
    processes = map(psutil.Process, (os.getpid(), *client.run(os.getpid).values()))
    connections = [found for process in processes for found in process.net_connections("tcp")]
    return {tuple(found.laddr) for found in connections if found.status == psutil.CONN_LISTEN}


def is_greeted(address, security=None):
    """Return whether a Dask process greets whoever connects with these credentials, or without."""
    ip, port = address.rpartition("/")[2].split(":")
    options = security.get_connection_args("client") if security else {}
    try:
        with socket.create_connection((ip, int(port)), timeout=1) as connection:
            if security:
                connection = options["ssl_context"].wrap_socket(connection)
            return bool(connection.recv(1))
    except (TimeoutError, ssl.SSLError, ConnectionError):
        return False


def test_workers_talk_to_those_who_have_their_credentials_only(score):
    """Who talks to a worker can run code in it, and every user of the machine can connect to it."""
    client = client_of(score)
    workers = client.scheduler_info()["workers"]
    nannies = [worker["nanny"] for worker in workers.values()]
    served = [client.scheduler.address, *workers, *nannies]
    for address in served:
        assert not is_greeted(address)
        assert not is_greeted(address, Security.temporary())
        assert is_greeted(address, client.security)
    pages = listening(client) - {("127.0.0.1", int(a.rpartition(":")[2])) for a in served}
    for ip, port in pages:
        assert ip == "127.0.0.1"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://{ip}:{port}/", timeout=5)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("garbage", "a scheduler's address must be as tls://host:8786, not 'garbage'"),
        ("", "a scheduler's address must be as tls://host:8786, not ''"),
        ("foo://host:1", "must be as tls://host:8786, not 'foo://host:1'"),
        ("tcp://host:port", "must be as tls://host:8786, not 'tcp://host:port'"),
        ("tcp://host:99999", "must be as tls://host:8786, not 'tcp://host:99999'"),
        ("tcp://[::1", "must be as tls://host:8786, not"),
        ("tls://host:1", "tls://host:1 wants credentials: Dask's configuration must name distrib"),
    ],
)
def test_an_address_that_no_scheduler_can_have_is_refused_at_once(address, message):
    with pytest.raises(ValueError, match=re.escape(message)), cluster.remote_workers(address):
        pass


def test_an_address_where_nobody_listens_is_refused_at_once():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    start = time.monotonic()
    with (
        pytest.raises(ConnectionError, match=f"no scheduler answers at {address}: .*refused"),
        cluster.remote_workers(address),
    ):
        pass
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("part", ["mbm_hw", "weights"])
def test_a_worker_with_another_study_is_an_error(score, tmp_path, part):
    run = StudyRun(tiny_study(tmp_path), tmp_path)
    run.identity[part] = 64 * "0"
    message = f"the worker tls://.* has another study: its {part} is .*, not 000000000000..."
    with pytest.raises(ValueError, match=message):
        compute(run, score)
    assert row_count(tmp_path / "study.sqlite") == 0


def faulty_study(folder, fault):
    file = folder / "faulty.py"
    file.write_text(FAULTY.format(fault=fault))
    return tiny_study(folder, network=f"{file}:faulty", weights=f"{file}:nothing")


def test_what_goes_wrong_in_a_unit_says_in_which(score, tmp_path):
    study = faulty_study(tmp_path, "raise RuntimeError('out of memory')")
    with pytest.raises(ForwardError, match="RuntimeError: out of memory") as raised:
        compute(StudyRun(study, tmp_path), score)
    assert raised.value.__notes__[0].startswith("in images ")


def test_a_unit_over_which_workers_die_is_named(score, tmp_path, monkeypatch):
    scheduler = client_of(score).cluster.scheduler
    monkeypatch.setattr(scheduler, "allowed_failures", 0)
    study = faulty_study(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    message = "images . to . of .*: one worker after another dies over it"
    with pytest.raises(ChildProcessError, match=message):
        compute(StudyRun(study, tmp_path), score)


def test_ctrl_c_keeps_what_is_finished_and_leaves_no_process(tmp_path):
    """The whole group of processes gets the signal, as from a terminal."""
    marker = uuid.uuid4().hex
    file = tiny_study_file(tmp_path, images=300)
    command = [sys.executable, "-m", "mbm_hw", "study", "run", str(file), "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--results", str(tmp_path)],
        stderr=subprocess.PIPE,
        env=os.environ | {"KILLS": marker},
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    database = tmp_path / "tiny/study.sqlite"
    while process.poll() is None and not (database.is_file() and row_count(database) > 20):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "mbm-hw: interrupted; what was finished is kept"
    assert "Traceback" not in err
    assert 20 < row_count(database) < 9 * 300
    assert not living(marker)


def slurm_file():
    specification = importlib.util.spec_from_file_location("slurm", ROOT / "models/slurm.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_slurm_file_asks_for_jobs_that_run_one_worker_each(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with slurm_file().slurm_cluster(Security.temporary()) as slurm:
        script = slurm.job_script()
    assert "#SBATCH --cpus-per-task=8\n" in script
    assert "distributed.cli.dask_worker tls://" in script
    assert "--nthreads 1 " in script


def test_the_slurm_files_scheduler_wants_credentials_and_serves_no_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module, security = slurm_file(), Security.temporary()
    with module.slurm_cluster(security) as slurm:
        address = slurm.scheduler_address
        assert not is_greeted(address)
        assert not is_greeted(address, Security.temporary())
        assert slurm.scheduler.http_server.address == "127.0.0.1"
        (folder,) = {file.parent for file in tmp_path.rglob(".dask-jobqueue*")}
        assert (folder, folder.stat().st_mode & 0o077) == (tmp_path / "results/slurm", 0)
        settings = module.client_settings(security)
        with dask.config.set(settings), cluster.remote_workers(address) as score:
            assert client_of(score).scheduler_info()["workers"] == {}
