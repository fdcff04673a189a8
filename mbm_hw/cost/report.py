"""Rows of cost as tables for people, beside the published figures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tabulate import tabulate

from mbm_hw.cost.breakdown import BROKEN_DOWN, breakdowns, savings
from mbm_hw.cost.picture import plot_cost
from mbm_hw.cost.rows import Costing
from mbm_hw.cost.synthesis import MAPPINGS
from mbm_hw.hdl import find_design
from mbm_hw.multipliers.published import TABLE_I
from mbm_hw.system.files import replacing, write_csv, write_json

_PUBLISHED = {row.spec: row for row in TABLE_I}
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
    """Return the rows' main figures as a Markdown table; the energy is that with glitches."""
    columns = [*_COLUMNS]
    for name in rows[0]:
        if name == "energy_uniform_glitch_pj":
            columns += [(name, "pJ", 2), (f"{name}_saved", "saved %", 1)]
        elif name.endswith("_luts"):
            columns += [(name, name.replace("_luts", " LUTs"), 0), (f"{name}_saved", "saved %", 1)]
    return _table(rows, columns)


def activity_table(rows: Sequence[Mapping]) -> str | None:
    """Return all energies and the frequencies as a Markdown table; None if there are none."""
    columns = [*_COLUMNS[:2]]
    for name in rows[0]:
        if name.startswith("energy_") and name.endswith("_pj"):
            columns += [(name, _energy_heading(name), 2), (f"{name}_saved", "saved %", 1)]
        elif name.endswith("_mhz"):
            columns.append((name, name.replace("_mhz", " MHz"), 0))
    return _table(rows, columns) if len(columns) > 2 else None


def paper_table(rows: Sequence[Mapping], others: Sequence[Mapping], mapping: str) -> str:
    """Return the savings beside those of the MBM paper's Table I, of rows that are in it.

    others : the same designs mapped for `mapping`.
    """
    with_energy = "energy_uniform_glitch_pj_saved" in rows[0]
    headings = ["design", "area: paper %", "ours", "of the array"]
    headings += [f"mapped for {mapping}", "of the array"]
    if with_energy:
        headings += ["power: paper %", "ours", "of the array", "without glitches"]
    cells = []
    for row, other in zip(rows, others, strict=True):
        paper = _PUBLISHED[row["design"]]
        exact = _paper_exact(paper)
        line = [100 * (1 - paper.area_um2 / exact.area_um2)]
        line += [r[f"area_um2_{name}"] for r in (row, other) for name in ("saved", "saved_array")]
        if with_energy:
            line.append(100 * (1 - paper.power_uw / exact.power_uw))
            names = ("glitch_pj_saved", "glitch_pj_saved_array", "pj_saved")
            line += [row[f"energy_uniform_{name}"] for name in names]
        cells.append([row["design"], *(_cell(value, 1) for value in line)])
    return _markdown(headings, cells)


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
        "Saved: against the same design of exact multipliers, of its two builds, array and Booth, "
        "the one that is better in the figure.",
    ]
    if costing.streams:
        lines.append(
            "pJ: the energy of an operation on uniform operands, toggles x (load + internal energy "
            "of the cells), glitches counted; wires, clock tree and leakage are not in it."
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
    published = [row for row in rows if row["design"] in _PUBLISHED and not row["build"]]
    if published:
        (mapping,) = MAPPINGS.keys() - {costing.mapping}
        other = replace(costing, mapping=mapping, streams=(), devices=())
        others = list(other.rows([find_design(row["design"]) for row in published]))
        table = paper_table(published, others, mapping)
        parts += ["## Beside the MBM paper's Table I", table, PAPER]
    names = [row["design"] for row in published if row["design"] in BROKEN_DOWN]
    tables = [breakdown_table(rows) for rows in breakdowns(costing, names)]
    if tables:
        parts += ["## Where the area goes, and what bounds it", BOUNDS, *tables]
    activity = activity_table(rows)
    if activity is not None:
        parts += ["## All energies and frequencies", activity]
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


PAPER = """Savings in percent of the exact multiplier, unsigned and combinational; of the array:
against that build alone. The paper: TSMC 45 nm at 1 GHz, a commercial tool, a Wallace tree for the
exact one. Why ours differ:

- The exact multiplier: Booth's recoding makes it smaller at 16 bits than the array, the nearer
  relative of a Wallace tree, so the savings against the array are the ones to compare.
- The target: mapped for delay all get larger, the 8-bit exact one most, so the savings grow there.
  The paper's circuits meet 1 GHz; ours are the smallest, or the fastest, that ABC finds.
- The library: its full adders and multiplexers have other prices than the paper's (below).
- The power: without glitches it follows the area, as the paper's does. A glitch goes on through
  what comes after it, so glitches take more of ours where the path is longer than the exact one's
  (see the delays). The paper does not say what its operands are and whether it counts glitches.
  Booth's recoding saves area and costs glitches.
- A layer's operands are another matter (the last table): the exact multiplier takes less for small
  ones, while the normalising shifters bring every operand to the top. At 8 bits the unsigned
  logarithmic multipliers take more energy there than the exact one; at 16 bits they save.

Another library: `mbm-hw cost --liberty`. What the method leaves out: wires, layout, clock tree,
leakage in the energy; internal energies are means over a cell's inputs and states, and a gate has
one delay for a rise and one for a fall."""


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


def _table(rows, columns) -> str:
    cells = [[_cell(row[name], digits) for name, _, digits in columns] for row in rows]
    return _markdown([heading for _, heading, _ in columns], cells)


def _markdown(headings, cells) -> str:
    aligned = ["left", *["right"] * (len(headings) - 1)]
    return tabulate(cells, headings, "github", disable_numparse=True, colalign=aligned)
