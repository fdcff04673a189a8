"""A study on a SLURM cluster: every job is a worker. Start it where `sbatch` is, in this folder's
parent, which all machines must see, with `.venv` in it:

    .venv/bin/python models/slurm.py study run models/depth_small.yaml

Set the resources below to what your site has. A job that ends, or never starts, loses nothing.
Whoever talks to a worker can run code in it: all processes ask for credentials (TLS), made for the
run. The jobs' copies lie in CREDENTIALS meanwhile; nobody else may read them.
"""

import sys
from pathlib import Path

import dask
from dask_jobqueue import SLURMCluster
from distributed.security import Security

from mbm_hw.cli import main
from mbm_hw.system.supervision import supervise

JOBS = 20
CREDENTIALS = Path("results/slurm")
"""A folder that all machines see."""


def slurm_cluster(security: Security) -> SLURMCluster:
    """Return the cluster: its scheduler runs here, no job has been asked for yet."""
    CREDENTIALS.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SLURMCluster(
        cores=1,  # for Dask: a job scores one unit at a time, on all of its
        processes=1,
        job_cpu=8,
        memory="16GB",
        walltime="08:00:00",
        job_extra_directives=[],  # on GPUs: ["--gres=gpu:1"]
        worker_extra_args=["--no-dashboard"],
        security=security,
        shared_temp_directory=str(CREDENTIALS.resolve()),
        scheduler_options={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
    )


def client_settings(security: Security) -> dict[str, str]:
    """Return the credentials of a client, as `--scheduler` finds them in Dask's configuration."""
    given = security.get_tls_config_for_role("client")
    settings = {"ca-file": given["ca_file"], "client.cert": given["cert"]}
    settings["client.key"] = given["key"]
    return {f"distributed.comm.tls.{name}": value for name, value in settings.items()}


def run() -> None:
    security = Security.temporary()
    with slurm_cluster(security) as cluster, dask.config.set(client_settings(security)):
        cluster.scale(jobs=JOBS)
        main([*sys.argv[1:], "--scheduler", cluster.scheduler_address])


if __name__ == "__main__":
    supervise("slurm", run)
