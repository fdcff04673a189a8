"""What the array does at each clock: kernel position by kernel position, output by output."""

from amaranth import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from mbm_hw.hdl.engine.parameters import JOB, SIDE_BITS


class Sequencer(wiring.Component):
    """Goes through a job: for each kernel position, row-major, all outputs, row-major.

    Members
    -------
    en : In(1), nothing moves while it is 0.
    job : In(Job), valid while `job_valid` is 1, which must be until `finishes`.
    weights_ready : In(1), the next pass has its weights; looked at where a pass starts.
    issue : Out(1), at this clock the array takes the output described by the members below.
    starts_pass, finishes : Out(1), it is the first of its pass, the last of its job.
    in_patch, address : Out(1), Out, whether it meets a word of the patch, and which one.
    position : Out, of the sum in the accumulator buffer.
    first, last : Out(1), this is the first addend of its sum, the last one.
    """

    def __init__(self, patch: int, positions: int):
        self.positions = positions
        super().__init__(
            {
                "en": In(1),
                "job": In(JOB),
                "job_valid": In(1),
                "weights_ready": In(1),
                "issue": Out(1),
                "starts_pass": Out(1),
                "finishes": Out(1),
                "in_patch": Out(1),
                "address": Out(range(patch)),
                "position": Out(range(positions)),
                "first": Out(1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        job, bits = self.job, len(self.address)
        oy, ox, ky, kx = _signals(SIDE_BITS, "oy", "ox", "ky", "kx")
        # The same in rows and columns of the patch: times stride and dilation.
        scaled = "oy_row", "ox_column", "ky_row", "kx_column"
        oy_row, ox_column, ky_row, kx_column = _signals(2 * SIDE_BITS, *scaled)
        row, column = _signals(signed(2 * SIDE_BITS + 2), "row", "column")
        ends = "ends_row", "ends_pass", "ends_kernel_row", "ends_kernel"
        ends_row, ends_pass, ends_kernel_row, ends_kernel = _signals(1, *ends)
        starts_kernel = Signal()
        m.d.comb += [
            ends_row.eq(ox == job.out_width - 1),
            ends_pass.eq(ends_row & (oy == job.out_height - 1)),
            ends_kernel_row.eq(kx == job.kernel_width - 1),
            ends_kernel.eq(ends_kernel_row & (ky == job.kernel_height - 1)),
            starts_kernel.eq(~(kx.any() | ky.any())),
            self.starts_pass.eq(~(ox.any() | oy.any())),
            self.finishes.eq(self.issue & ends_pass & ends_kernel),
            self.first.eq(self.starts_sum(starts_kernel)),
            self.last.eq(job.last & ends_kernel),
            row.eq(oy_row + ky_row - job.pad_top),
            column.eq(ox_column + kx_column - job.pad_left),
            self.in_patch.eq(self.is_inside(row, job.height) & self.is_inside(column, job.width)),
            self.address.eq(row[:bits] * job.width[:bits] + column[:bits]),
            self.issue.eq(self.can_issue(m, ends_pass)),
        ]
        with m.If(self.issue):
            m.d.sync += [ox.eq(ox + 1), ox_column.eq(ox_column + self.column_step())]
            m.d.sync += self.position.eq(self.position + 1)
            with m.If(ends_row):
                m.d.sync += [ox.eq(0), ox_column.eq(0)]
                m.d.sync += [oy.eq(oy + 1), oy_row.eq(oy_row + job.stride_y)]
            with m.If(ends_pass):
                m.d.sync += [oy.eq(0), oy_row.eq(0), self.position.eq(0)]
                m.d.sync += [kx.eq(kx + 1), kx_column.eq(kx_column + job.dilation_x)]
                with m.If(ends_kernel_row):
                    m.d.sync += [kx.eq(0), kx_column.eq(0)]
                    m.d.sync += [ky.eq(ky + 1), ky_row.eq(ky_row + job.dilation_y)]
                with m.If(ends_kernel):
                    m.d.sync += [ky.eq(0), ky_row.eq(0)]
        return m

    def can_issue(self, m, ends_pass):
        """Return whether the array takes an output now.

        A sum is written in the clock after it is read: in a pass of one output the next pass must
        not follow at once.
        """
        follows = Signal()
        with m.If(self.en):
            m.d.sync += follows.eq(self.issue)
        single = self.starts_pass & ends_pass
        ready = self.job_valid & (self.weights_ready | ~self.starts_pass)
        return self.en & ready & ~(single & follows)

    def starts_sum(self, starts_kernel):
        return self.job.first & starts_kernel

    def column_step(self):
        return self.job.stride_x

    def is_inside(self, coordinate, size):
        return (coordinate >= 0) & (coordinate < size)


def _signals(shape, *names: str) -> list[Signal]:
    return [Signal(shape, name=name) for name in names]
