"""Studies in shards, for machines that cannot see each other; and their stores put together."""

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from mbm_hw.studies.cases import Unit
from mbm_hw.studies.identity import differences
from mbm_hw.studies.run import StudyRun
from mbm_hw.studies.store import Store


@dataclass(frozen=True)
class Shard:
    """One of `count` parts of a study's units; `index` from 1 to `count`. Written 2/3."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Return the shard that is written so; anything else is a ValueError."""
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise ValueError(f"a shard must be a number of a count such as 2/3, not {text!r}")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def open_store(self, run: StudyRun) -> Store:
        """Open, or create, the shard's own store beside the study's; see `StudyRun.open_store`."""
        store = Store(run.folder / f"shard{self.index}of{self.count}.sqlite")
        store.describe(run.description | {"shard": str(self)})
        return store

    def units(self, run: StudyRun) -> list[Unit]:
        """Return the shard's units: the same on every machine, each in one of the shards.

        Every shard has the same number of multiplications to do, but for at most one unit's; one
        that is approximate counts twice. Units of the same images stay together where they can.
        """
        everything = sum(run.multiplications.values())

        def cost(unit: Unit) -> int:
            approximate = sum(run.multiplications[layer] for layer in unit.case.layers)
            return len(unit.images) * (everything + approximate)

        units = run.in_turn(run.units)
        ends = list(accumulate(map(cost, units)))
        return [
            unit
            for unit, end in zip(units, ends, strict=True)
            if (2 * end - cost(unit)) * self.count // (2 * ends[-1]) == self.index - 1
        ]


def merge(run: StudyRun, store: Store, paths: Sequence[str | Path]) -> int | None:
    """Copy the rows of a study from the stores of its shards into `store`: all of them or none.

    A path that is no store, or the store of a study that differs in anything that rows depend on,
    is a ValueError that names it. Rows that no store has are not missed here: see `missing`.
    Returns the number of shards, or None where the stores are not of shards of one count.
    """
    found, counts = {}, set()
    for path in paths:
        if not Path(path).is_file():
            raise ValueError(f"there is no store {path}")
        with closing(Store(path)) as shard:
            runs = shard.descriptions() or [{}]
            shards = [ran.pop("shard", None) for ran in runs]
            if run.description not in runs:
                how = differences(runs[-1], run.description)
                raise ValueError(f"{path} is of another study: its {how}")
            text = shards[runs.index(run.description)]
            counts.add(text and Shard.parse(text).count)
            for key in (key for unit in run.units for key in run.keys(unit)):
                if key not in found and (row := shard.get(key)) is not None:
                    found[key] = row
    store.add(found.items())
    return counts.pop() if len(counts) == 1 else None


def missing(run: StudyRun, store: Store, count: int | None = None) -> str:
    """Return in words which units `store` lacks, by shards of `count`; or an empty text."""
    parts = {"": run.units}
    if count is not None:
        shards = [Shard(index, count) for index in range(1, count + 1)]
        parts = {f"shard {shard}: ": shard.units(run) for shard in shards}
    texts = []
    for name, units in parts.items():
        lacking = [unit for unit in units if not run.is_finished(store, unit)]
        if lacking:
            images = sum(len(unit.images) for unit in lacking)
            texts.append(f"{name}{images} from {lacking[0]} to {lacking[-1]}")
    return "; ".join(texts)
