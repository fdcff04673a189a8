"""Stores damaged at random: no wrong number is shown, no row is lost that could be read.

A long run: `python tests/store_damage.py 10000` (stores) `--seed 7`.
"""

import argparse
import functools
import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mbm_hw.studies.store import Store
from mbm_hw.studies.store_contents import read_contents

ROWS = 150
PAGE = 4096


def right_row(number: int) -> dict:
    """Return the row that every store has under `key(number)`: a few figures of it are unique."""
    figures = np.random.default_rng(number).random(6).tolist()
    return {"spec": "mbm8s", "image": number} | {f"a{i}": x for i, x in enumerate(figures)}


def key(number: int) -> str:
    return f"{number:064x}"


@functools.cache
def whole_store(in_log: bool) -> dict[str, bytes]:
    """Return a store's file and its neighbour by their endings.

    in_log : its last rows are in the write-ahead log, as a killed process leaves them.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "study.sqlite"
        with closing(Store(path)) as store:
            store.describe({"name": "damaged"})
            for start in range(0, ROWS, 10):
                store.add((key(i), right_row(i)) for i in range(start, start + 10))
                if in_log and start == ROWS // 2 // 10 * 10:
                    store._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if in_log:
                return {end: Path(f"{path}{end}").read_bytes() for end in ("", "-wal")}
        return {"": path.read_bytes()}


def _flip(contents, generator):
    for at in generator.integers(0, len(contents), generator.integers(1, 9)):
        contents[at] ^= 1 << generator.integers(8)


def _flip_in_first_page(contents, generator):
    contents[generator.integers(100, PAGE)] ^= 1 << generator.integers(8)


def _change_a_digit(contents, generator):
    digits = np.flatnonzero((contents >= ord("0")) & (contents <= ord("9")))
    at = generator.choice(digits)
    contents[at] = ord("0") + (contents[at] - ord("0") + generator.integers(1, 10)) % 10


def _zero_a_page(contents, generator):
    page = generator.integers(len(contents) // PAGE)
    contents[page * PAGE : (page + 1) * PAGE] = 0


def _copy_a_page(contents, generator):
    to, taken = generator.integers(len(contents) // PAGE, size=2)
    contents[to * PAGE : (to + 1) * PAGE] = contents[taken * PAGE : (taken + 1) * PAGE]


def _fill_a_sector(contents, generator):
    at = 512 * generator.integers(len(contents) // 512)
    contents[at : at + 512] = generator.integers(0, 256, 512)


def _truncate(contents, generator):
    return contents[: generator.integers(len(contents))]


WAYS = (
    *(_flip, _flip_in_first_page, _change_a_digit, _zero_a_page, _copy_a_page),
    *(_fill_a_sector, _truncate),
)


def damage(path: Path, generator: np.random.Generator) -> str:
    """Damage a store, or its log, in one of WAYS; return its name."""
    way = WAYS[generator.integers(len(WAYS))]
    log = path.with_name(f"{path.name}-wal")
    hit = log if log.exists() and generator.integers(2) else path
    contents = np.frombuffer(hit.read_bytes(), np.uint8).copy()
    cut = way(contents, generator)
    hit.write_bytes((contents if cut is None else cut).tobytes())
    return way.__name__


def outcome(path: Path) -> str:
    """Read the damaged store as merge does, then open it as a study does; return what came of it.

    A wrong row, a changed input, an error of two lines or without the file's name is an
    AssertionError; any other error goes through.
    """
    before = _files(path.parent)
    try:
        contents = read_contents(path)
        read = {int(k, 16): row for k, row in contents.units.items()}
        assert all(row == _text(number) for number, row in read.items()), "a wrong row is read"
    except (ValueError, OSError) as error:
        read = {}
        assert_one_line(error, path)
    assert _files(path.parent) == before, "reading has changed something"
    try:
        store = Store(path)
    except (ValueError, OSError) as error:
        assert_one_line(error, path)
        assert _files(path.parent) == before, "a store that is refused has changed"
        return "refused"
    with closing(store):
        found = [store.get(key(number)) for number in range(ROWS)]
        for number, row in enumerate(found):
            assert row in (None, right_row(number)), f"row {number} is wrong: {row}"
            assert row is not None or number not in read, f"row {number} is lost"
        store.add((key(number), right_row(number)) for number in range(ROWS))
        assert [store.get(key(number)) for number in range(ROWS)] == [*map(right_row, range(ROWS))]
    if any(".damaged" in name for name in _files(path.parent)):
        return "all rows kept" if None not in found else "some rows kept" if any(found) else "none"
    return "unharmed" if None not in found else "the log is cut"


def _text(number):
    return json.dumps(right_row(number)).encode()


def assert_one_line(error: Exception, path: Path) -> None:
    assert path.name in str(error), f"the file is not named: {error}"
    assert "\n" not in str(error)


def _files(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def trial(seed: int, folder: Path, in_log: bool) -> tuple[str, str]:
    """Damage a store in an empty folder; return in which way, and what came of it."""
    path = folder / "study.sqlite"
    for ending, contents in whole_store(in_log).items():
        path.with_name(path.name + ending).write_bytes(contents)
    way = damage(path, np.random.default_rng(seed))
    return way, outcome(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", type=int)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    counts = Counter()
    for seed in range(arguments.seed, arguments.seed + arguments.stores):
        with TemporaryDirectory() as folder:
            try:
                counts[trial(seed, Path(folder), in_log=bool(seed % 2))] += 1
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
    for (way, came), count in sorted(counts.items()):
        print(f"{count:7} {way.strip('_').replace('_', ' ')}: {came}")
    print(f"{counts.total()} damaged stores: no wrong number, no traceback")


if __name__ == "__main__":
    main()
