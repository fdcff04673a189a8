"""Try bad inputs; print by area how many were tried, kept and broken.

Without arguments: the fixed cases. With --seed and --count: so many mutations of whole files.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from tabulate import tabulate

from .areas import AREAS


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.bad_inputs", description=__doc__)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(AREAS)} (all)")
    parser.add_argument("--seed", type=int, help="of mutations")
    parser.add_argument("--count", type=int, default=1000, help="of mutations (1000)")
    parser.add_argument("--verbose", action="store_true", help="print what every case said")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        from .server import serve

        serve()
        return 0
    return table(arguments)


def table(arguments: argparse.Namespace) -> int:
    from .client import Client

    requests = _requests(arguments)
    clients = SimpleQueue()
    for _ in range(min(os.cpu_count(), len(requests))):
        clients.put(Client())

    def attempt(request):
        client = clients.get()
        start = time.monotonic()
        outcomes = client.outcomes(**request)
        clients.put(client)
        return request["area"], outcomes, time.monotonic() - start

    start, rows = time.monotonic(), {}
    with ThreadPoolExecutor(clients.qsize()) as pool:
        for area, outcomes, seconds in pool.map(attempt, requests):
            _say(area, outcomes, arguments.verbose)
            broken = sum(bool(outcome.broken) for outcome in outcomes)
            row = {"tried": len(outcomes), "kept": len(outcomes) - broken, "broken": broken}
            row |= {"s": seconds, "longest s": max(outcome.seconds for outcome in outcomes)}
            before = rows.get(area, dict.fromkeys(row, 0))
            longest = max(before["longest s"], row["longest s"])
            rows[area] = {k: before[k] + row[k] for k in row} | {"longest s": longest}
    while not clients.empty():
        clients.get().close()
    print(tabulate([{"area": area} | row for area, row in rows.items()], "keys", "github", ".1f"))
    tried, broken = (sum(row[key] for row in rows.values()) for key in ("tried", "broken"))
    seed = "" if arguments.seed is None else f", seed {arguments.seed}"
    took = time.monotonic() - start
    print(f"tried: {tried}, kept: {tried - broken}, broken: {broken}{seed}; {took:.0f} s")
    return 1 if broken else 0


def _requests(arguments: argparse.Namespace) -> list[dict]:
    if arguments.seed is None:
        return [{"area": area} for area in arguments.areas or AREAS]
    from .mutations import FORMATS

    areas, part = arguments.areas or list(FORMATS), 50
    rounds = -(-arguments.count // (part * len(areas)))
    seeds = range(arguments.seed * 10**6, arguments.seed * 10**6 + rounds)
    return [{"area": area, "seed": seed, "count": part} for seed in seeds for area in areas]


def _say(area, outcomes, is_verbose):
    for outcome in outcomes:
        if outcome.broken:
            print(f"{area}: {outcome.name}: {'; '.join(outcome.broken)}: {outcome.said[-200:]!r}")
        elif is_verbose:
            print(f"{area}: {outcome.name} ({outcome.cpu:.2f} s): {outcome.said}")


if __name__ == "__main__":
    sys.exit(main())
