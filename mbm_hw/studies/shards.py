"""Studies in shards, for machines that cannot see each other; and their stores put together."""

import json
import logging
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from mbm_hw.studies.cases import Unit
from mbm_hw.studies.identity import differences
from mbm_hw.studies.run import StudyRun
from mbm_hw.studies.store import Store
from mbm_hw.studies.store_contents import read_contents

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shard:
    """One of `count` parts of a study's units; `index` from 1 to `count`. Written 2/3."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Return the shard that is written so; anything else is a ValueError."""
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            expected = "a number of a count, of at most 999999, such as 2/3"
            raise ValueError(f"a shard must be {expected}, not {text[:40]!r}")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def open_store(self, run: StudyRun) -> Store:
        """Open, or create, the shard's own store beside the study's; see `StudyRun.open_store`."""
        path = run.folder / f"shard{self.index}of{self.count}.sqlite"
        return Store.described(path, run.description | {"shard": str(self)})

    def units(self, run: StudyRun) -> list[Unit]:
        """Return the shard's units: the same on every machine, each in one of the shards.

        Every shard has the same number of multiplications to do, but for at most one unit's; one
        that is approximate counts twice. Units of the same images stay together where they can.
        A shard may have no units, where there are more shards than units.
        """
        return _units_by_shard(run, self.count).get(self.index, [])


def _units_by_shard(run: StudyRun, count: int) -> Mapping[int, list[Unit]]:
    """Return index -> units, of those of `count` shards that have any."""
    everything = sum(run.multiplications.values())

    def cost(unit: Unit) -> int:
        approximate = sum(run.multiplications[layer] for layer in unit.case.layers)
        return len(unit.images) * (everything + approximate)

    units = run.in_turn(run.units)
    ends = list(accumulate(map(cost, units)))
    shards = defaultdict(list)
    for unit, end in zip(units, ends, strict=True):
        shards[(2 * end - cost(unit)) * count // (2 * ends[-1]) + 1].append(unit)
    return shards


def read_shards(run: StudyRun, paths: Sequence[str | Path]) -> tuple[dict[str, dict], int | None]:
    """Return the rows that the stores of a study's shards have, by their keys.

    And the number of shards, or None where the stores are not of shards of one count. The stores
    are read only. Of a damaged one the sound rows are taken, and a logged warning says so.

    A path that is no store, or the store of a study that differs in anything that rows depend on,
    is a ValueError that names it. Rows that no store has are not missed here: see `missing`.
    """
    keys = {key.encode(): key for unit in run.units for key in run.keys(unit)}
    found, counts = {}, set()
    for path in map(Path, paths):
        contents = read_contents(path)
        if contents.damage:
            _log.warning("%s is damaged (%s): its sound rows are taken", path, contents.damage)
        runs = [json.loads(text) for text in contents.descriptions.values()] or [{}]
        shards = [ran.pop("shard", None) for ran in runs]
        if run.description not in runs:
            how = differences(runs[-1], run.description)
            raise ValueError(f"{path} is of another study: its {how}")
        text = shards[runs.index(run.description)]
        counts.add(text and Shard.parse(text).count)
        for key in keys.keys() & contents.units.keys():
            found.setdefault(keys[key], json.loads(contents.units[key]))
    return found, counts.pop() if len(counts) == 1 else None


def missing(run: StudyRun, store: Store, count: int | None = None) -> str:
    """Return in words which units `store` lacks, by shards of `count`; or an empty text."""
    parts = {"": run.units}
    if count is not None:
        shards = sorted(_units_by_shard(run, count).items())
        parts = {f"shard {Shard(index, count)}: ": units for index, units in shards}
    texts = []
    for name, units in parts.items():
        lacking = [unit for unit in units if not run.is_finished(store, unit)]
        if lacking:
            images = sum(len(unit.images) for unit in lacking)
            texts.append(f"{name}{images} from {lacking[0]} to {lacking[-1]}")
    return "; ".join(texts)
