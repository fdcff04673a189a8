"""What an engine is: its multiplier, the sides of its array, its buffers, the words it takes."""

from dataclasses import dataclass

import numpy as np
from amaranth.lib import data

from mbm_hw.hdl.dot_product import ACCUMULATOR_WIDTH
from mbm_hw.multipliers import IntegerSpec, as_spec, multiply

SIDE_BITS = 8


class Job(data.StructLayout):
    """A word of the configuration stream: a patch of activations, and what is done with it.

    All sizes are SIDE_BITS bits. The patch is `height` x `width` activation words, without the
    padding. For each kernel position, in row-major order, a pass takes the array over all
    `out_height` x `out_width` outputs: output (oy, ox) of kernel position (ky, kx) meets the word
    at row oy * stride_y + ky * dilation_y - pad_top, column ox * stride_x + kx * dilation_x -
    pad_left, and zeros outside the patch. first : sums start with this job; last : they leave.
    """

    SIZES = (
        *("height", "width", "kernel_height", "kernel_width", "stride_y", "stride_x"),
        *("dilation_y", "dilation_x", "pad_top", "pad_left", "out_height", "out_width"),
    )

    def __init__(self):
        super().__init__(dict.fromkeys(self.SIZES, SIDE_BITS) | {"first": 1, "last": 1})


JOB = Job()


@dataclass(frozen=True)
class EngineParameters:
    """An engine's parameters.

    spec : an integer spec, or its name; its products with weight 0 must be 0, since rows
        without an input channel have it. Anything else is a TypeError or a ValueError.
    rows : input channels that the array takes at once. columns : output channels.
    patch : activation words in each of the two banks, a power of two. positions : outputs whose
        sums the accumulator buffer holds. Both at most 65,536.
    accumulator_width : bits of each sum.
    """

    spec: IntegerSpec | str
    rows: int = 16
    columns: int = 16
    patch: int = 1024
    positions: int = 256
    accumulator_width: int = ACCUMULATOR_WIDTH

    def __post_init__(self):
        object.__setattr__(self, "spec", as_spec(self.spec))
        if self.spec.is_float:
            raise TypeError(f"Engine takes an integer spec, not {self.spec!r}")
        for name, low, high in (
            ("rows", 1, 256),
            ("columns", 1, 256),
            ("patch", 1, 1 << 16),
            ("positions", 1, 1 << 16),
            ("accumulator_width", self.spec.product_width + (self.rows - 1).bit_length(), 128),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or value not in range(low, high + 1):
                raise ValueError(f"Engine: {name} must be {low} to {high}, not {value!r}")
        if self.patch & (self.patch - 1):
            raise ValueError(f"Engine: patch must be a power of two, not {self.patch}")
        low, high = self.spec.operand_min, self.spec.operand_max
        codes = np.rint(np.linspace(low, high, 1 << min(self.spec.width, 16))).astype(np.int64)
        if multiply(self.spec, codes, 0).any():
            raise ValueError(f"Engine: the products of {self.spec} with weight 0 must be 0")

    @property
    def name(self) -> str:
        """The module's name: spec, rows and columns, as `mbm8s_engine16x16`."""
        return f"{self.spec.identifier}_engine{self.rows}x{self.columns}"

    @property
    def word_width(self) -> int:
        """Bits of an activation word and of a weight word: a code for each row."""
        return self.rows * self.spec.width

    @property
    def result_width(self) -> int:
        """Bits of a result word: a sum for each column, then an overflow flag for each."""
        return self.columns * (self.accumulator_width + 1)
