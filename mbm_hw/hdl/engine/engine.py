"""The convolution engine: a weight-stationary array between streams.

::

    jobs ────────► sequencer: kernel position, output position
                      │ address, in the patch?
    activations ─► 2 banks ──► R codes, or zeros ──┬────────┬─────── ... (broadcast to all columns)
                                                   ▼        ▼
    weights ─────► shadow ═══► R x C weights ► column 0  column 1 ... C: R products, adder tree
                                                   ▼        ▼
                                   sum so far ──► + ──────► + ────── ... wraps, sticky overflow
                                       ▲           │
                                       └─ buffer ◄─┴──────────────────► results, after the last

Rows are input channels, columns output channels. A pass keeps one weight for each row and column
and goes over the positions of a tile; the next pass is the next kernel position, then the next
block of input channels. Sums stay in the accumulator buffer from pass to pass and leave once.

::

    clock         0   1   2   3   4   5   6   7   8   9
    sequencer     p0  p1  p2  p3  q0  q1  q2  q3            passes p, q: 4 outputs each
    products          p0  p1  p2  p3  q0  q1  q2  q3        words read, weights swapped
    tree sums             p0  p1  p2  p3  q0  q1  q2  q3
    accumulators              p0  p1  p2  p3  q0  q1  q2    sum read before, written after
    results                                       q0  q1    if q is the last pass
    weights       q   q   q   q   r   r   r   r             a column each, of the next pass

A pass of `n` positions takes max(n, columns, 2) clocks: no less than its weights do, nor than a sum
from its reading to its writing. The next weights and the next patch are loaded meanwhile. So, while
no stream is waited for, a tile takes for each job

    max(kernel height * kernel width * max(n, columns, 2), words of the next patch + 1)

clocks. A result that is not taken holds the array; the loading goes on.

The array's utilisation is products over clocks * rows * columns. What bounds it: in a clock the
array has one kernel position of one output position, a row has one input channel for all columns,
and a column adds up one output channel. So an output takes at least a clock for each kernel
position and each block of `rows` input channels that the columns need together, in whatever order
and however fast the streams are. With groups of i input and o output channels no clock has more
useful products than min(columns * min(rows, i), rows * min(columns, o)): all for multiples of both,
i / rows of them for few input channels, and 1 / max(rows, columns) of them in a depthwise layer,
in which a row's channel is of use to one column. Only other wires would change that: an array whose
rows are kernel positions needs, for each column, a window of the patch in each clock.

Memories: the banks, 2 * patch words of rows * width bits; the accumulator buffer, positions words
of columns * (accumulator_width + 1) bits. Each has one port that writes and one that reads at the
clock. Registers: two sets of rows * columns weights, as many products, columns sums, two jobs.
"""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from mbm_hw.hdl.engine.column import Column
from mbm_hw.hdl.engine.parameters import JOB, EngineParameters
from mbm_hw.hdl.engine.patches import Patches
from mbm_hw.hdl.engine.sequencer import Sequencer
from mbm_hw.hdl.engine.sums import Sums
from mbm_hw.hdl.engine.weights import Weights
from mbm_hw.hdl.registers import registered


class Engine(wiring.Component):
    """The convolution engine of `parameters`; how it works is above.

    Members
    -------
    jobs : In(stream of `Job`)
    activations : In(stream of parameters.word_width bits), a patch for each job, row-major.
    weights : In(stream of parameters.word_width bits), for each job and kernel position a word for
        each column, column 0 first.
    results : Out(stream of parameters.result_width bits), a word for each output position of each
        last job, row-major: the columns' sums, column 0 lowest, then their overflow flags.

    The sync domain's reset drops everything. A job whose sizes do not fit the buffers, or are 0,
    has results that are not specified.
    """

    def __init__(self, parameters: EngineParameters):
        self.parameters = parameters
        word = stream.Signature(parameters.word_width)
        super().__init__(
            {
                "jobs": In(stream.Signature(JOB)),
                "activations": In(word),
                "weights": In(word),
                "results": Out(stream.Signature(parameters.result_width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        parameters = self.parameters
        m.submodules.patches = patches = Patches(parameters.word_width, parameters.patch)
        m.submodules.weight_sets = sets = Weights(parameters.word_width, parameters.columns)
        m.submodules.sequencer = sequencer = self.sequencer()
        columns = [Column(parameters.spec, parameters.rows) for _ in range(parameters.columns)]
        m.submodules.sums = sums = Sums(parameters, len(columns[0].total))
        wiring.connect(m, wiring.flipped(self.jobs), patches.jobs)
        wiring.connect(m, wiring.flipped(self.activations), patches.activations)
        wiring.connect(m, wiring.flipped(self.weights), sets.weights)
        wiring.connect(m, sums.results, wiring.flipped(self.results))

        advance = Signal()
        m.d.comb += [
            advance.eq(self.advances()),
            patches.en.eq(advance),
            patches.address.eq(sequencer.address),
            patches.finishes.eq(sequencer.finishes),
            sequencer.en.eq(advance),
            sequencer.job.eq(patches.job),
            sequencer.job_valid.eq(patches.job_valid),
            sequencer.weights_ready.eq(sets.ready),
            sets.swap.eq(self.swaps(sequencer)),
            sums.en.eq(advance),
            sums.totals.eq(Cat(column.total for column in columns)),
        ]
        members = [sequencer.issue, sequencer.position, sequencer.first, sequencer.last]
        (in_patch,) = registered(m, advance, sequencer.in_patch)
        for _ in range(2):  # the word is read, the products are registered
            members = registered(m, advance, *members)
        issue, position, first, last = members
        m.d.comb += [
            sums.valid.eq(issue),
            sums.position.eq(position),
            sums.first.eq(first),
            sums.last.eq(last),
        ]
        for i, column in enumerate(columns):
            m.submodules[f"column{i}"] = column
            m.d.comb += [
                column.en.eq(advance),
                column.activations.eq(Mux(in_patch, patches.word, 0)),
                column.weights.eq(sets.active.word_select(i, parameters.word_width)),
            ]
        return m

    def sequencer(self) -> Sequencer:
        return Sequencer(self.parameters.patch, self.parameters.positions)

    def swaps(self, sequencer: Sequencer):
        return sequencer.issue & sequencer.starts_pass

    def advances(self):
        """Return whether the array moves on: not while a result waits."""
        return ~self.results.valid | self.results.ready
