"""A study on a SLURM cluster: every job is a worker. Start it where `sbatch` is, in this folder's
parent, which all machines must see, with `.venv` in it:

    .venv/bin/python models/slurm.py study run models/depth_small.yaml

Set the resources below to what your site has. A job that ends, or never starts, loses nothing.
"""

import sys

from dask_jobqueue import SLURMCluster

from mbm_hw.cli import main
from mbm_hw.supervision import supervise

JOBS = 20


def slurm_cluster() -> SLURMCluster:
    """Return the cluster: its scheduler runs here, no job has been asked for yet."""
    return SLURMCluster(
        cores=1,  # for Dask: a job scores one unit at a time, on all of its
        processes=1,
        job_cpu=8,
        memory="16GB",
        walltime="08:00:00",
        job_extra_directives=[],  # on GPUs: ["--gres=gpu:1"]
        scheduler_options={"dashboard_address": ":0"},
    )


def run() -> None:
    with slurm_cluster() as cluster:
        cluster.scale(jobs=JOBS)
        main([*sys.argv[1:], "--scheduler", cluster.scheduler_address])


if __name__ == "__main__":
    supervise("slurm", run)
