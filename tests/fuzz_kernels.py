"""Random calls of the CPU operators, legal and hostile ones, against sums in NumPy.

Usage: python tests/fuzz_kernels.py --count 1000 --seed 0, or --seconds 3600, or --case 17 for one.

A call is legal, or has one fault: a number beyond 32 or 64 bits, memory that was freed, an operand
on another device, an operand that is none. A legal call must give NumPy's sums; a faulty one a
ValueError or TypeError of one line, at once. `make sanitize` runs this under the sanitizers. The
number of the running case is in build/fuzz_case, for a process that ended.
"""

import argparse
import contextlib
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from fuzz_cases import OPERATORS
from fuzz_faults import FAULTS, TooLarge
from isas import ISAS, forced

SLOWEST = 20.0  # seconds, under sanitizers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int)
    asked = parser.parse_args()
    first = asked.case or 0
    count = first + 1 if asked.case is not None else asked.count
    start, outcomes = time.perf_counter(), Counter()
    running = Path("build/fuzz_case")
    running.parent.mkdir(exist_ok=True)
    with running.open("w") as file:
        for index in range(first, count if asked.seconds == float("inf") else sys.maxsize):
            if time.perf_counter() - start > asked.seconds:
                break
            file.seek(0)
            file.write(f"seed {asked.seed}, case {index}\n")
            file.flush()
            outcomes[run_case(asked.seed, index)] += 1
    seconds = time.perf_counter() - start
    parts = ", ".join(
        f"{outcomes[name]} {name}" for name in ("equal", "refused", "too large to run")
    )
    print(
        f"fuzz_kernels: {outcomes.total()} cases of seed {asked.seed} in {seconds:.0f} s on "
        f"{', '.join(ISAS)}: {parts}, 0 wrong"
    )


def run_case(seed: int, index: int) -> str:
    """Run one case; return its outcome, or exit with a line that says what is wrong."""
    random = np.random.default_rng([seed, index])
    isa, threads = random.choice(ISAS), int(random.integers(1, 4))
    call = OPERATORS[random.choice(list(OPERATORS))](random)
    fault = random.choice([None, *FAULTS], p=[0.6, *[0.4 / len(FAULTS)] * len(FAULTS)])

    def fail(what):
        sys.exit(f"fuzz_kernels: seed {seed}, case {index} on {isa}, fault {fault}: {call}: {what}")

    try:
        must_fail = fault is not None and FAULTS[fault](random, call)
        expected = None if must_fail else call.expected()
    except TooLarge:
        return "too large to run"
    start = time.perf_counter()
    actual, error = None, None
    with forced(isa), on_threads(threads):
        try:
            actual = call.run()
        except (ValueError, TypeError) as raised:
            error = str(raised)
        except Exception as raised:
            fail(f"{type(raised).__name__}: {raised}")
    seconds = time.perf_counter() - start
    if seconds > SLOWEST:
        fail(f"{seconds:.0f} s")
    if error is not None:
        if "\n" in error or len(error) > 300:
            fail(f"an error of {len(error)} characters: {error}")
        if not must_fail and not call.may_be_refused:
            fail(f"refused: {error}")
        return "refused"
    if must_fail:
        fail("no error")
    actual = actual.numpy()
    if actual.shape != expected.shape:
        fail(f"shape {actual.shape}, expected {expected.shape}")
    if actual.dtype == np.float32 and expected.dtype == np.uint32:
        actual = actual.view(np.uint32)
    same = (actual == expected) | ((actual != actual) & (expected != expected))
    if not same.all():
        at = tuple(int(i) for i in np.argwhere(~same)[0])
        fail(f"{int((~same).sum())} differ, at {at} {actual[at]}, expected {expected[at]}")
    return "equal"


@contextlib.contextmanager
def on_threads(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


if __name__ == "__main__":
    main()
