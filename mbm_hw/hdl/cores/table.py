"""The core of anybody's product table."""

from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.hdl.product_table import ProductTable, WideTables
from mbm_hw.multipliers import Table


@core_of(Table)
class TableCore(ProductTable):
    """The product table itself: of patterns, or of magnitudes in a sign-magnitude table."""

    takes_patterns = False  # but those of a table that takes no magnitudes

    def __init__(self, spec: Table, latency: int = 0):
        super().__init__(_stored(spec), latency)

    @classmethod
    def memory_table(cls, spec: Table) -> Table | None:
        return _stored(spec) if spec.array.size > WideTables.MAX_WORDS else None


def _stored(spec: Table) -> Table:
    """Return the table that the memory holds, without signs of its own."""
    return Table(spec.array) if spec.sign_magnitude else spec
