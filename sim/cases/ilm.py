"""The cases of ILM: whether the last block leaves anything."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers import ILM
from sim.cases.bins import Case, crossed, flag
from sim.cases.integer import IntegerCases
from sim.cases.registry import cases_of


@cases_of(ILM)
class ILMCases(IntegerCases):
    """The cases of all integer specs, and of the residues."""

    def bins(self, a: np.ndarray, b: np.ndarray) -> Iterator[Case]:
        yield from super().bins(a, b)
        residues = (self.spec.residue(np.abs(x)) for x in (a, b))
        left = (flag(residue > 0, ("exact", "residue")) for residue in residues)
        yield crossed("blocks", *left, self.signs(a, b))
