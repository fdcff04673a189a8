"""The product of TOSAM's rounded fractions."""

from mbm_hw.multipliers import Spec
from proof.terms import multiplication


def definitions(spec: Spec, width: int) -> str:
    """Return the functions multiply and is_whole of factors of h + 1 bits."""
    return multiplication(spec.h + 1, width)
