"""The multiplication of significands."""

from mbm_hw.multipliers import FloatSpec
from proof.terms import multiplication


def definitions(spec: FloatSpec, width: int) -> str:
    """Return `multiply` and `is_whole` of two significands."""
    return multiplication(spec.mantissa_bits + 1, width)
