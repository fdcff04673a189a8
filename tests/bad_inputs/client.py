"""A process with a server in it: see `server`."""

import json
import os
import subprocess
import sys
from pathlib import Path

from .verdict import Outcome

ROOT = Path(__file__).parent.parent.parent
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Client:
    """Tries the cases of areas in a server of its own. To be closed, or used with `with`."""

    def __init__(self):
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.bad_inputs", "--serve"],
            cwd=ROOT,
            env=os.environ | ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def outcomes(self, area: str, **which: int) -> list[Outcome]:
        """Try the cases of an area; which : arguments of `areas.cases_of`."""
        request = {"area": area} | which
        print(json.dumps(request), file=self._server.stdin, flush=True)
        answer = self._server.stdout.readline()
        if not answer:
            raise RuntimeError(f"the server of bad inputs ended at {area}")
        return [Outcome(**outcome) for outcome in json.loads(answer)]

    def close(self) -> None:
        self._server.stdin.close()
        self._server.wait()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.close()
