"""The product of DRUM's segments."""

from mbm_hw.multipliers import Spec
from proof.terms import multiplication


def definitions(spec: Spec, width: int) -> str:
    """Return the functions multiply and is_whole of factors of k bits."""
    return multiplication(spec.k, width)
