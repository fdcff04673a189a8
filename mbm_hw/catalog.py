"""The named design points, and how a name that somebody types becomes a spec.

An integer spec's name says every parameter: family, width, `s` for signed, `_tT` for T truncated
fraction bits. A float spec's says family, format, truncation; what it leaves open stands here.
Products and errors of all of them follow from `spec`, `float_spec` and the sources named there.
"""

import difflib
import re
import reprlib
from types import MappingProxyType

from mbm_hw.float_spec import FORMATS, FloatExact, FloatMBM, FloatMitchell
from mbm_hw.spec import MBM, Exact, Mitchell, Spec

_INTEGERS = (
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

_FLOATS = {
    "exact_bf16": FloatExact(8, 7),
    "exact_fp16": FloatExact(5, 10),
    "exact_fp32": FloatExact(8, 23),
    "mitchell_bf16": FloatMitchell(8, 7),
    "mitchell_fp16": FloatMitchell(5, 10),
    "mitchell_fp32": FloatMitchell(8, 23),
    # bf16 with the lowest mantissa bit forced, and without; the wider formats do without.
    "mbm_bf16": FloatMBM(8, 7, force_lsb=True),
    "mbm_bf16_plain": FloatMBM(8, 7),
    "mbm_fp16": FloatMBM(5, 10),
    "mbm_fp32": FloatMBM(8, 23),
    # Ref: the MBM paper's applications: JPEG at t = 15, AlexNet at t = 20.
    "mbm_fp32_t15": FloatMBM(8, 23, truncation=15),
    "mbm_fp32_t20": FloatMBM(8, 23, truncation=20),
}

CATALOG = MappingProxyType({spec.identifier: spec for spec in _INTEGERS} | _FLOATS)

_INTEGER_FAMILIES = {family.family: family for family in (Exact, Mitchell, MBM)}
_FLOAT_FAMILIES = {family.family: family for family in (FloatExact, FloatMitchell, FloatMBM)}
_BITS = {name: bits for bits, name in FORMATS.items()}
_INTEGER = re.compile(rf"({'|'.join(_INTEGER_FAMILIES)})(\d+)(s?)(?:_t(\d+))?", re.ASCII)
_FLOAT = re.compile(
    rf"({'|'.join(_FLOAT_FAMILIES)})_({'|'.join(_BITS)}|e\d+m\d+)(?:_t(\d+))?(_lsb|_plain)?",
    re.ASCII,
)


def find_spec(name: str) -> Spec:
    """Return the spec called `name`: a catalog name, or any identifier, as mbm10s_t1, mbm_e4m3.

    An unknown name is a ValueError that lists the catalog; a known family with an illegal width or
    truncation is that spec's ValueError.
    """
    if name in CATALOG:
        return CATALOG[name]
    if match := _INTEGER.fullmatch(name):
        family, width, signed, truncation = match.groups()
        kind = _INTEGER_FAMILIES[family]
        parameters = {"width": int(width), "signed": bool(signed)}
    elif match := _FLOAT.fullmatch(name):
        family, format_, truncation, forced = match.groups()
        kind = _FLOAT_FAMILIES[family]
        bits = _BITS.get(format_) or tuple(int(n) for n in re.findall(r"\d+", format_))
        parameters = dict(zip(("exponent_bits", "mantissa_bits"), bits, strict=True))
        if forced:
            if kind is not FloatMBM:
                raise ValueError(f"{name}: only mbm has {forced}")
            parameters["force_lsb"] = forced == "_lsb"
    else:
        close = difflib.get_close_matches(name, CATALOG, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        known = ", ".join(CATALOG)
        raise ValueError(f"no multiplier is called {reprlib.repr(name)}{hint}; known: {known}")
    if truncation is not None:
        if family == Exact.family:
            raise ValueError(f"{name}: an exact multiplier has no truncation")
        parameters["truncation"] = int(truncation)
    return kind(**parameters)


def as_spec(spec: Spec | str) -> Spec:
    """Return `spec`, or the spec of that name (`find_spec`): wherever a spec is taken.

    Anything but a spec or a string is a TypeError.
    """
    if isinstance(spec, Spec):
        return spec
    if isinstance(spec, str):
        return find_spec(spec)
    came = " ".join(reprlib.repr(spec).split())
    raise TypeError(
        f"spec must be a multiplier spec such as MBM(8) or a name such as 'mbm8s', not {came}"
    )


def spec_name(spec: Spec | str) -> str:
    """Return the spec's name in the catalog, or its identifier if it has none there."""
    spec = as_spec(spec)
    return _NAMES.get(spec, spec.identifier)


_NAMES = {spec: name for name, spec in CATALOG.items()}
