"""The tiles of outputs x positions that blocks compute, and which one a convolution gets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tile:
    """rows x columns outputs x positions to a block, thread_rows x thread_columns to a thread.

    depth : terms that a panel holds. blocks : what a multiprocessor should hold at once.
    """

    rows: int
    columns: int
    depth: int
    thread_rows: int
    thread_columns: int
    blocks: int

    @property
    def threads(self) -> int:
        return self.rows // self.thread_rows * (self.columns // self.thread_columns)

    def panel_bytes(self, x_bytes: int, w_bytes: int) -> int:
        """Return the shared memory of two panels of x and of w, whose rows are padded."""
        pitch = self.rows + (0 if self.rows % 4 else 16 // w_bytes)
        return 2 * self.depth * (self.columns * x_bytes + pitch * w_bytes)

    @property
    def macros(self) -> tuple[tuple[str, str], ...]:
        numbers = (self.rows, self.columns, self.depth, self.thread_rows, self.thread_columns)
        tile = ", ".join(map(str, numbers))
        return (("MBM_HW_TILE", tile), ("MBM_HW_BLOCKS", str(self.blocks)))

    def grid(self, positions: int, outputs: int, groups: int) -> tuple[int, int, int]:
        return -(-positions // self.columns), -(-outputs // self.rows), groups


LARGE = Tile(128, 128, 16, 8, 8, blocks=1)
TALL = Tile(128, 64, 16, 8, 4, blocks=1)
WIDE = Tile(64, 128, 16, 8, 4, blocks=1)  # a warp's threads have the same weights
MEDIUM = Tile(64, 64, 16, 4, 4, blocks=2)
FLAT = Tile(16, 128, 16, 4, 4, blocks=4)  # few outputs to a group
ROW = Tile(1, 256, 16, 1, 2, blocks=4)  # depthwise
TILES = (LARGE, TALL, WIDE, MEDIUM, FLAT, ROW)


def tile_for(
    positions: int, outputs: int, groups: int, multiprocessors: int, largest: Tile
) -> Tile:
    """Return the tile for so many positions and, in each of the groups, outputs."""
    if outputs == 1:
        return ROW
    if outputs <= FLAT.rows:
        return FLAT
    across, down, _ = largest.grid(positions, outputs, groups)
    return largest if across * down * groups >= multiprocessors else MEDIUM
