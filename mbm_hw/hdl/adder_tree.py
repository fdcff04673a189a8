"""A balanced tree of adders."""

from amaranth import Module, Signal


def tree_sum(m: Module, terms: list[Signal]) -> Signal:
    """Return the exact sum of `terms`, all signed or all unsigned, as a signal of the same kind.

    It is a bit wider for each level of the tree: as wide as the sum of equal terms needs.
    """
    level = 0
    while len(terms) > 1:
        sums = []
        for i in range(0, len(terms) - 1, 2):
            total = Signal((terms[i] + terms[i + 1]).shape(), name=f"sum{level}_{i // 2}")
            m.d.comb += total.eq(terms[i] + terms[i + 1])
            sums.append(total)
        terms = sums + terms[2 * len(sums) :]
        level += 1
    return terms[0]
