"""Designs by the names of their modules."""

import re

from mbm_hw.hdl.designs import Design, check_pipeline
from mbm_hw.hdl.dot_product import ACCUMULATOR_WIDTH, check_dot_product
from mbm_hw.hdl.dot_product_verilog import DotProductDesign, to_design_verilog
from mbm_hw.hdl.verilog import to_verilog
from mbm_hw.multipliers import Spec, as_spec, find_spec

AnyDesign = Design | DotProductDesign

_NAME = re.compile(
    r"(?P<spec>(?:.*\.py:)?\w+?(?:\([^()]*\))?)"
    r"(?:_(?P<unit>mac|dot(?P<lanes>\d+))(?:_acc(?P<accumulator>\d+))?)?"
    r"(?:_p(?P<pipeline>\d+))?(?P<stream>_stream)?",
    re.ASCII,
)


def find_design(name: str) -> AnyDesign:
    """Return the design whose module is called `name`: not only those of rtl/.

    A spec's name, as `find_spec` takes it, also FILE.py:Class(width=8) or FILE.py:identifier; then
    `_mac` or `_dotL`, with `_accA` for an accumulator of A bits; `_pP` for P register stages;
    `_stream`. An unknown part is the ValueError or TypeError of that part.
    """
    parts = _NAME.fullmatch(name)
    if parts is None:
        return Design(find_spec(name))
    if parts["pipeline"] and not parts["unit"]:
        word = f"{parts['spec']}_p{parts['pipeline']}"
        if _is_spec(word):  # a parameter's word: no register stages
            return Design(find_spec(word), 0, parts["stream"] is not None)
    spec, pipeline = find_spec(parts["spec"]), int(parts["pipeline"] or 0)
    if parts["unit"] is None:
        check_pipeline(pipeline)
        return Design(spec, pipeline, parts["stream"] is not None)
    if parts["stream"]:
        raise ValueError(f"{name}: MACs and dot-product units have no streams")
    if spec.is_float:
        raise ValueError(f"{name}: MACs and dot-product units take integer specs only")
    lanes, width = int(parts["lanes"] or 1), int(parts["accumulator"] or ACCUMULATOR_WIDTH)
    check_dot_product(spec, lanes, pipeline, width)
    return DotProductDesign(spec, lanes, pipeline, width)


def _is_spec(name: str) -> bool:
    try:
        find_spec(name)
    except ValueError:
        return False
    return True


def as_design(design: AnyDesign | Spec | str) -> AnyDesign:
    """Return `design`; a spec's combinational multiplier; or the design of that name.

    Anything else is a TypeError, an unknown name the ValueError of `find_design`.
    """
    if isinstance(design, AnyDesign):
        return design._replace(spec=as_spec(design.spec))
    return find_design(design) if isinstance(design, str) else Design(as_spec(design))


def exported(design: AnyDesign | Spec | str, name: str | None = None) -> str:
    """Return the Verilog of a design, its module called `name`, or else as the design is.

    design : as `as_design` takes it. The text and the errors are those of `to_verilog` and
    `dot_product_to_verilog`.
    """
    design = as_design(design)
    if isinstance(design, DotProductDesign):
        return to_design_verilog(design, name)
    return to_verilog(design.spec, name, design.pipeline, design.stream)
