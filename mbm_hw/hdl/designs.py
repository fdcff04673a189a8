"""The designs whose Verilog is kept in rtl/."""

from types import MappingProxyType
from typing import NamedTuple

from mbm_hw.multipliers import CATALOG, FloatExact, FloatMitchell, Spec
from mbm_hw.multipliers.registry import family_of_spec

MAX_PIPELINE = 4


class Design(NamedTuple):
    """A multiplier to export: its spec, its register stages, and whether it is between streams."""

    spec: Spec
    pipeline: int = 0
    stream: bool = False

    @property
    def name(self) -> str:
        """The module's name: the spec's identifier, `_pP` if pipelined, `_stream`."""
        stages = f"_p{self.pipeline}" if self.pipeline else ""
        return self.spec.identifier + stages + ("_stream" if self.stream else "")

    @property
    def row(self) -> dict:
        """What somebody who instantiates the module wants to know of it."""
        return {
            "module": self.name,
            "a, b": f"[{self.spec.width - 1}:0]",
            "product or sum": f"[{self.spec.product_width - 1}:0]",
            "patterns": patterns(self.spec),
            "ports": "stream" if self.stream else "registers" if self.pipeline else "combinational",
            "latency": self.pipeline,
        }

    @property
    def is_clocked(self) -> bool:
        """Whether the module has a clock and a reset."""
        return self.pipeline > 0 or self.stream


def patterns(spec: Spec) -> str:
    """Return what the patterns of a multiplier's operands and product stand for."""
    if spec.is_float:
        exponent, mantissa = spec.exponent_bits, spec.mantissa_bits
        return f"{spec.format}: sign, {exponent} exponent bits, {mantissa} mantissa bits"
    return "two's complement" if spec.signed else "unsigned"


def check_pipeline(pipeline: int):
    """Raise a ValueError if no multiplier has so many register stages."""
    if isinstance(pipeline, bool) or pipeline not in range(MAX_PIPELINE + 1):
        raise ValueError(f"pipeline must be an integer 0 to {MAX_PIPELINE}, not {pipeline!r}")


_COMBINATIONAL = (
    *(Design(spec) for spec in CATALOG.values() if family_of_spec(spec).is_own),
    # The two 8-bit formats, in which MBM's constant is lost and leaves Mitchell's multiplier.
    Design(FloatExact(4, 3)),
    Design(FloatExact(5, 2)),
    Design(FloatMitchell(4, 3)),
    Design(FloatMitchell(5, 2)),
)

_PIPELINED = (
    Design(CATALOG["mbm8s"], 2),
    Design(CATALOG["mbm16s"], 3),
    Design(CATALOG["mbm16s"], 4),
    Design(CATALOG["mbm_bf16"], 3),
    Design(CATALOG["exact_fp32"], 4),
)

_STREAMS = (
    Design(CATALOG["mbm8s"], 0, stream=True),
    Design(CATALOG["mbm8s"], 2, stream=True),
    Design(CATALOG["mbm_bf16"], 4, stream=True),
)

DESIGNS = MappingProxyType(
    {design.name: design for design in (*_COMBINATIONAL, *_PIPELINED, *_STREAMS)}
)
"""Every spec of the catalog, the 8-bit float formats, pipelined ones, and streams."""
