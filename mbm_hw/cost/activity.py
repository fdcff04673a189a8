"""How often every net of a mapped netlist switches, by bit planes: 64 vectors in a word.

Without delays each net switches once or not at all between two vectors. With delays a net may
glitch: the gates are then simulated in time, each with its own inertial delays, for all pairs of
neighbouring vectors at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mbm_hw.cost.cell_function import boolean_function
from mbm_hw.cost.netlist import Net, Netlist, delayed, planes_of
from mbm_hw.cost.timing import Timing

STEPS = 256  # of time, on the critical path
LANES = 2**15  # pairs of vectors that are simulated together

Toggles = Mapping[Net, tuple[int, int]]
"""How often each net rises and falls."""


def settled_toggles(netlist: Netlist, planes: Mapping[Net, np.ndarray], count: int) -> Toggles:
    """Return the toggles between the `count` vectors of `netlist.evaluate`'s planes, no delays."""
    lanes = _lanes(1, count)
    toggles = {
        net: (_ones(plane & ~delayed(plane) & lanes), _ones(delayed(plane) & ~plane & lanes))
        for net, plane in planes.items()
    }
    return toggles | _clock_toggles(netlist, count - 1)


def toggles_with_glitches(
    netlist: Netlist, planes: Mapping[Net, np.ndarray], count: int, timing: Timing
) -> Toggles:
    """Return the toggles between the `count` vectors where each gate has its own delays.

    A net follows its gate's inputs after timing.delays, in units of the critical path / STEPS, at
    least one; what lasts less than that is swallowed. Inputs change all at once.
    """
    step = timing.critical_path / STEPS
    delays = {
        net: tuple(max(round(delay / step), 1) for delay in both)
        for net, both in timing.delays.items()
    }
    totals: dict[Net, list[int]] = {}
    for start in range(0, count - 1, LANES):
        size = min(LANES, count - 1 - start)
        words = slice(start // 64, start // 64 + -(-size // 64) + 1)
        part = {net: plane[words] for net, plane in planes.items()}
        for net, (rises, falls) in _simulate(netlist, part, size, delays).items():
            total = totals.setdefault(net, [0, 0])
            total[0] += rises
            total[1] += falls
    return {net: tuple(total) for net, total in totals.items()} | _clock_toggles(netlist, count - 1)


@dataclass(frozen=True)
class Wave:
    """A net's planes in time: rows[0] until `start`, rows[i] at start + i, the last for good."""

    start: int
    rows: np.ndarray

    @property
    def end(self) -> int:
        return self.start + len(self.rows) - 1

    def between(self, start: int, end: int) -> np.ndarray:
        return self.rows[np.clip(np.arange(start, end + 1) - self.start, 0, len(self.rows) - 1)]

    def followed(self, rise: int, fall: int) -> "Wave":
        """Return what an inertial delay makes of the wave: 1 after `rise` steps of 1, or 0."""
        early, late = min(rise, fall), max(rise, fall)
        rows = self.between(self.start - late, self.end + late)
        shape = (len(rows) - late, rows.shape[1])
        ones, zeros = _last(np.bitwise_and, rows, rise), _last(np.bitwise_or, rows, fall)
        out = np.empty(shape, rows.dtype)
        held = rows[0]
        for i in range(shape[0]):  # row i is the time self.start + i
            held = np.bitwise_and(
                np.bitwise_or(held, ones[late - rise + i], out=out[i]),
                zeros[late - fall + i],
                out=out[i],
            )
        skipped = early - 1 if shape[0] > early else 0
        return Wave(self.start + skipped, out[skipped:])

    def toggles(self, lanes: np.ndarray) -> tuple[int, int]:
        before, after = self.rows[:-1], self.rows[1:]
        return _ones(~before & after & lanes), _ones(before & ~after & lanes)


def _simulate(netlist, planes, size, delays) -> Toggles:
    """Return the toggles of `size` pairs of neighbouring vectors."""
    lanes = _lanes(0, size)
    readers = {net: len(all_) for net, all_ in netlist.readers.items()}

    def step(net):
        """Return a net that changes at once, from each vector to the next."""
        plane = planes[net]
        following = plane >> np.uint64(1)
        following[:-1] |= plane[1:] << np.uint64(63)
        return Wave(-1, np.stack([plane, following])[:, : len(lanes)])

    waves = {net: step(net) for nets in netlist.inputs.values() for net in nets}
    waves |= {net: Wave(-1, planes[net][None, : len(lanes)]) for net in ("0", "1", "x")}
    toggles = {net: wave.toggles(lanes) for net, wave in waves.items()}
    for register in netlist.registers:
        for pin in register.cell.outputs:
            if pin.name in register.nets:
                net = register.nets[pin.name]
                waves[net] = step(net).followed(*delays[net])
                toggles[net] = waves[net].toggles(lanes)
    for gate in netlist.gates:
        sources = {
            pin.name: gate.nets[pin.name] for pin in gate.cell.inputs if pin.name in gate.nets
        }
        inputs = [waves[net] for net in sources.values()]
        start, end = min(w.start for w in inputs), max(w.end for w in inputs)
        values = {pin: waves[net].between(start, end) for pin, net in sources.items()}
        for pin in gate.cell.outputs:
            if pin.name in gate.nets:
                net = gate.nets[pin.name]
                now = Wave(start, boolean_function(pin.function)(values))
                waves[net] = now.followed(*delays[net])
                toggles[net] = waves[net].toggles(lanes)
        for net in sources.values():  # a wave is dropped after its last reader
            readers[net] -= 1
            if not readers[net]:
                del waves[net]
    return toggles


def _last(operation, rows: np.ndarray, length: int) -> np.ndarray:
    """Return, in row i, the operation over the rows i to i + length - 1."""
    total, covered = rows, 1
    while covered < length:
        more = min(covered, length - covered)
        total = operation(total[:-more], total[more:])
        covered += more
    return total


def _clock_toggles(netlist, count):
    return {net: (count, count) for net in netlist.inputs.get("clk", [])}


def _lanes(first: int, last: int) -> np.ndarray:
    """Return a plane with ones for the vectors first to last - 1."""
    return planes_of(np.arange(last) >= first, 1)[0]


def _ones(planes: np.ndarray) -> int:
    return int(np.bitwise_count(planes).sum())
