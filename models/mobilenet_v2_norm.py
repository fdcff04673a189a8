"""MobileNetV2 with its batch normalisations, and with the names of torchvision's.

Ref: M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
"""

from mobilenet_v2 import STAGES
from torch import nn


class ConvNorm(nn.Sequential):
    """A convolution without bias, batch normalisation, ReLU6."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, groups=1):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU6(),
        )


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise 3x3, linear 1x1; added to its input where the shapes agree."""

    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        width = inputs * expansion
        self.conv = nn.Sequential(
            *([ConvNorm(inputs, width, kernel=1)] if expansion > 1 else []),
            ConvNorm(width, width, stride=stride, groups=width),
            nn.Conv2d(width, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.is_residual else self.conv(x)


class MobileNetV2Norm(nn.Module):
    """`features` only: 19 layers, from RGB to 1280 channels at stride 32."""

    def __init__(self):
        super().__init__()
        layers, inputs = [ConvNorm(3, 32, stride=2)], 32
        for expansion, outputs, blocks, stride in STAGES:
            for block in range(blocks):
                first = stride if block == 0 else 1
                layers.append(InvertedResidual(inputs, outputs, expansion, first))
                inputs = outputs
        self.features = nn.Sequential(*layers, ConvNorm(inputs, 1280, kernel=1))

    def forward(self, x):
        return self.features(x)
