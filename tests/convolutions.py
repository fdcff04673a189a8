"""Shapes of convolutions, and tensors' layouts in memory, for the tests of all operators."""

import contextlib

import torch
from hypothesis import strategies as st


@st.composite
def convolutions(draw):
    """Draw (x_shape, w_shape, (stride, padding, dilation, groups)), all sizes small."""

    def number(low, high):
        return draw(st.integers(low, high))

    def both(low, high):
        return number(low, high), number(low, high)

    stride, padding, dilation, kernel = both(1, 3), both(0, 3), both(1, 3), both(1, 3)
    groups, channels, outputs = number(1, 3), number(1, 3), number(1, 3)
    least = [max(1, dilation[i] * (kernel[i] - 1) + 1 - 2 * padding[i]) for i in range(2)]
    size = [number(least[i], least[i] + 6) for i in range(2)]
    x_shape = (number(0, 2), groups * channels, *size)
    w_shape = (groups * outputs, channels, *kernel)
    return x_shape, w_shape, (stride, padding, dilation, groups)


LAYOUTS = {
    "contiguous": lambda x: x,
    "channels_last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "every other": lambda x: x.repeat_interleave(2, -1)[..., ::2],
    "transposed": lambda x: x.transpose(-1, -2).contiguous().transpose(-1, -2),
    "expanded": lambda x: x[:, :, :1, :1].expand(x.shape),
}


@contextlib.contextmanager
def on_threads(threads):
    """Have torch, and so the kernels, use so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
