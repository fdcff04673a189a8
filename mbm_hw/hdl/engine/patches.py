"""Two banks of activations: one is read while the other is filled."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from mbm_hw.hdl.engine.parameters import JOB, SIDE_BITS


class Patches(wiring.Component):
    """Takes jobs and their patches, and shows them one after the other.

    Members
    -------
    jobs, activations : In(stream), see `Engine`.
    job, job_valid : Out(Job), Out(1), the oldest job whose patch is whole.
    finishes : In(1), at this clock it is read for the last time.
    en : In(1), a word is read. address : In, of it in the oldest job's patch.
    word : Out(word_width), the word read at the last clock with `en`.
    """

    def __init__(self, word_width: int, patch: int):
        self.word_width = word_width
        self.patch = patch
        super().__init__(
            {
                "jobs": In(stream.Signature(JOB)),
                "activations": In(stream.Signature(word_width)),
                "job": Out(JOB),
                "job_valid": Out(1),
                "finishes": In(1),
                "en": In(1),
                "address": In(range(patch)),
                "word": Out(word_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        jobs = [Signal(JOB.size, name=f"job{bank}") for bank in range(2)]
        full = [Signal(name=f"full{bank}") for bank in range(2)]
        filled_bank = Signal()
        read_bank = Signal()
        filling = Signal()
        fill = Signal()
        words_left = Signal(2 * SIDE_BITS)
        fill_address = Signal(range(self.patch))

        m.submodules.words = words = memory.Memory(
            shape=self.word_width, depth=2 * self.patch, init=[]
        )
        write, read = words.write_port(), words.read_port()
        m.d.comb += [
            self.jobs.ready.eq(~filling & ~Mux(filled_bank, *full[::-1])),
            self.activations.ready.eq(filling),
            write.addr.eq(Cat(fill_address, filled_bank)),
            write.data.eq(self.activations.payload),
            fill.eq(filling & self.activations.valid),
            write.en.eq(fill),
            read.addr.eq(Cat(self.address, read_bank)),
            read.en.eq(self.en),
            self.word.eq(read.data),
            self.job.as_value().eq(Mux(read_bank, *jobs[::-1])),
            self.job_valid.eq(Mux(read_bank, *full[::-1])),
        ]
        takes_job = Signal()
        whole = Signal()
        m.d.comb += [
            takes_job.eq(self.jobs.valid & self.jobs.ready),
            whole.eq(fill & ~words_left.any()),
        ]
        with m.If(takes_job):
            size = self.jobs.payload.height * self.jobs.payload.width
            m.d.sync += [words_left.eq(size - 1), fill_address.eq(0), filling.eq(1)]
        with m.If(fill):
            m.d.sync += [words_left.eq(words_left - 1), fill_address.eq(fill_address + 1)]
        with m.If(whole):
            m.d.sync += [filling.eq(0), filled_bank.eq(~filled_bank)]
        with m.If(self.finishes):
            m.d.sync += read_bank.eq(~read_bank)
        for bank in range(2):
            with m.If(takes_job & (filled_bank == bank)):
                m.d.sync += jobs[bank].eq(self.jobs.payload.as_value())
            with m.If(whole & (filled_bank == bank)):
                m.d.sync += full[bank].eq(1)
            with m.If(self.finishes & (read_bank == bank)):
                m.d.sync += full[bank].eq(0)
        return m
