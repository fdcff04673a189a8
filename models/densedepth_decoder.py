"""The decoder of DenseDepth, for any encoder that gives its features at several strides.

Ref: I. Alhashim and P. Wonka, "High Quality Monocular Depth Estimation via Transfer Learning",
2018, in the authors' 2019 PyTorch version; module names are those of its checkpoints.
"""

import torch
from torch import nn
from torch.nn import functional


class DenseDepthDecoder(nn.Module):
    """From the features of an encoder to one channel at the size of the first of them.

    `conv2` (1x1) takes the last features; `up1` to `upN` each take one more, from the last but one
    to the first; `conv3` (3x3) has no activation after it. Every convolution has a bias.

    encoder_channels : channels of the N + 1 features, in the encoder's order (size falling).
    channels : output channels of conv2, up1, ..., upN.
    padding : of conv2; 0, or 1 as in the 2019 upstream. The weights fit either.
    """

    def __init__(self, encoder_channels, channels, padding=0):
        super().__init__()
        if len(encoder_channels) != len(channels):
            lengths = f"{len(encoder_channels)} and {len(channels)}"
            raise ValueError(f"encoder_channels and channels must be as many, not {lengths}")
        *skips, inputs = encoder_channels
        self.conv2 = nn.Conv2d(inputs, channels[0], 1, padding=padding)
        for index, skip in enumerate(reversed(skips)):
            self.add_module(f"up{index + 1}", Up(channels[index], skip, channels[index + 1]))
        self.conv3 = nn.Conv2d(channels[-1], 1, 3, padding=1)

    def forward(self, features):
        """features : float [N, C, H, W] each, as in `encoder_channels`; returns [N, 1, H, W] of the
        first one's size."""
        *skips, x = features
        x = self.conv2(x)
        for index, skip in enumerate(reversed(skips)):
            x = self.get_submodule(f"up{index + 1}")(x, skip)
        return self.conv3(x)


class Up(nn.Module):
    """Resize to the skip's size, join [resized, skip], then two 3x3 convolutions."""

    def __init__(self, inputs, skip, outputs):
        super().__init__()
        self.convA = nn.Conv2d(inputs + skip, outputs, 3, padding=1)
        self.leakyreluA = nn.LeakyReLU(0.2)
        self.convB = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.leakyreluB = nn.LeakyReLU(0.2)

    def forward(self, x, skip):
        size = skip.shape[-2:]
        resized = functional.interpolate(x, size=size, mode="bilinear", align_corners=True)
        x = self.leakyreluA(self.convA(torch.cat([resized, skip], dim=1)))
        return self.leakyreluB(self.convB(x))
