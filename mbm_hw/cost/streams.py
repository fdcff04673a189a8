"""Streams of operands: what a multiplier is given, one pair a clock, when its energy is taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mbm_hw.cost.cache import Cache, content_hash, source_hash
from mbm_hw.multipliers import FORMATS, FloatSpec, Spec, as_spec

VECTORS = 20_001  # between them, 20,000 operations


@dataclass(frozen=True)
class Stream:
    """A named source of operands.

    patterns : gives, for a spec or its name, the bit patterns (a, b), int64 [vectors] each; None if
        it has none for that spec.
    """

    name: str
    patterns: Callable[[Spec | str], tuple[np.ndarray, np.ndarray] | None]


def uniform(vectors: int = VECTORS, seed: int = 0) -> Stream:
    """Return operands drawn uniformly from all patterns, each pair on its own.

    Float specs: every sign and mantissa, and exponents within a quarter of the bias of it, so that
    products stay in range.
    """

    def patterns(spec):
        spec = as_spec(spec)
        generator = np.random.default_rng(seed)
        if not spec.is_float:
            return tuple(generator.integers(0, 1 << spec.width, (2, vectors)))
        quarter = spec.exponent_bias // 4
        low, high = spec.exponent_bias - quarter, spec.exponent_bias + quarter
        sign = generator.integers(0, 2, (2, vectors)) << spec.width - 1
        exponent = generator.integers(low, high, (2, vectors), endpoint=True) << spec.mantissa_bits
        return tuple(sign | exponent | generator.integers(0, 1 << spec.mantissa_bits, (2, vectors)))

    return Stream("uniform", patterns)


def shuffled(stream: Stream, seed: int = 0) -> Stream:
    """Return the same pairs in another order."""

    def patterns(spec):
        pairs = stream.patterns(spec)
        if pairs is None:
            return None
        order = np.random.default_rng(seed).permutation(len(pairs[0]))
        return tuple(operand[order] for operand in pairs)

    return Stream(f"{stream.name}_shuffled", patterns)


def layer_stream(
    codes: Callable[[Spec], tuple[np.ndarray, np.ndarray]],
    description: str,
    files: Sequence[Path],
    cache: str | Path,
) -> Stream:
    """Return the operands of a real layer.

    codes : gives, for an exact spec, what the layer multiplies: signed codes, or float32 values of
        the format. It is asked once for each kind of operands; all multipliers for them get the
        same. Integers of more than 16 bits and formats but fp32, bf16 and fp16 have no operands.
    description, files : what they depend on, beside this package's sources.
    cache : a folder that keeps them.
    """
    package = Path(__file__).parent.parent
    sources = source_hash(*sorted(path for path in package.rglob("*.py") if path.is_file()))
    identity = content_hash(description, sources, *(path.read_bytes() for path in files))

    def patterns(spec):
        spec = as_spec(spec)
        exact = spec.exact()
        if spec.is_float:
            if spec.format not in FORMATS.values():
                return None
            to_patterns = float_patterns
        elif exact.width == spec.width <= 16:
            exact, to_patterns = exact.twin(signed=True), integer_patterns
        else:
            return None
        kept = Cache(cache).get(
            lambda: [operand.tolist() for operand in codes(exact)], "layer", repr(exact), identity
        )
        return tuple(to_patterns(spec, np.array(values)) for values in kept)

    return Stream("layer", patterns)


def integer_patterns(spec: Spec, values: np.ndarray) -> np.ndarray:
    """Return what stands for signed values of at most spec.width bits: two's complement, or, for an
    unsigned spec, the magnitude, as a sign-and-magnitude datapath would have it."""
    values = np.asarray(values, np.int64)
    return values & ((1 << spec.width) - 1) if spec.signed else np.abs(values)


def float_patterns(spec: FloatSpec, values: np.ndarray) -> np.ndarray:
    """Return the patterns of float32 values that are exact in an 8-bit exponent, or in fp16."""
    if spec.exponent_bits == 8:
        bits = np.asarray(values, np.float32).view(np.uint32)
        return (bits >> np.uint32(23 - spec.mantissa_bits)).astype(np.int64)
    if (spec.exponent_bits, spec.mantissa_bits) == (5, 10):
        return np.asarray(values, np.float16).view(np.uint16).astype(np.int64)
    raise ValueError(f"values of {spec.format} are not known")
