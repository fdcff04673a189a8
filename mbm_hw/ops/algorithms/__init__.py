"""Algorithms for convolutions and matrix products that take other products than the direct one.

`direct` multiplies what the definition multiplies. The others add up operands (transform them),
multiply those sums as the spec multiplies, and add up the products with other weights (transform
them back). So they are other circuits, with other errors, and not faster ways to the same sums.
The transforms are adders, shifts and constants, and exact: integers, or float64 rounded to float32.

                 layers                     products an output      codes grow   denominator
    winograd     3x3, stride 1, F(2x2)      16 / 4 for 9            4, 9         4
    winograd_4x4 3x3, stride 1, F(4x4)      36 / 16 for 9           100, 49      576
    fft          kernels, stride 1          3x3: 124 / 36 for 9     float specs only
    fft_gauss    as fft, 3 products for 4   3x3: 94 / 36 for 9      float specs only
    strassen     two inputs and outputs     7 / 8 of the direct     2, 2         1

Codes grow: how many times larger than the codes of x and of w the transformed ones can be, all of
which must be operands of the spec. Codes of 8 bits (+-127) need specs of 9 bits for strassen, 10
and 12 for winograd's x and w, 15 and 14 for winograd_4x4's. The integer sums are those of direct
times the denominator, which the rescaling of a layer takes up, as in a circuit. A float operand is
rounded to the format before and after it is transformed.
"""

from types import MappingProxyType

from mbm_hw.ops.algorithms.algorithm import Algorithm, Layer
from mbm_hw.ops.algorithms.blocked import Strassen
from mbm_hw.ops.algorithms.fft import fft, tile_size
from mbm_hw.ops.algorithms.tiled import Tiled
from mbm_hw.ops.algorithms.winograd import winograd

__all__ = ["ALGORITHMS", "DIRECT", "Layer", "find_algorithm"]

DIRECT = "direct"


def _winograd(name: str, outputs: int) -> Tiled:
    return Tiled(
        name,
        takes="3x3 kernels with stride 1 and dilation 1",
        kernels=lambda kernel: kernel == (3, 3),
        outputs=lambda kernel: (outputs, outputs),
        transforms=lambda kernel: winograd(outputs),
        is_integer=True,
    )


def _fft(name: str, is_gauss: bool) -> Tiled:
    return Tiled(
        name,
        takes="kernels of more than one pixel with stride 1 and dilation 1",
        kernels=lambda kernel: kernel != (1, 1),
        outputs=lambda kernel: tuple(tile_size(taps) - taps + 1 for taps in kernel),
        transforms=lambda kernel: fft(kernel, is_gauss),
        is_integer=False,
    )


ALGORITHMS = MappingProxyType(
    {
        algorithm.name: algorithm
        for algorithm in (
            _winograd("winograd", 2),
            _winograd("winograd_4x4", 4),
            _fft("fft", is_gauss=False),
            _fft("fft_gauss", is_gauss=True),
            Strassen(),
        )
    }
)
"""By name: all but `direct`."""


def find_algorithm(name: str) -> Algorithm:
    """Return the algorithm called `name`; an unknown one is a ValueError that lists the known."""
    if name not in ALGORITHMS:
        known = ", ".join((DIRECT, *ALGORITHMS))
        raise ValueError(f"algorithm must be one of {known}, not {name!r}")
    return ALGORITHMS[name]
