"""The cases of product tables: every entry is one, and none has a name."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers import Table
from sim.cases.bins import Case
from sim.cases.integer import IntegerCases
from sim.cases.registry import cases_of


@cases_of(Table)
class TableCases(IntegerCases):
    """No bins: what there is in a table is anybody's."""

    def bins(self, a: np.ndarray, b: np.ndarray) -> Iterator[Case]:
        return iter(())

    def twin(self) -> None:
        return None
