"""Rows of cost as tables for people, beside the published figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

from mbm_hw.cost.breakdown import BROKEN_DOWN, breakdown, savings
from mbm_hw.cost.picture import plot_cost
from mbm_hw.cost.rows import Costing, find_design
from mbm_hw.files import replacing, write_csv, write_json
from mbm_hw.published import TABLE_I

_COLUMNS = (  # name in a row, heading, digits
    ("design", "design", None),
    ("build", "built as", None),
    ("mred", "MRED %", 2),
    ("area_um2", "area um2", 0),
    ("gate_equivalents", "NAND2", 0),
    ("area_um2_saved", "saved %", 1),
    ("delay_ns", "delay ns", 2),
)


def cost_table(rows: Sequence[Mapping]) -> str:
    """Return the rows' main figures as a Markdown table."""
    columns = [*_COLUMNS]
    for name in rows[0]:
        if name.startswith("energy_") and name.endswith("_pj"):
            columns += [(name, _energy_heading(name), 2), (f"{name}_saved", "saved %", 1)]
        elif name.endswith("_luts"):
            columns += [(name, name.replace("_luts", " LUTs"), 0), (f"{name}_saved", "saved %", 1)]
        elif name.endswith("_mhz"):
            columns.append((name, name.replace("_mhz", " MHz"), 0))
    cells = [[_cell(row[name], digits) for name, _, digits in columns] for row in rows]
    return _markdown([heading for _, heading, _ in columns], cells)


def paper_table(rows: Sequence[Mapping]) -> str | None:
    """Return the savings beside those of the MBM paper's Table I; None if no row is of it."""
    published = {row.spec: row for row in TABLE_I}
    with_energy = "energy_uniform_glitch_pj_saved" in rows[0]
    headings = ["design", "area: paper %", "ours", "ours, exact as array"]
    if with_energy:
        headings += ["power: paper %", "ours", "ours, exact as array", "ours without glitches"]
    cells = []
    for row in rows:
        paper = published.get(row["design"])
        if paper is None or row["build"]:
            continue
        exact = _paper_exact(paper)
        line = [row["design"], 100 * (1 - paper.area_um2 / exact.area_um2)]
        line += [row["area_um2_saved"], row["area_um2_saved_array"]]
        if with_energy:
            line.append(100 * (1 - paper.power_uw / exact.power_uw))
            names = ("glitch_pj_saved", "glitch_pj_saved_array", "pj_saved")
            line += [row[f"energy_uniform_{name}"] for name in names]
        cells.append([line[0], *(_cell(value, 1) for value in line[1:])])
    return _markdown(headings, cells) if cells else None


def breakdown_table(rows: Sequence[Mapping]) -> str:
    """Return what a breakdown's multiplier saves and could save, and its rows as Markdown."""
    digits = {"area_um2": 0, "gate_equivalents": 0, "share": 1, "inverter_um2": 0, "least_um2": 0}
    cells = [
        [
            f"{row['count']} x {row['block']}" if row["count"] > 1 else row["block"],
            *(_cell(row[name], places) for name, places in digits.items()),
            row["terms"],
        ]
        for row in rows
    ]
    headings = ["block", "area um2", "NAND2", "% of exact", "inverters", "least um2", "made of"]
    mapped, least, both = savings(rows)
    title = f"{rows[0]['design']} saves {mapped:.1f} % as mapped; {least:.1f} % if all its blocks "
    title += f"were at their least; {both:.1f} % if the exact array were, too."
    return f"{title}\n\n{_markdown(headings, cells)}"


def legend(rows: Sequence[Mapping], costing: Costing) -> str:
    """Return the sentences that belong under the table."""
    lines = [
        f"Cells of {costing.library.name} at {costing.library.voltage} V, mapped by Yosys and ABC "
        f"for {costing.mapping}, without wires; delay by OpenSTA; NAND2: area in two-input NANDs.",
        "Saved: against the exact multiplier for the same operands and stages, of its two builds, "
        "array and Booth, the one that is better in the figure.",
    ]
    if costing.streams:
        lines.append(
            "Energy: pJ an operation, toggles x (load + internal energy of the cells), without and "
            "with glitches; wires, clock tree and leakage are not in it."
        )
    if costing.devices:
        lines.append(
            "LUTs without DSP blocks; MHz between registers on all ports, by nextpnr, one seed."
        )
    return "\n".join(lines)


def write_report(rows: Sequence[Mapping], costing: Costing, folder: str | Path) -> None:
    """Write cost.csv and cost.json with all figures, cost.md and cost.png into `folder`."""
    folder = Path(folder)
    write_csv(folder / "cost.csv", rows)
    write_json(folder / "cost.json", rows)
    parts = ["# What the multipliers cost", cost_table(rows), legend(rows, costing)]
    paper = paper_table(rows)
    if paper is not None:
        parts += ["## Beside the MBM paper's Table I", paper, PAPER]
    names = [name for name in BROKEN_DOWN if any(row["design"] == name for row in rows)]
    tables = [breakdown_table(breakdown(costing, find_design(name))) for name in names]
    if tables:
        parts += ["## Where the area goes, and what bounds it", BOUNDS, *tables]
    with replacing(folder / "cost.md") as file:
        file.write("\n\n".join(parts) + "\n")
    plot_cost(rows, folder / "cost.png")


BOUNDS = """Each block mapped by itself, and the multiplier as a whole, with the same script.
Inverters: the area of inverters and buffers within. Least: the block's multiplexers, adders and
gates (gathering: one input more of a wide one) in the cheapest cells of this library that compute
them, where inverters, buffers and sizes cost nothing and every signal comes in both polarities; no
mapping of these blocks gets there. The exact array's is that of N^2 ands, N (N - 2) full adders and
N half adders. What decides is what a full adder costs beside a multiplexer, for the exact
multiplier is adders and the logarithmic one shifters, and that is the library's."""


PAPER = """Savings in percent of the exact multiplier, unsigned and combinational. The
paper: TSMC 45 nm at 1 GHz, a commercial tool, a Wallace tree for the exact one. Why ours differ:

- The exact multiplier: Booth's recoding makes it smaller at 16 bits than the array, the nearer
  relative of a Wallace tree, so the savings against the array are the ones to compare.
- The energy: glitches depend on the gates' delays, which wires and a target frequency change. Booth
  saves area and costs glitches. The paper does not say what its operands and its glitches are.
- The tool and the target: ABC maps for area, or for delay (`mbm-hw cost --mapping delay`: larger
  netlists with fewer glitches); nothing asks for 1 GHz, and nothing is restructured for it.
  Another library: `mbm-hw cost --liberty`.

What the method leaves out: wires, layout, clock tree, leakage in the energy; internal energies are
means over a cell's inputs and states, and a gate has one delay for a rise and one for a fall."""


def _paper_exact(row):
    width = "16" if "16" in row.spec else "8"
    return next(exact for exact in TABLE_I if exact.spec == f"exact{width}")


def _energy_heading(name: str) -> str:
    stream = name.removeprefix("energy_").removesuffix("_pj")
    if stream.endswith("_glitch"):
        return f"{stream.removesuffix('_glitch').replace('_', ' ')} + glitches pJ"
    return f"{stream.replace('_', ' ')} pJ"


def _cell(value, digits: int | None) -> str:
    if value is None:
        return "-"
    return value if digits is None else f"{value:.{digits}f}"


def _markdown(headings, cells) -> str:
    aligned = ["left", *["right"] * (len(headings) - 1)]
    return tabulate(cells, headings, "github", disable_numparse=True, colalign=aligned)
