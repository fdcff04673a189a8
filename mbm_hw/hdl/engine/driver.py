"""From a convolution to the engine's streams, and from its results to the output.

A layer is cut into tiles: up to `columns` output channels of one image, in a rectangle of up to
`positions` outputs whose patch of activations fits a bank. A tile takes a job for each block of up
to `rows` of the input channels that it needs: all of the channels' groups, so that a depthwise
layer's tile needs as many channels as it has columns, with weight 0 off the diagonal.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mbm_hw.hdl.engine.parameters import JOB, EngineParameters

SIZE_MAX = 255  # of a job's sizes


@dataclass(frozen=True)
class Convolution:
    """A convolution of codes, with the arguments of `ops.conv2d`.

    x : integers [N, C, H, W]. w : integers [O, C / groups, kH, kW]. The pairs are (vertical,
    horizontal).
    """

    x: np.ndarray
    w: np.ndarray
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def out_size(self) -> tuple[int, int]:
        """Rows and columns of the output."""
        spans = [
            size + 2 * padding - dilation * (kernel - 1) - 1
            for size, padding, dilation, kernel in zip(
                self.x.shape[2:], self.padding, self.dilation, self.w.shape[2:], strict=True
            )
        ]
        return tuple(span // step + 1 for span, step in zip(spans, self.stride, strict=True))


@dataclass(frozen=True)
class Tile:
    """Outputs that are computed together: of one image, of some channels, in a rectangle.

    channels, rows, columns : of the output.
    """

    image: int
    channels: range
    rows: range
    columns: range

    @property
    def outputs(self) -> int:
        return len(self.channels) * len(self.rows) * len(self.columns)


@dataclass(frozen=True)
class Words:
    """What goes into the engine for some tiles, in order, and how much comes out of it.

    jobs, activations, weights : words. results : how many words come.
    products : those that the outputs need, with zero padding counted. clocks : see `tile_clocks`.
    least_clocks : below which no order of the jobs and no loading could bring them; see `Engine`.
    """

    jobs: list[int]
    activations: list[int]
    weights: list[int]
    results: int
    products: int
    clocks: int
    least_clocks: int


def tiles(layer: Convolution, engine: EngineParameters) -> list[Tile]:
    """Return the tiles that make up the layer's output.

    A layer of which not even one output fits the engine is a ValueError.
    """
    out_height, out_width = layer.out_size
    height, width = _tile_size(layer, engine)
    return [
        Tile(image, channels, rows, columns)
        for image in range(len(layer.x))
        for rows in _blocks(out_height, height)
        for columns in _blocks(out_width, width)
        for channels in _blocks(len(layer.w), engine.columns)
    ]


def words(layer: Convolution, engine: EngineParameters, chosen: Sequence[Tile]) -> Words:
    """Return the words of the streams for the tiles."""
    jobs, activations, weights = [], [], []
    results = products = clocks = least_clocks = 0
    for tile in chosen:
        for job, patch, kernels in _jobs(layer, engine, tile):
            jobs.append(job)
            activations.append(patch)
            weights.append(kernels)
        results += len(tile.rows) * len(tile.columns)
        products += tile.outputs * layer.w[0].size
        clocks += tile_clocks(layer, engine, tile)
        passes = layer.w[0, 0].size * len(_input_blocks(layer, engine, tile))
        least_clocks += passes * len(tile.rows) * len(tile.columns)
    width = engine.spec.width
    return Words(
        jobs=jobs,
        activations=pack(np.concatenate(activations), width),
        weights=pack(np.concatenate(weights), width),
        results=results,
        products=products,
        clocks=clocks,
        least_clocks=least_clocks,
    )


def outputs(
    layer: Convolution, engine: EngineParameters, chosen: Sequence[Tile], results: Sequence[int]
) -> Iterator[tuple[Tile, np.ndarray, np.ndarray]]:
    """Yield for each tile its sums, int64 [channels, rows, columns], and its overflow flags."""
    start, width = 0, engine.accumulator_width
    for tile in chosen:
        shape = len(tile.rows), len(tile.columns)
        count = shape[0] * shape[1]
        part = results[start : start + count]
        start += count
        low = -(1 << (width - 1)) if engine.spec.signed else 0
        sums, flags = [], []
        for i in range(len(tile.channels)):
            patterns = [(word >> (i * width)) & ((1 << width) - 1) for word in part]
            sums.append([(pattern - low) % (1 << width) + low for pattern in patterns])
            flags.append([word >> (engine.columns * width + i) & 1 for word in part])
        yield tile, np.array(sums).reshape(-1, *shape), np.array(flags, bool).reshape(-1, *shape)


def tile_clocks(layer: Convolution, engine: EngineParameters, tile: Tile) -> int:
    """Return the clocks that a tile takes in a stream of tiles, while no stream is waited for.

    For each job the longer of: its passes, one for each kernel position, of a clock for each
    output, but no less than one for each column's weights, nor than two; and the loading of the
    next patch, of a clock for each word and one for the job.
    """
    kernel = layer.w.shape[2] * layer.w.shape[3]
    passes = kernel * max(len(tile.rows) * len(tile.columns), engine.columns, 2)
    (_, height, _), (_, width, _) = _windows(layer, tile)
    return len(_input_blocks(layer, engine, tile)) * max(passes, height * width + 1)


def pack(codes: np.ndarray, width: int) -> list[int]:
    """Return a word for each row of codes [words, rows], row 0 lowest, `width` bits each."""
    bits = (codes[..., None] >> np.arange(width)) & 1
    packed = np.packbits(bits.astype(np.uint8).reshape(len(codes), -1), axis=1, bitorder="little")
    return [int.from_bytes(word.tobytes(), "little") for word in packed]


def _blocks(count: int, size: int) -> list[range]:
    """Return 0 to count - 1 in as few ranges of at most `size` as there can be, about equal."""
    parts = -(-count // size)
    edges = [count * i // parts for i in range(parts + 1)]
    return [range(a, b) for a, b in itertools.pairwise(edges)]


def _tile_size(layer, engine) -> tuple[int, int]:
    """Return the rows and columns of the largest tile; of equal ones, of the smallest patch."""
    best = None
    for height in range(1, min(layer.out_size[0], SIZE_MAX) + 1):
        for width in range(1, min(layer.out_size[1], SIZE_MAX) + 1):
            patch = [_span(layer, axis, range(n)) for axis, n in ((0, height), (1, width))]
            fits = height * width <= engine.positions and patch[0] * patch[1] <= engine.patch
            if fits and max(patch) <= SIZE_MAX:
                score = height * width, -patch[0] * patch[1]
                best = max(best or (score, height, width), (score, height, width))
    if best is None:
        raise ValueError(f"no tile of the layer fits a patch of {engine.patch} words")
    return best[1:]


def _span(layer, axis, outs: range) -> int:
    """Return the rows (axis 0) or columns of the padded input that the outputs meet."""
    reach = layer.dilation[axis] * (layer.w.shape[2 + axis] - 1) + 1
    return (len(outs) - 1) * layer.stride[axis] + reach


def _input_blocks(layer, engine, tile) -> list[range]:
    inputs, group_outputs = layer.w.shape[1], len(layer.w) // layer.groups
    first = tile.channels[0] // group_outputs * inputs
    end = (tile.channels[-1] // group_outputs + 1) * inputs
    return [range(first + b[0], first + b[-1] + 1) for b in _blocks(end - first, engine.rows)]


def _jobs(layer, engine, tile):
    """Yield a job's word, its patch [words, rows] and its weights [passes * columns, rows]."""
    (top, height, pad_top), (left, width, pad_left) = _windows(layer, tile)
    blocks = _input_blocks(layer, engine, tile)
    for i, block in enumerate(blocks):
        sizes = {
            "height": height,
            "width": width,
            "kernel_height": layer.w.shape[2],
            "kernel_width": layer.w.shape[3],
            "stride_y": layer.stride[0],
            "stride_x": layer.stride[1],
            "dilation_y": layer.dilation[0],
            "dilation_x": layer.dilation[1],
            "pad_top": pad_top,
            "pad_left": pad_left,
            "out_height": len(tile.rows),
            "out_width": len(tile.columns),
        }
        if max(sizes.values()) > SIZE_MAX:
            raise ValueError(f"a job's sizes are at most {SIZE_MAX}, not {sizes}")
        flags = {"first": i == 0, "last": i == len(blocks) - 1}
        region = layer.x[tile.image, block.start : block.stop, top : top + height]
        patch = np.zeros((height * width, engine.rows), dtype=np.int64)
        patch[:, : len(block)] = region[:, :, left : left + width].reshape(len(block), -1).T
        yield JOB.const(sizes | flags).as_value().value, patch, _weights(layer, engine, tile, block)


def _windows(layer, tile):
    return _window(layer, 0, tile.rows), _window(layer, 1, tile.columns)


def _window(layer, axis, outs: range) -> tuple[int, int, int]:
    """Return where the patch of the outputs starts, its size, and the padding before it."""
    size, span = layer.x.shape[2 + axis], _span(layer, axis, outs)
    start = outs[0] * layer.stride[axis] - layer.padding[axis]
    if start >= size:  # nothing but padding: a word, and all outputs above or left of it
        return size - 1, 1, span
    first, end = max(start, 0), min(start + span, size)
    return first, max(end - first, 1), first - start


def _weights(layer, engine, tile, block) -> np.ndarray:
    kernel = layer.w.shape[2] * layer.w.shape[3]
    inputs, group_outputs = layer.w.shape[1], len(layer.w) // layer.groups
    weights = np.zeros((kernel, engine.columns, engine.rows), dtype=np.int64)
    for column, channel in enumerate(tile.channels):
        start = channel // group_outputs * inputs  # of its group's input channels
        common = range(max(block.start, start), min(block.stop, start + inputs))
        if common:
            taps = layer.w[channel, common.start - start : common.stop - start]
            rows = slice(common.start - block.start, common.stop - block.start)
            weights[:, column, rows] = taps.reshape(len(common), kernel).T
    return weights.reshape(-1, engine.rows)
