"""Where the area goes: the blocks are the multiplier's, and their bounds are bounds."""

import numpy as np
import pytest

from mbm_hw import MBM, Mitchell, find_spec, product_table
from mbm_hw.cli import main
from mbm_hw.cost import breakdown
from mbm_hw.cost.bounds import array_terms, block_terms, cell_areas
from mbm_hw.cost.breakdown import savings
from mbm_hw.hdl import blocks as names
from mbm_hw.hdl import find_design
from mbm_hw.hdl.blocks import blocks


def through(costing, block, **operands):
    """Return the output ports of a block's mapped netlist for these input ports."""
    netlist = costing.mapped_verilog(block.verilog, "block").netlist(costing.library)
    assert netlist.inputs.keys() == operands.keys()
    count = len(next(iter(operands.values())))
    planes = netlist.evaluate(operands)

    def values(nets):
        bits = (np.unpackbits(planes[net].view(np.uint8), bitorder="little") for net in nets)
        return sum(bit[:count].astype(np.int64) << i for i, bit in enumerate(bits))

    return {port: values(nets) for port, nets in netlist.outputs.items()}


@pytest.mark.parametrize("spec", [MBM(8), Mitchell(8)], ids=["mbm8", "mitchell8"])
def test_the_blocks_one_after_another_are_the_multiplier(costing, spec):
    block = blocks(spec)
    a, b = (through(costing, block[names.LEADING_ONE], x=x.ravel()) for x in np.indices((256, 256)))
    logs = {name: x["tail"] | x["position"] << 7 for name, x in (("a", a), ("b", b))}
    total = through(costing, block[names.SUM], **logs)["out"]
    corrected = fraction = total & 127
    sums = {"carry": total >> 7 & 1, "characteristic": total >> 8}
    if names.CORRECTION in block:
        corrected = through(costing, block[names.CORRECTION], fraction=fraction, **sums)["out"]
    product = through(
        costing,
        block[names.ANTILOGARITHM],
        corrected=corrected,
        characteristic=sums["characteristic"],
        nonzero_a=a["valid"],
        nonzero_b=b["valid"],
    )["out"]
    if names.SMALL_PRODUCTS in block:
        nonzero = a["valid"] & b["valid"]
        small = block[names.SMALL_PRODUCTS]
        product = through(costing, small, nonzero=nonzero, product=product, **sums)["out"]
    assert np.array_equal(product.reshape(256, 256), product_table(spec))


def test_terms_are_those_counted_by_hand(costing):
    """Eight bits: stages of 4, 2 and 1 before the sum; of 1, 2, 4 and 8 after it."""
    terms = block_terms(MBM(8))
    assert terms[names.LEADING_ONE] == {
        "gathering": 3 + 1,
        "and_or": 4 + 2 + 1,
        "mux": 0 + 4 + 6,
        "and": 4 + 2 + 1,
    }
    assert terms[names.SUM] == {"half_adder": 1, "full_adder": 9}
    assert terms[names.ANTILOGARITHM] == {"mux": 8 + 8 + 8 + 8, "and": 3 + 2 + 4 + 8 + 8}
    assert array_terms(8) == {"and": 64, "full_adder": 48, "half_adder": 8}
    areas = cell_areas(costing.library)
    assert areas["mux"] == 40  # AOI22X1, where MUX2X1 takes 48
    assert areas["full_adder"] == 5 * 23  # OAI21X1 does for and, or, and parity; FAX1 takes 120
    assert areas["gathering"] == 36 / 2  # NAND3X1


@pytest.mark.parametrize("name", ["mbm8", "mbm8s_t2", "mitchell8"])
def test_no_block_is_mapped_below_its_least(costing, name):
    design = find_design(name)
    rows = breakdown(costing, design)
    for row in rows:
        if row["least_um2"] is not None:
            assert row["least_um2"] < row["area_um2"], row
    parts, total, whole = rows[:-4], rows[-4], rows[-3]
    assert total["area_um2"] == sum(row["area_um2"] for row in parts)
    assert whole["area_um2"] == pytest.approx(total["area_um2"], rel=0.1)
    (row,) = costing.rows([design])
    assert savings(rows)[0] == pytest.approx(row["area_um2_saved"])
    assert max(row["share"] for row in rows[-2:]) >= 100 == min(row["share"] for row in rows[-2:])


def test_the_command_prints_the_blocks(costing, capsys):
    with pytest.raises(SystemExit) as error:
        main(["cost", "--breakdown", "mbm8", "--cache", str(costing.cache)])
    assert error.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith("mbm8 saves ")
    for name in blocks(find_spec("mbm8")):
        assert name in printed
    with pytest.raises(SystemExit) as error:
        main(["cost", "--breakdown", "exact8", "--cache", str(costing.cache)])
    assert error.value.code == 2
    assert "exact8: only combinational logarithmic multipliers" in capsys.readouterr().err
