"""A product table as a memory."""

from pathlib import Path

import numpy as np
from amaranth import Cat, Instance, Module, Signal
from amaranth.lib import memory

from mbm_hw.hdl.cores.core import Core
from mbm_hw.hdl.cores.registry import core_kind
from mbm_hw.hdl.registers import registered
from mbm_hw.multipliers import IntegerSpec, Spec, Table, as_spec, product_table


class WideTables:
    """The platform of an export in which each table above 8 bits is a module of its own.

    specs : of those tables; a module is called IDENTIFIER_memory, its ports address and product.
    """

    MAX_WORDS = 1 << 16  # kept in the memory itself

    def __init__(self):
        self.specs = []


class ProductTable(Core):
    """A read-only memory that holds `reference.product_table(spec)`, a in the address's high half.

    Parameters
    ----------
    spec : an integer spec of at most 12 bits, or its name; `read_hex` makes one from a file.
    latency : register stages, 0 to 3: one holds the product, two the operands as well, three the
        operands twice. A memory that is read at the clock edge, as FPGAs have them, needs one.

    Members
    -------
    a, b : In(spec.width), patterns.
    product : Out(spec.product_width), a pattern.
    en : In(1), the registers hold while it is 0. Not there if latency is 0.
    """

    takes_patterns = True

    def __init__(self, spec: IntegerSpec | str, latency: int = 0):
        spec = as_spec(spec)
        if spec.is_float:
            raise TypeError(f"ProductTable takes an integer spec, not {spec}")
        if isinstance(latency, bool) or latency not in range(4):
            raise ValueError(f"latency must be an integer 0 to 3, not {latency!r}")
        self.table = product_table(spec)
        super().__init__(spec, latency)

    def elaborate(self, platform):
        m = Module()
        a, b = self.a, self.b
        for _ in range(1, self.latency):
            a, b = registered(m, self.en, a, b)
        mask = (1 << self.spec.product_width) - 1
        read = Signal(self.spec.product_width, init=int(self.table[0, 0]) & mask)
        if isinstance(platform, WideTables) and self.table.size > platform.MAX_WORDS:
            platform.specs.append(self.spec)
            m.submodules.products = Instance(
                f"{self.spec.identifier}_memory", i_address=Cat(b, a), o_product=read
            )
        else:
            m.submodules.products = products = memory.Memory(
                shape=self.spec.product_width,
                depth=self.table.size,
                init=(self.table.ravel() & mask).tolist(),
            )
            port = products.read_port(domain="comb")
            m.d.comb += [port.addr.eq(Cat(b, a)), read.eq(port.data)]
        if self.latency >= 1:
            (read,) = registered(m, self.en, read)
        m.d.comb += self.product.eq(read)
        return m


def memory_table(spec: Spec | str) -> Table | None:
    """Return the table whose file the Verilog of `spec` reads; None if it holds all itself."""
    spec = as_spec(spec)
    return core_kind(spec).memory_table(spec)


def read_hex(path: Path, signed: bool = False) -> Table:
    """Return the product table in the $readmemh file `path`, as `mbm-hw table` writes it.

    signed : whether operands and products are two's complement; the file does not say.
    The file holds 4**w words, row-major; anything else is a ValueError that names the file.
    """
    words = Path(path).read_text().split()
    width = (len(words).bit_length() - 1) // 2
    if len(words) != 4**width or not width:
        raise ValueError(f"{path} holds {len(words)} words, not the 4**w of a product table")
    try:
        patterns = np.array([int(word, 16) for word in words], dtype=np.int64)
    except ValueError:
        raise ValueError(f"{path} is not a $readmemh file of hexadecimal words alone") from None
    sign = signed << (2 * width - 1)
    products = patterns - ((patterns & sign) << 1)
    return Table(products.reshape(1 << width, 1 << width), signed=signed)
