"""The named design points, and how a name that somebody types becomes a spec.

Each name says every parameter: family, width, `s` for signed, `_tT` for T truncated fraction bits.
Products and errors of all of them follow from `spec` and the sources named there.
"""

import difflib
import re
from types import MappingProxyType

from mbm_hw.spec import MBM, Exact, IntegerSpec, Mitchell

_SPECS = (
    # The baselines, and what networks are studied with: 8 bits, signed.
    Exact(8),
    Exact(8, signed=True),
    # Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
    Mitchell(8),
    Mitchell(8, signed=True),
    # Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018, Table I (unsigned).
    MBM(8),
    MBM(8, signed=True),
    # Truncations below the paper's range (t <= width - 8), where the correction is cut too.
    MBM(8, truncation=2, signed=True),
    MBM(8, truncation=4, signed=True),
    # 16 bits: the paper's Table I, its two ends; signed ones for networks.
    Exact(16),
    Exact(16, signed=True),
    Mitchell(16),
    Mitchell(16, signed=True),
    MBM(16),
    MBM(16, truncation=4),
    MBM(16, truncation=8),
    MBM(16, signed=True),
    MBM(16, truncation=8, signed=True),
    # The narrowest and the widest that the spec allows.
    MBM(4, signed=True),
    MBM(32),
    MBM(32, signed=True),
)

CATALOG = MappingProxyType({spec.identifier: spec for spec in _SPECS})

_FAMILIES = {family.family: family for family in (Exact, Mitchell, MBM)}
_IDENTIFIER = re.compile(rf"({'|'.join(_FAMILIES)})(\d+)(s?)(?:_t(\d+))?")


def find_spec(name: str) -> IntegerSpec:
    """Return the spec called `name`: a catalog name, or any identifier such as `mbm10s_t1`.

    An unknown name is a ValueError that lists the catalog; a known family with an illegal width or
    truncation is that spec's ValueError.
    """
    if name in CATALOG:
        return CATALOG[name]
    match = _IDENTIFIER.fullmatch(name)
    if match is None:
        close = difflib.get_close_matches(name, CATALOG, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(f"no multiplier is called {name!r}; known: {', '.join(CATALOG)}{hint}")
    family, width, signed, truncation = match.groups()
    parameters = {"width": int(width), "signed": bool(signed)}
    if truncation is not None:
        if family == Exact.family:
            raise ValueError(f"{name}: an exact multiplier has no truncation")
        parameters["truncation"] = int(truncation)
    return _FAMILIES[family](**parameters)
