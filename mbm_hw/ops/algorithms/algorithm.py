"""What the algorithms for convolutions share, and the direct one's place among them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from mbm_hw.multipliers import Spec
from mbm_hw.ops.algorithms.bilinear import Bilinear

Products = Callable[[Tensor, Tensor, Sequence[int], Sequence[int], int], Tensor]
"""Returns the sums of a convolution without padding: of transformed x and w, float64, [N, C, H, W]
and [O, C / groups, kH, kW]; then stride, dilation, groups."""

Transforms = Callable[[tuple[int, int]], Bilinear]


class Layer(NamedTuple):
    """A convolution of an image that is padded already. Pairs are (vertical, horizontal)."""

    outputs: int
    inputs: int  # of a group
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    @classmethod
    def of(cls, w_shape: Sequence[int], stride, dilation, groups: int) -> "Layer":
        """Return the layer of weights [O, C / groups, kH, kW]."""
        pairs = (tuple(numbers) for numbers in (w_shape[2:], stride, dilation))
        return cls(w_shape[0], w_shape[1], *pairs, groups)

    def __str__(self):
        kernel, inputs = "x".join(map(str, self.kernel)), self.groups * self.inputs
        return (
            f"{kernel}, {inputs} inputs to {self.outputs} outputs, stride {self.stride}, "
            f"dilation {self.dilation}, groups {self.groups}"
        )

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        return tuple(
            (size - d * (k - 1) - 1) // s + 1
            for size, k, s, d in zip(
                (height, width), self.kernel, self.stride, self.dilation, strict=True
            )
        )


class Algorithm(ABC):
    """A way to compute a convolution from other products than its own.

    name : as callers give it. takes : the layers that it can do, in words.
    transforms : what it does to tiles or blocks of the operands, by the kernel's size.
    is_integer : whether transforms of integers are integers; if not, it takes float specs only.
    """

    name: str
    takes: str
    transforms: Transforms
    is_integer: bool

    @abstractmethod
    def is_for(self, layer: Layer) -> bool:
        """Whether it can do `layer`."""

    @abstractmethod
    def multiplications(self, layer: Layer, rows: int, columns: int) -> int:
        """Return how many products it takes for an output of rows x columns."""

    @abstractmethod
    def terms(self, layer: Layer) -> int:
        """Return how many products one sum has."""

    @abstractmethod
    def sums(self, x: Tensor, w: Tensor, layer: Layer, products: Products) -> Tensor:
        """Return denominator * conv2d(x, w), float64 [N, O, OH, OW].

        x : [N, C, H, W], padded; w : [O, C / groups, kH, kW].
        """

    def bilinear(self, layer: Layer) -> Bilinear:
        return self.transforms(layer.kernel)

    def takes_spec(self, spec: Spec) -> bool:
        """Whether it has operands for `spec` at all; `integers.largest_codes` says which codes."""
        return self.is_integer or spec.is_float

    def check(self, operator: str, layer: Layer):
        """Raise a ValueError that names what is supported if it cannot do `layer`."""
        if not self.is_for(layer):
            raise ValueError(f"{operator}: {self.name} takes {self.takes}, not {layer}")
