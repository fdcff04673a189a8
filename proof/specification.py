"""What a multiplier computes, as SMT-LIB definitions that share nothing with the components' code.

The files in `specifications` hold the definitions, for every width alike; this module puts in front
of them what depends on the spec: the sort Word, the parameters and the operands' values.
"""

from collections.abc import Sequence
from pathlib import Path

from mbm_hw.multipliers import (
    MBM,
    FloatExact,
    FloatLogSpec,
    FloatMBM,
    FloatSpec,
    LogSpec,
    Spec,
    Table,
)

FOLDER = Path(__file__).parent / "specifications"
CONSTANTS = {"zero": 0, "one": 1, "two": 2, "six": 6, "seven": 7, "ten": 10}


def word_width(spec: Spec) -> int:
    """Return the width of the sort Word: so many bits that the specification cuts nothing."""
    return 4 * spec.width if isinstance(spec, LogSpec) else 2 * spec.width


def product_width(spec: Spec) -> int:
    """Return the bits of the product's pattern."""
    return spec.width if isinstance(spec, FloatSpec) else spec.product_width


def extended(spec: Spec, pattern: str, width: int) -> str:
    """Return a pattern of `width` bits as a Word: what it stands for; a float pattern as it is."""
    kind = "zero" if isinstance(spec, FloatSpec) or not spec.signed else "sign"
    return f"((_ {kind}_extend {word_width(spec) - width}) {pattern})"


def specification(spec: Spec) -> str:
    """Return the definition of `product`, a Word: the product of the patterns `a` and `b`.

    a, b : constants of spec.width bits, defined or declared by the text in front of this one.
    """
    width = word_width(spec)
    numbers = CONSTANTS | _numbers(spec)
    lines = [
        f"(define-sort Word () (_ BitVec {width}))",
        *(f"(define-fun value_{x} () Word {extended(spec, x, spec.width)})" for x in "ab"),
        *(f"(define-fun {name} () Word {word(n, width)})" for name, n in numbers.items()),
        *(f"(define-fun {name} () Bool {str(is_).lower()})" for name, is_ in _flags(spec).items()),
        *_functions(spec),
    ]
    texts = [(FOLDER / f"{name}.smt2").read_text() for name in _files(spec)]
    return "\n".join([*lines, *texts])


def word(value: int, width: int) -> str:
    return f"(_ bv{value} {width})"


def _files(spec: Spec) -> tuple[str, ...]:
    if isinstance(spec, FloatSpec):
        significand = "float_log" if isinstance(spec, FloatLogSpec) else "float_exact"
        return "float_fields", significand, "float_product"
    if isinstance(spec, Table):
        return ("table",)
    return ("log",) if isinstance(spec, LogSpec) else ("exact",)


def _numbers(spec: Spec) -> dict[str, int]:
    """Return the parameters that are numbers, by their names in the definitions."""
    names = ("exponent_bits", "mantissa_bits") if isinstance(spec, FloatSpec) else ("width",)
    if isinstance(spec, (LogSpec, FloatLogSpec)):
        names = (*names, "truncation")
    return {name: getattr(spec, name) for name in names}


def _flags(spec: Spec) -> dict[str, bool]:
    if isinstance(spec, (LogSpec, FloatLogSpec)):
        is_forced = spec.truncation > 0 or getattr(spec, "force_lsb", False)
        return {"is_corrected": isinstance(spec, (MBM, FloatMBM)), "is_forced": is_forced}
    if isinstance(spec, Table):
        return {"is_sign_magnitude": spec.sign_magnitude}
    return {}


def _functions(spec: Spec) -> list[str]:
    """Return the functions whose text depends on a width."""
    if isinstance(spec, LogSpec):
        return [f"(define-fun leading_one ((x Word)) Word\n{_leading_one(spec)})"]
    if isinstance(spec, Table):
        return _table_functions(spec)
    if isinstance(spec, FloatExact):
        bits = 2 * (spec.mantissa_bits + 1)
        low = (f"((_ extract {bits - 1} 0) {x})" for x in "xy")
        extra = word_width(spec) - bits
        body = f"((_ zero_extend {extra}) (bvmul {' '.join(low)}))"
        return [f"(define-fun multiply ((x Word) (y Word)) Word {body})"]
    return []


def _table_functions(spec: Table) -> list[str]:
    width, bits = word_width(spec), len(spec.array).bit_length() - 1
    words = [word(int(value) % (1 << width), width) for value in spec.array.ravel()]
    return [
        f"(define-fun lowest ((x Word)) (_ BitVec {bits}) ((_ extract {bits - 1} 0) x))",
        f"(define-fun entry ((address (_ BitVec {2 * bits}))) Word\n"
        f"{choice(words, 'address', 2 * bits)})",
    ]


def choice(terms: Sequence[str], chooser: str, bits: int) -> str:
    """Return the term whose index is in the lowest `bits` of `chooser`; behind the last the last.

    terms : at most 2**bits, at least one.
    """
    if len(terms) == 1:
        return terms[0]
    half = 1 << (bits - 1)
    low, high = (
        choice(part, chooser, bits - 1) for part in (terms[:half], terms[half:] or terms[-1:])
    )
    return f"(ite (= ((_ extract {bits - 1} {bits - 1}) {chooser}) #b1) {high} {low})"


def _leading_one(spec: LogSpec) -> str:
    """Return the highest k with x >= 2**k, as a chain of choices; 0 for x = 0."""
    width = word_width(spec)
    positions = range(spec.width - 1, 0, -1)
    choices = (f"  (ite (bvuge x {word(1 << k, width)}) {word(k, width)}" for k in positions)
    return "\n".join([*choices, f"  {word(0, width)}" + ")" * len(positions)])
