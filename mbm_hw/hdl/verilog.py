"""Verilog text of the multipliers."""

import inspect
import re
from collections.abc import Sequence

# Not public, hence the pinned Amaranth: its own export knows no passes but the ones it runs.
from amaranth._toolchain.yosys import find_yosys
from amaranth.back import rtlil
from amaranth.lib import wiring

from mbm_hw.hdl.cores import core_kind
from mbm_hw.hdl.designs import Design, check_pipeline, patterns
from mbm_hw.hdl.multiplier import Multiplier
from mbm_hw.hdl.product_table import WideTables
from mbm_hw.hdl.stream_multiplier import StreamPorts
from mbm_hw.hdl.widths import spelled_out
from mbm_hw.multipliers import IntegerSpec, Spec, as_spec

# One flat module of assignments and clocked registers, in which wires have the steps' names.
# Registers have no initial value: a reset, or `pipeline` enabled clocks, bring them to a known one.
_PASSES = """
proc
flatten
memory_collect
opt_clean -purge
opt_dff
wreduce t:$add t:$sub t:$mul w:*
opt_clean -purge
attrmap -remove init
write_rtlil
"""
_FORGET_MEMORIES = "delete t:$meminit t:$meminit_v2\nmemory_collect"
_BLOCK = 256  # words of a memory that one block initialises
_PORT_ORDER = (
    *("clk", "rst", "en", "a", "b", "operands_valid", "operands_ready"),
    *("product", "product_valid", "product_ready"),
)


def to_verilog(
    spec: Spec | str, name: str | None = None, pipeline: int = 0, stream: bool = False
) -> str:
    """Return the multiplier that `spec` describes as Verilog-2001: one module, stable to the byte.

    A table above 8 bits (the magnitudes', of a sign-magnitude table) is a second module, which
    reads IDENTIFIER.hex as `write_table` writes it.

    spec : any spec, or its name; anything else is a TypeError.
    name : of the module, a Verilog identifier and no keyword (else a ValueError); by default the
        spec's, `_pP` if pipelined, and `_stream`.
    pipeline : register stages, 0 to 4.
    stream : whether operands and products are streams with valid and ready; see StreamMultiplier.
    Ports: a, b, product, as patterns; clk, rst and en too if pipelined. Streams have no en, but clk
    and rst always, and operands_valid, operands_ready, product_valid, product_ready.
    """
    spec = as_spec(spec)
    check_pipeline(pipeline)  # before there is a component that nobody would use
    remark = core_kind(spec).remark
    design = Design(spec, pipeline, bool(stream))
    name = design.name if name is None else name
    _check_name(name)
    component = (StreamPorts if stream else Multiplier)(spec, pipeline)
    return _header(design, name, remark) + component_to_verilog(component, name)


def component_to_verilog(
    component: wiring.Component,
    name: str,
    port_order: Sequence[str] = _PORT_ORDER,
    keep_memories: bool = True,
) -> str:
    """Return a component as a Verilog module called `name`, whose ports are in `port_order`.

    keep_memories : whether memories have their initial content, as a product table must.
    """
    _check_name(name)
    passes = _PASSES if keep_memories else _PASSES.replace("memory_collect", _FORGET_MEMORIES)
    tables = WideTables()
    text = rtlil.convert(component, name=name, platform=tables, emit_src=False)
    # Of two names for one wire Yosys keeps the one with an attribute: not those that Amaranth made.
    text = re.sub(r"^( *)(wire [^$\n]*)$", r"\1attribute \\named 1\n\1\2", text, flags=re.MULTILINE)
    yosys = find_yosys(lambda version: version >= (0, 40))
    text = yosys.run(["-q", "-"], f"read_rtlil <<rtlil\n{text}\nrtlil{passes}")
    text = f"read_rtlil <<rtlil\n{spelled_out(text)}\nrtlil\nwrite_verilog -noattr"
    verilog = yosys.run(["-q", "-"], text)
    match = re.search(r"^module (\w+)\(([\w, ]+)\);", verilog, flags=re.MULTILINE)
    if match is None:  # the name came out escaped
        raise ValueError(f"name must not be a keyword of Verilog, as {name!r} is")
    ports = sorted(match[2].split(", "), key=port_order.index)
    body = verilog[match.end() :].rstrip()
    body = re.sub(r"\\([\w.$]+) ", lambda escaped: re.sub(r"[.$]", "_", escaped[1]), body)
    body = re.sub(r"(\{ )?(?<= )([^{}, ]+)((?:, \2(?=[, ]))+)( \})?", _repetition, body)
    body = re.sub(
        r"^  initial begin\n((?:    .+\n)+)  end\n", _initial_blocks, body, flags=re.MULTILINE
    )
    modules = [f"module {name}({', '.join(ports)});{body}\n", *map(_memory, tables.specs)]
    return "\n".join(modules)


def design_to_verilog(design: Design) -> str:
    """Return the Verilog of a design, as it is kept in rtl/."""
    return to_verilog(design.spec, pipeline=design.pipeline, stream=design.stream)


def _check_name(name):
    if not re.fullmatch(r"[A-Za-z_]\w*", name, flags=re.ASCII):
        raise ValueError(f"name must be a Verilog identifier, not {name!r}")


def _header(design: Design, name: str, remark: str) -> str:
    spec, pipeline, stream = design
    documentation = inspect.getdoc(type(spec))
    what = documentation.splitlines()[0]
    parameters = f"pipeline={pipeline}, stream=True" if stream else f"pipeline={pipeline}"
    lines = [f"{name}: {spec!r}, {parameters}", what]
    lines += [f"Ref: {source}" for source in _sources(documentation)]
    lines += [remark] if remark else []
    clocks = ("clock" if stream else "enabled clock") + ("s" if pipeline > 1 else "")
    lines += [
        f"  a, b     {spec.width} bits, {patterns(spec)}",
        f"  product  {spec.product_width} bits, {patterns(spec)}; "
        + (f"{pipeline} {clocks} after a and b" if pipeline else "combinational"),
    ]
    if stream:
        lines += [
            "  rst      synchronous, active high: drops all operands and products inside",
            "  operands_valid, operands_ready  a and b are taken at a rising clk where both are 1",
            "  product_valid, product_ready    product is given at a rising clk where both are 1",
        ]
    elif pipeline:
        lines += [
            "  rst      synchronous, active high: clears all registers, whatever en is",
            "  en       1: every stage moves on at the rising clk; 0: every register holds",
        ]
    lines.append("Bit for bit mbm_hw.multiply. Generated by mbm_hw.hdl.to_verilog: do not edit.")
    return "".join(f"// {line}\n" for line in lines)


def _sources(documentation: str) -> list[str]:
    """Return the sources that a docstring names: lines `Ref: ...`, and those of its References."""
    marked = re.findall(r"^Ref: (.+)", documentation, re.MULTILINE)
    section = re.search(r"^References\n-+\n((?:.+\n?)+)", documentation, re.MULTILINE)
    return [*marked, " ".join(section[1].split())] if section else marked


def _memory(spec: IntegerSpec) -> str:
    """Return the module of a wide product table, which reads the file that `write_table` writes."""
    address, word = 2 * spec.width - 1, spec.product_width - 1
    return f"""\
// The product table, or a memory macro in its place: a in the address's high half.
module {spec.identifier}_memory(address, product);
  input [{address}:0] address;
  output [{word}:0] product;
  reg [{word}:0] products [0:{4**spec.width - 1}];
  initial $readmemh("{spec.identifier}.hex", products);
  assign product = products[address];
endmodule
"""


def _initial_blocks(match: re.Match) -> str:
    """Return a memory's content in blocks: Yosys takes a time that grows as the square of one."""
    words = match[1].splitlines(keepends=True)
    blocks = ("".join(words[i : i + _BLOCK]) for i in range(0, len(words), _BLOCK))
    return "".join(f"  initial begin\n{block}  end\n" for block in blocks)


def _repetition(match: re.Match) -> str:
    opening, term, others, closing = match.groups("")
    repeated = f"{{{1 + others.count(',')}{{{term}}}}}"
    return repeated if opening and closing else f"{opening}{repeated}{closing}"
