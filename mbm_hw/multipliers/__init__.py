"""The families of multipliers, a file for each, and their common parts.

The families are here by the names of their classes, as in `mbm_hw`: whoever adds one adds a file.
"""

from mbm_hw.multipliers.log import FloatLogSpec, LogSpec
from mbm_hw.multipliers.names import CATALOG, as_spec, find_spec, spec_name
from mbm_hw.multipliers.parameters import choice, flag, integer
from mbm_hw.multipliers.reference import (
    float_multiply,
    mantissa_product,
    mantissa_table,
    multiply,
    pattern_values,
    product_table,
)
from mbm_hw.multipliers.registry import families, family, own_families
from mbm_hw.multipliers.spec import FORMATS, FloatSpec, IntegerSpec, Spec

_FAMILIES = {entry.kind.__name__: entry.kind for entry in own_families()}
globals().update(_FAMILIES)

__all__ = [
    "CATALOG",
    "FORMATS",
    "FloatLogSpec",
    "FloatSpec",
    "IntegerSpec",
    "LogSpec",
    "Spec",
    "as_spec",
    "choice",
    "families",
    "family",
    "find_spec",
    "flag",
    "float_multiply",
    "integer",
    "mantissa_product",
    "mantissa_table",
    "multiply",
    "own_families",
    "pattern_values",
    "product_table",
    "spec_name",
    *_FAMILIES,
]
