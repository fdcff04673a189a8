"""The least area that a structure of multiplexers, adders and gates takes in a library's cells.

Each term of a block takes the cheapest cells that compute it. Inverters, buffers and larger sizes
are free, every signal is there in both polarities: what is mapped cannot come down to it.
"""

import itertools
from collections import Counter
from collections.abc import Mapping

from mbm_hw.cost.cell_function import boolean_function
from mbm_hw.cost.cells import Cell, Library
from mbm_hw.hdl import blocks as names
from mbm_hw.multipliers import LogSpec

Terms = Mapping[str, int]
"""How many of each of `cell_areas`' terms there are."""

_MAX_INPUTS = 4


def cell_areas(library: Library) -> dict[str, float]:
    """Return the least area of each term, in um2.

    mux : s ? a : b. and : of two, likewise or. and_or : a | (b & c). gathering : one input more of
    a wide and. half_adder, full_adder : a cell of that name's function, or gates.
    """
    a, b, c, d = 0xAAAA, 0xCCCC, 0xF0F0, 0xFF00
    cells = [cell for cell in library.cells.values() if _is_gate(cell)]
    both = _least(cells, a & b, (a, b))
    three = _least(cells, a & b & c, (a, b, c))
    four = _least(cells, a & b & c & d, (a, b, c, d))
    areas = {
        "mux": _least(cells, (a & c) | (b & ~c), (a, b, c)),
        "and": both,
        "and_or": _least(cells, a | (b & c), (a, b, c)),
        "gathering": min(both, three / 2, four / 3),
    }
    parity = min(_least(cells, a ^ b, (a, b, carry)) for carry in (a & b, a | b))
    half = {a & b, a ^ b}
    areas["half_adder"] = min(both + parity, _least_adder(library, half, (a, b)))
    full = {(a & b) | (b & c) | (c & a), a ^ b ^ c}
    gates = 2 * areas["half_adder"] + both
    areas["full_adder"] = min(gates, _least_adder(library, full, (a, b, c)))
    return areas


def area(terms: Terms, areas: Mapping[str, float]) -> float:
    """Return the area of all the terms, in um2."""
    return sum(count * areas[term] for term, count in terms.items())


def block_terms(spec: LogSpec) -> dict[str, Terms]:
    """Return what the blocks of `hdl.blocks.blocks` are made of, by their names."""
    kept = spec.fraction_width - spec.truncation
    tail = kept - (spec.truncation > 0)
    position = (spec.width - 1).bit_length()
    terms = {
        names.LEADING_ONE: _leading_one(spec.width, tail),
        # The forced bits' sum is known: 0, and a carry into the next bit.
        names.SUM: Counter(half_adder=1, full_adder=tail + position - 1),
    }
    corrections = [correction >> spec.truncation for correction in spec.corrections]
    if any(corrections):
        terms[names.CORRECTION] = _correction(kept, position, corrections, spec.signed)
    above = 2 if any(corrections) else 0
    terms[names.ANTILOGARITHM] = _antilogarithm(
        kept, above, position, spec.product_width - spec.signed
    )
    if spec.small_characteristic >= 0:
        terms[names.SMALL_PRODUCTS] = Counter(gathering=position + 1)
        if not spec.signed:  # two bits change at least
            terms[names.SMALL_PRODUCTS]["half_adder"] += 1
            terms[names.SMALL_PRODUCTS]["and"] += 1
    if spec.signed:
        terms[names.SIGNS] = Counter(half_adder=2 * (spec.width - 1) + spec.product_width - 2)
    return terms


def array_terms(width: int) -> Terms:
    """Return what an exact array multiplier is made of, or a Wallace tree with a ripple adder."""
    return Counter({"and": width**2, "full_adder": width * (width - 2), "half_adder": width})


def _leading_one(width: int, tail: int) -> Counter:
    terms = Counter()
    full = 1 << (width - 1).bit_length()
    live = set(range(width))  # the bits that may be 1
    for span in (full >> stage for stage in range(1, full.bit_length())):
        top = full - span
        above = {i for i in live if i >= top}
        terms["gathering"] += max(len(above) - 1, 0)
        lowest = max(full - 1 - tail - span + 1, 0)
        shifted = {i + span for i in live if i + span < full}
        after = {i for i in live | shifted if i >= lowest}
        for i in after if above else ():
            if i >= top:
                terms["and_or"] += i in live and i in shifted
                terms["and"] += i not in live
            else:
                terms["mux" if i in live and i in shifted else "and"] += 1
        live = after
    return terms


def _correction(kept: int, position: int, corrections: list[int], signed: bool) -> Counter:
    """The constants' bits are the carry, its complement, or 0; an overflow is found, left out."""
    either = corrections[0] | corrections[1]
    lowest = (either & -either).bit_length() - 1
    terms = Counter()
    for i in range(lowest, kept):
        if not either >> i & 1 or i == lowest:
            terms["half_adder"] += 1
        elif i == lowest + 1:  # a carry into it and its constant exclude each other
            terms.update({"half_adder": 1, "and": 1})
        else:
            terms["full_adder"] += 1
    if not signed:
        terms.update({"gathering": position + 1, "and": 1})
    return terms


def _antilogarithm(kept: int, above: int, position: int, product_width: int) -> Counter:
    """above : bits of the mantissa above the fraction; with none it has a constant 1 there."""
    terms = Counter({"and": 3})  # the gate for zeros
    live, constant = set(range(kept + max(above, 1))), set() if above else {kept}
    high = kept + product_width
    for stage in range(position + 1):
        later = (1 << position + 1) - (2 << stage)
        span = 1 << stage
        after = {i for i in live | {i + span for i in live} if max(kept - later, 0) <= i < high}
        for i in after:
            sources = len({i, i - span} & live - constant)
            terms["mux" if sources == 2 else "and"] += sources > 0
        live, constant = after, set()
    return terms


def _is_gate(cell: Cell) -> bool:
    return (
        not cell.state
        and len(cell.outputs) == 1
        and cell.outputs[0].function is not None
        and 1 <= len(cell.inputs) <= _MAX_INPUTS
        and cell.area > 0
    )


def _least(cells: list[Cell], target: int, variables: tuple[int, ...]) -> float:
    """Return the area of the smallest cell that gives `target`, or its complement, from literals.

    target, variables : truth tables of 16 bits. Infinite if there is none.
    """
    literals = [value ^ mask for value in variables for mask in (0, 0xFFFF)]
    wanted = (target & 0xFFFF, ~target & 0xFFFF)
    for cell in sorted(cells, key=lambda cell: cell.area):
        function = boolean_function(cell.outputs[0].function)
        pins = [pin.name for pin in cell.inputs]
        for chosen in itertools.product(literals, repeat=len(pins)):
            if function(dict(zip(pins, chosen, strict=True))) & 0xFFFF in wanted:
                return cell.area
    return float("inf")


def _least_adder(library: Library, targets: set[int], operands: tuple[int, ...]) -> float:
    """Return the area of the smallest cell with the outputs `targets`; infinite without one."""
    areas = []
    for cell in library.cells.values():
        if cell.state or len(cell.outputs) != 2 or len(cell.inputs) != len(operands):
            continue
        values = dict(zip((pin.name for pin in cell.inputs), operands, strict=True))
        if {boolean_function(pin.function)(values) & 0xFFFF for pin in cell.outputs} == targets:
            areas.append(cell.area)
    return min(areas, default=float("inf"))
