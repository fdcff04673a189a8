"""The definition of a multiplier for the solver: SMT-LIB text, from the paper, not from the Python.

A family's is in proof/specifications, FAMILY.smt2 (or FAMILY.py, see below; of a float family
float_FAMILY), or as FAMILY.smt2 beside the file that defines the class.

In front of it stand the sort Word; the numbers zero to sixteen; the spec's fields that are integers
(Words) or flags (Bools), by name; and the operands' values value_a and value_b (of a float spec
their patterns). Then,
- where the spec takes magnitudes: magnitude_a, magnitude_b and the function leading_one
  (magnitudes.smt2). The family defines `magnitude`; sign.smt2 gives it the product's sign.
- of a float spec: the fields of the operands (float_fields.smt2). The family defines `mantissa` and
  `increment`, the exponent's; float_product.smt2 makes the product of them.
- else the family defines `product`.

`(set-info :word N)` makes Word N times as wide as an operand, so that nothing is cut; 2 without it.
`(include "NAME.smt2")` stands for that file's text; `(include "NAME.py")` for what its function
definitions(spec, width) returns, width the bits of Word: text that depends on a width. Each Bool
called claim_NAME is proved to be true for all operands.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from mbm_hw.multipliers import Spec
from mbm_hw.system.user_code import load_function
from proof.terms import word

FOLDER = Path(__file__).parent / "specifications"
NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
)
WORD = 2
"""Operands' widths in a Word, unless a file says otherwise."""
_INCLUDE = re.compile(r'^\(include "([\w.]+)"\)$', re.MULTILINE)
_WORD = re.compile(r"^\(set-info :word (\d+)\)$", re.MULTILINE)


class Undefined(ValueError):
    """There is no definition of a family; the message says which file is missing."""


def word_width(spec: Spec) -> int:
    """Return the width of the sort Word: so many bits that the specification cuts nothing."""
    texts = (path.read_text() for path in _files(_family_file(spec)))
    return spec.width * max([WORD, *(int(n) for text in texts for n in _WORD.findall(text))])


def extended(spec: Spec, pattern: str, width: int) -> str:
    """Return a pattern of `width` bits as a Word: what it stands for; a float pattern as it is."""
    kind = "zero" if spec.is_float or not spec.signed else "sign"
    return f"((_ {kind}_extend {word_width(spec) - width}) {pattern})"


def specification(spec: Spec) -> str:
    """Return the definition of `product`, a Word: the product of the patterns `a` and `b`.

    a, b : constants of spec.width bits, defined or declared by the text in front of this one.
    Undefined if the family has no definition.
    """
    path, width = _family_file(spec), word_width(spec)
    before, after = _frame(spec)
    return "\n".join(
        [
            f"(define-sort Word () (_ BitVec {width}))",
            *(f"(define-fun value_{x} () Word {extended(spec, x, spec.width)})" for x in "ab"),
            *_constants(spec, width),
            *(_text(FOLDER / name, spec, width) for name in before),
            _text(path, spec, width),
            *(_text(FOLDER / name, spec, width) for name in after),
        ]
    )


def claim_names(definition: str) -> list[str]:
    """Return the names NAME of the Bools claim_NAME that a definition has."""
    return re.findall(r"\(define-fun claim_(\w+) \(\) Bool", definition)


def _frame(spec: Spec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the files in front of the family's and those behind it."""
    if spec.is_float:
        return ("float_fields.smt2",), ("float_product.smt2",)
    if spec.takes_magnitudes:
        return ("magnitudes.smt2",), ("sign.smt2",)
    return (), ()


def _family_file(spec: Spec) -> Path:
    name = f"{'float_' if spec.is_float else ''}{spec.family}"
    beside = Path(inspect.getfile(type(spec))).parent
    paths = FOLDER / f"{name}.smt2", FOLDER / f"{name}.py", beside / f"{name}.smt2"
    for path in paths:
        if path.is_file():
            return path
    raise Undefined(
        f"{spec.identifier}: the family {spec.family} has no definition for the solver; "
        f"{name}.smt2 is missing in proof/specifications"
    )


def _files(path: Path) -> Iterator[Path]:
    """Yield a .smt2 file and all that it includes, but for Python files."""
    if path.suffix == ".smt2":
        yield path
        for name in _INCLUDE.findall(path.read_text()):
            yield from _files(_included(path, name))


def _included(path: Path, name: str) -> Path:
    """Return the file `name` that `path` includes: of its own folder, or else of ours."""
    beside = path.parent / name
    return beside if beside.is_file() else FOLDER / name


def _text(path: Path, spec: Spec, width: int) -> str:
    if path.suffix == ".py":
        return load_function(f"{path}:definitions")(spec, width)
    return _INCLUDE.sub(lambda m: _text(_included(path, m[1]), spec, width), path.read_text())


def _constants(spec: Spec, width: int) -> Iterator[str]:
    """Yield the definitions of the numbers, and of the spec's fields that are numbers or flags."""
    for value, name in enumerate(NUMBERS[: 1 << width]):
        yield f"(define-fun {name} () Word {word(value, width)})"
    for name, value in spec.parameters.items():
        match value:
            case bool():
                yield f"(define-fun {name} () Bool {str(value).lower()})"
            case int():
                yield f"(define-fun {name} () Word {word(value, width)})"
