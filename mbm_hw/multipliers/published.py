"""Published figures, by family, that ours are laid beside; nothing is computed from them."""

from collections.abc import Mapping
from typing import NamedTuple


class Figures(NamedTuple):
    """The published figures of one design; None where the paper has none.

    spec : its identifier here. bias, mred, peak : in percent, the peak of the larger magnitude.
    """

    spec: str
    bias: float | None = None
    mred: float | None = None
    peak: float | None = None
    area_um2: float | None = None
    power_uw: float | None = None


class Publication(NamedTuple):
    """A paper's figures.

    include_zeros : the errors count pairs with a zero operand, as 0.
    """

    source: str
    rows: tuple[Figures, ...]
    include_zeros: bool = False


# Errors of 8 bits over all 2**16 pairs of 0 to 255, of 16 bits over 2**24 uniform pairs. TSMC
# 45 nm, 1 GHz, combinational logic only; exact is a Wallace tree.
TABLE_I = (
    Figures("exact8", area_um2=445.0, power_uw=35.3),
    Figures("mbm8", 0.05, 2.69, 7.81, 288.4, 21.6),
    Figures("mitchell8", -3.76, 3.76, 11.11, 221.6, 16.0),
    Figures("exact16", area_um2=1900.9, power_uw=182.2),
    Figures("mbm16", -0.09, 2.58, 7.81, 686.3, 47.9),
    Figures("mbm16_t1", -0.09, 2.58, 7.82, 647.0, 42.9),
    Figures("mbm16_t2", -0.09, 2.58, 7.83, 635.3, 40.3),
    Figures("mbm16_t3", -0.09, 2.58, 7.86, 617.4, 41.0),
    Figures("mbm16_t4", -0.09, 2.58, 7.90, 597.2, 38.2),
    Figures("mbm16_t5", -0.09, 2.58, 8.00, 589.9, 35.6),
    Figures("mbm16_t6", -0.09, 2.59, 8.19, 556.7, 33.7),
    Figures("mbm16_t7", -0.08, 2.59, 8.58, 535.1, 31.5),
    Figures("mbm16_t8", -0.08, 2.60, 9.36, 476.1, 28.6),
    Figures("mitchell16", -3.85, 3.85, 11.11, 580.2, 40.4),
)

# 16 bits. TSMC 65 nm.
_DRUM = (
    Figures("drum16_k3", mred=11.90, peak=56.25),
    Figures("drum16_k4", mred=5.89, peak=26.56),
    Figures("drum16_k5", mred=2.94, peak=12.9),
    Figures("drum16_k6", mred=1.47, peak=6.31, area_um2=649.4, power_uw=296.0),
    Figures("drum16_k7", mred=0.73, peak=3.1),
    Figures("drum16_k8", mred=0.37, peak=1.54),
)

_TOSAM = (Figures("tosam16_h0_t2", mred=11), Figures("tosam16_h5_t9", mred=0.3))

# 16 bits. TSMC 45 nm: 50 to 76 % less area and 66 to 86 % less power than an exact multiplier.
_REALM = (
    Figures("realm16_m16", 0.010, 0.419, 2.08),
    Figures("realm16_m8", -0.050, 0.754, 3.70),
    Figures("realm16_m4", -0.022, 1.383, 5.71),
    Figures("realm16_m16_t8", 0.022, 0.546, 2.84),
    Figures("realm16_m4_t9", -0.215, 1.583, 7.35),
)

# 31.8 to 45.4 % less power than an exact multiplier.
_UDM = (Figures("udm16", mred=3.32),)

PUBLISHED: Mapping[str, Publication] = {
    "mbm": Publication(
        "Saadat, Bokhari, Parameswaran, IEEE Trans. CAD 37(11), 2018, Table I",
        TABLE_I,
        include_zeros=True,
    ),
    "drum": Publication("Hashemi, Bahar, Reda, ICCAD 2015", _DRUM),
    "realm": Publication("Saadat et al., DATE 2020", _REALM),
    "tosam": Publication("Vahdat et al., IEEE Trans. VLSI Systems 27(5), 2019", _TOSAM),
    "udm": Publication("Kulkarni, Gupta, Ercegovac, VLSI Design 2011", _UDM),
}
"""The papers by the families that they propose."""
