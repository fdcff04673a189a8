"""The approximate layers `ApproxConv2d` and `ApproxLinear`: torch's own, with a spec's products."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mbm_hw.nn.approx_layer import ApproxLayer
from mbm_hw.ops.algorithms import DIRECT


class ApproxConv2d(ApproxLayer, nn.Conv2d):
    """torch.nn.Conv2d with approximate products; see `ApproxLayer`.

    Takes its arguments and inputs, [N, C, H, W] or [C, H, W], floating, and has its state_dict's
    keys. Padding with zeros pads with code 0, or +0, whose products are the spec's.
    """

    FLOAT_CLASS = nn.Conv2d
    FUNCTION = torch.conv2d

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        # What torch.nn.Conv2d.forward calls.
        padding = self.padding
        if self.padding_mode != "zeros":
            input = functional.pad(
                input, self._reversed_padding_repeated_twice, mode=self.padding_mode
            )
            padding = 0
        return self.approximate(
            input, weight, bias, self.stride, padding, self.dilation, self.groups
        )

    def approximate(
        self, input: Tensor, weight: Tensor, bias=None, stride=1, padding=0, dilation=1, groups=1
    ) -> Tensor:
        """Return `torch.conv2d` of these arguments with the layer's products.

        Takes what torch.conv2d takes, with a floating `input`. During calibration the products are
        exact, and the layer's observer sees `input`.
        """
        if self.observer is not None:
            self.observer.update(input)
            return functional.conv2d(input, weight, bias, stride, padding, dilation, groups)
        self._check_input(input)
        if input.ndim not in (3, 4):
            shape = list(input.shape)
            raise ValueError(f"ApproxConv2d takes [N, C, H, W] or [C, H, W], not {shape}")
        batch = input.float() if input.ndim == 4 else input.float()[None]
        stride, dilation = _pair(stride), _pair(dilation)
        batch, padding = _padded(batch, padding, weight.shape[2:], dilation)
        geometry = (stride, padding, dilation, groups)
        y = self._products(batch, weight, bias, *geometry)
        y = self._with_gradient(
            y, batch, weight, bias, lambda x, w, b: functional.conv2d(x, w, b, *geometry)
        )
        return (y if input.ndim == 4 else y[0]).to(input.dtype)


class ApproxLinear(ApproxLayer, nn.Linear):
    """torch.nn.Linear with approximate products; see `ApproxLayer`.

    Takes its arguments and inputs, [..., in_features], floating, and has its state_dict's keys.
    """

    FLOAT_CLASS = nn.Linear
    FUNCTION = functional.linear

    def forward(self, input: Tensor) -> Tensor:
        return self.approximate(input, self.weight, self.bias)

    def approximate(self, input: Tensor, weight: Tensor, bias=None) -> Tensor:
        """Return `torch.nn.functional.linear` of these arguments with the layer's products.

        Takes what that takes, with a floating `input`. During calibration the products are exact,
        and the layer's observer sees `input`.
        """
        if self.observer is not None:
            self.observer.update(input)
            return functional.linear(input, weight, bias)
        self._check_input(input)
        outputs, inputs = weight.shape
        if input.ndim == 0 or input.shape[-1] != inputs:
            shape = list(input.shape)
            raise ValueError(f"ApproxLinear takes [..., {inputs}], not {shape}")
        rows = input.float().reshape(-1, inputs)
        # An image a row; an algorithm that pairs rows takes them as one image's.
        is_direct = self.algorithm == DIRECT
        image = rows[:, :, None, None] if is_direct else rows.t()[None, :, :, None]
        geometry = ((1, 1), (0, 0), (1, 1), 1)
        y = self._products(image, weight[:, :, None, None], bias, *geometry)
        y = y[:, :, 0, 0] if is_direct else y[0, :, :, 0].t()
        y = self._with_gradient(y, rows, weight, bias, functional.linear)
        return y.reshape(*input.shape[:-1], outputs).to(input.dtype)


def _pair(value) -> tuple[int, int]:
    """Return a stride or dilation of torch.conv2d, one number or a sequence, as a pair."""
    if isinstance(value, int):
        return value, value
    return tuple(value) * (2 // len(value))


def _padded(x: Tensor, padding, kernel, dilation) -> tuple[Tensor, tuple[int, int]]:
    """Return `x` and the zeros that are left to pad on both sides, (vertical, horizontal).

    padding : of torch.conv2d: `valid`, `same`, a number, or one or two of them. Where `same` needs
    one zero more at the end than at the beginning, `x` comes back with all its zeros.
    """
    if not isinstance(padding, str):
        return x, _pair(padding)
    if padding == "valid":
        return x, (0, 0)
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if not any(zeros % 2 for zeros in total):
        return x, (total[0] // 2, total[1] // 2)
    sides = [side for zeros in reversed(total) for side in (zeros // 2, zeros - zeros // 2)]
    return functional.pad(x, sides), (0, 0)
