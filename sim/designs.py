"""The designs of rtl/, by name."""

from mbm_hw.hdl import DESIGNS, DOT_PRODUCTS
from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import CATALOG
from sim.simulators import ROOT

RTL = ROOT / "rtl"
ALL = DESIGNS | DOT_PRODUCTS


def design_name(name: str) -> str:
    """Return the name of a design; the catalog's, which is shorter for float specs, is one too.

    ValueError if there is no such design.
    """
    if name in CATALOG:
        name = Design(CATALOG[name]).name
    if name not in ALL:
        raise ValueError(f"no design is called {name!r}; known: {', '.join(ALL)}")
    return name
