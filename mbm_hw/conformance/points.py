"""The specs and operands that the checks take."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from mbm_hw.multipliers import Spec, pattern_values
from mbm_hw.multipliers.names import is_named
from mbm_hw.multipliers.parameters import parameter_of, with_parameters
from mbm_hw.multipliers.registry import Family

WIDTHS = (4, 6, 8, 12, 16, 32)
"""The widths that are checked, as far as they are legal; of float specs, those of the format."""
_FORMATS = {
    4: ((2, 1),),
    6: ((3, 2),),
    8: ((4, 3), (5, 2)),
    12: ((5, 6),),
    16: ((8, 7), (5, 10)),
    32: ((8, 23),),
}
EXHAUSTIVE_BITS = 8
SAMPLE = 2000


def points(entry: Family, widths: Sequence[int] = WIDTHS) -> Iterator[Spec]:
    """Yield specs of a family: each parameter low, middle and high, with every legal sign.

    widths : those of WIDTHS; illegal ones are left out. A family whose specs have no names, as
    product tables, has none.
    """
    kind = entry.kind
    if not is_named(kind):
        return
    free = [f.name for f in entry.fields if parameter_of(f)]
    for fields in _float_fields(widths) if kind.is_float else _integer_fields(kind, widths):
        found = {}
        for places in itertools.product((0.0, 0.5, 1.0), repeat=len(free)):
            chosen = dict(zip(free, places, strict=True))

            def choose(name, legal, chosen=chosen):
                return legal[round(chosen[name] * (len(legal) - 1))]

            found[with_parameters(kind, entry.fixed | fields, choose)] = None
        yield from found


def _integer_fields(kind, widths) -> Iterator[dict]:
    for width, signed in itertools.product(widths, kind.SIGNS):
        if kind.MIN_WIDTH <= width <= kind.MAX_WIDTH and width % kind.WIDTH_STEP == 0:
            yield {"width": width, "signed": signed}


def _float_fields(widths) -> Iterator[dict]:
    for exponent_bits, mantissa_bits in itertools.chain(*map(_FORMATS.get, widths)):
        yield {"exponent_bits": exponent_bits, "mantissa_bits": mantissa_bits}


def operand_pairs(spec: Spec, exhaustive_bits: int = EXHAUSTIVE_BITS, sample: int = SAMPLE):
    """Return operands a and b as `multiply` takes them, two int64 [pairs].

    All pairs of specs that have at most `exhaustive_bits`; else pairs of corners (0, the extremes,
    powers of two and their neighbours) and of operands of every size, `sample` of each kind.
    """
    if spec.width <= exhaustive_bits:
        operands = legal_operands(spec)
        return np.repeat(operands, len(operands)), np.tile(operands, len(operands))
    generator = np.random.default_rng(spec.width)
    corners = generator.choice(_corners(spec), (2, sample))
    a, b = np.concatenate([corners, _of_every_size(spec, generator, sample)], axis=1)
    return a, b


def legal_operands(spec: Spec) -> np.ndarray:
    """Return all operands of a spec of few bits: values, of float specs patterns; int64."""
    if spec.is_float:
        return np.arange(1 << spec.width, dtype=np.int64)
    values = pattern_values(spec)
    return values[values >= spec.operand_min]


def _corners(spec: Spec) -> list[int]:
    low, high = limits(spec)
    near = {(1 << k) + offset for k in range(spec.width + 1) for offset in (-1, 0, 1)}
    if spec.is_float:  # zeros, ones, infinities, NaNs, the least and the largest, of both signs
        m, top = spec.mantissa_bits, spec.exponent_max
        fields = {0, 1, spec.exponent_bias - 1, spec.exponent_bias, top - 1, top}
        ends = {0, 1, (1 << m) - 1}
        near |= {field << m | end for field in fields for end in ends}
        near |= {x | 1 << (spec.width - 1) for x in near if x < 1 << (spec.width - 1)}
    near |= {0, low, high, low + 1}
    return sorted(
        sign * x for x in near for sign in {1, -1 if low < 0 else 1} if within(x, sign, spec)
    )


def within(x: int, sign: int, spec: Spec) -> bool:
    """Return whether `sign * x` is an operand of the spec."""
    low, high = limits(spec)
    return low <= sign * x <= high


def limits(spec: Spec) -> tuple[int, int]:
    """Return the smallest and the largest operand that `multiply` takes."""
    if spec.is_float:
        return 0, (1 << spec.width) - 1
    return spec.operand_min, spec.operand_max


def _of_every_size(spec, generator, sample) -> np.ndarray:
    low, high = limits(spec)
    if spec.is_float:
        return generator.integers(low, high, (2, sample), endpoint=True)
    magnitudes = np.exp2(generator.uniform(0, high.bit_length(), (2, sample))).astype(np.int64)
    return magnitudes * generator.choice([1, -1] if spec.signed else [1], (2, sample))
