"""Published figures that ours are laid beside; nothing is computed from them.

Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018, Table I. Errors in
percent, 8 bits over all 2**16 pairs of 0 to 255 (the relative error of 0 x anything is 0), 16 bits
over 2**24 uniform pairs. TSMC 45 nm, 1 GHz, combinational logic only; exact is a Wallace tree.
"""

from typing import NamedTuple


class TableIRow(NamedTuple):
    """One design of the paper's Table I: `spec` is its identifier here."""

    spec: str
    bias: float | None
    mred: float | None
    peak: float | None
    area_um2: float
    power_uw: float


TABLE_I = (
    TableIRow("exact8", None, None, None, 445.0, 35.3),
    TableIRow("mbm8", 0.05, 2.69, 7.81, 288.4, 21.6),
    TableIRow("mitchell8", -3.76, 3.76, 11.11, 221.6, 16.0),
    TableIRow("exact16", None, None, None, 1900.9, 182.2),
    TableIRow("mbm16", -0.09, 2.58, 7.81, 686.3, 47.9),
    TableIRow("mbm16_t1", -0.09, 2.58, 7.82, 647.0, 42.9),
    TableIRow("mbm16_t2", -0.09, 2.58, 7.83, 635.3, 40.3),
    TableIRow("mbm16_t3", -0.09, 2.58, 7.86, 617.4, 41.0),
    TableIRow("mbm16_t4", -0.09, 2.58, 7.90, 597.2, 38.2),
    TableIRow("mbm16_t5", -0.09, 2.58, 8.00, 589.9, 35.6),
    TableIRow("mbm16_t6", -0.09, 2.59, 8.19, 556.7, 33.7),
    TableIRow("mbm16_t7", -0.08, 2.59, 8.58, 535.1, 31.5),
    TableIRow("mbm16_t8", -0.08, 2.60, 9.36, 476.1, 28.6),
    TableIRow("mitchell16", -3.85, 3.85, 11.11, 580.2, 40.4),
)
