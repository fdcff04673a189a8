"""What a multiplier computes, as SMT-LIB definitions, independent of the components' code.

The files in `specifications` hold the definitions, for every width alike; this module puts in front
of them what depends on the spec: the sorts, the parameters and the operands.
"""

from pathlib import Path

from mbm_hw.spec import Exact, IntegerSpec, LogSpec, Mitchell

FOLDER = Path(__file__).parent / "specifications"
CONSTANTS = {"zero": 0, "one": 1, "two": 2, "six": 6, "seven": 7, "ten": 10}


def word_width(spec: IntegerSpec) -> int:
    """Return the width of the sort Word, in which the specification calculates."""
    return 2 * spec.width if isinstance(spec, Exact) else 4 * spec.width


def specification(spec: IntegerSpec) -> str:
    """Return the definition of `product`, a Word: the product of the patterns `a` and `b`.

    a, b : constants of spec.width bits, defined or declared by the text in front of this one.
    """
    width = word_width(spec)
    lines = [f"(define-sort Word () (_ BitVec {width}))"]
    extension = f"(_ {'sign' if spec.signed else 'zero'}_extend {width - spec.width})"
    lines += [f"(define-fun value_{x} () Word ({extension} {x}))" for x in "ab"]
    if isinstance(spec, LogSpec):
        numbers = CONSTANTS | {"width": spec.width, "truncation": spec.truncation}
        lines += [f"(define-fun {name} () Word {word(n, width)})" for name, n in numbers.items()]
        is_corrected = str(not isinstance(spec, Mitchell)).lower()
        lines.append(f"(define-fun is_corrected () Bool {is_corrected})")
        lines.append(f"(define-fun leading_one ((x Word)) Word\n{_leading_one(spec)})")
    return "\n".join([*lines, (FOLDER / _FILES[spec.family]).read_text()])


_FILES = {"exact": "exact.smt2", "mitchell": "log.smt2", "mbm": "log.smt2"}


def word(value: int, width: int) -> str:
    return f"(_ bv{value} {width})"


def _leading_one(spec: LogSpec) -> str:
    """Return the highest k with x >= 2**k, as a chain of choices; 0 for x = 0."""
    width = word_width(spec)
    positions = range(spec.width - 1, 0, -1)
    choices = (f"  (ite (bvuge x {word(1 << k, width)}) {word(k, width)}" for k in positions)
    return "\n".join([*choices, f"  {word(0, width)}" + ")" * len(positions)])
