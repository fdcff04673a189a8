"""A small monocular depth network of DenseDepth's shape: efficient encoder, convolutional decoder.

Ref: I. Alhashim and P. Wonka, "High Quality Monocular Depth Estimation via Transfer Learning",
arXiv 1812.11941, 2018.
Ref: M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
"""

from densedepth_decoder import DenseDepthDecoder
from torch import nn


def depth_small() -> nn.Module:
    """Return the network with random weights; `depth_small.pt` holds trained ones (a state_dict).

    Input: RGB / 255, float32 [N, 3, H, W], no mean or deviation; trained at 120x160.
    Output: 10 / depth in metres, float32 [N, 1, ceil(H / 2), ceil(W / 2)], not clipped.
    """
    return DepthSmall()


class DepthSmall(nn.Module):
    """See :func:`depth_small`."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = DenseDepthDecoder((16, 32, 48, 80, 128), (96, 64, 48, 24, 16))

    def forward(self, x):
        return self.decoder(self.encoder(x))


class ConvNorm(nn.Sequential):
    """A convolution without bias, batch normalisation and, if `activate`, ReLU6; padded to keep
    the size at stride 1."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, groups=1, activate=True):
        layers = [
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        super().__init__(*layers, *([nn.ReLU6()] if activate else []))


class InvertedResidual(nn.Module):
    """MobileNetV2's block: 1x1 expansion, depthwise 3x3, linear 1x1; added to its input where the
    shapes agree."""

    def __init__(self, inputs, outputs, expansion, stride=1):
        super().__init__()
        width = inputs * expansion
        self.expand = ConvNorm(inputs, width, kernel=1)
        self.depthwise = ConvNorm(width, width, stride=stride, groups=width)
        self.project = ConvNorm(width, outputs, kernel=1, activate=False)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.is_residual else y


class Encoder(nn.Module):
    """Return the features at strides 2, 4, 8, 16 and 32: 16, 32, 48, 80 and 128 channels."""

    def __init__(self):
        super().__init__()
        self.stem = ConvNorm(3, 16, stride=2)
        self.stage1 = nn.Sequential(ConvNorm(16, 32, stride=2), InvertedResidual(32, 32, 2))
        self.stage2 = _stage(32, 48, expansion=3, blocks=2)
        self.stage3 = _stage(48, 80, expansion=3, blocks=3)
        self.stage4 = _stage(80, 128, expansion=3, blocks=3)

    def forward(self, x):
        features = [self.stem(x)]
        for stage in (self.stage1, self.stage2, self.stage3, self.stage4):
            features.append(stage(features[-1]))
        return features


def _stage(inputs, outputs, expansion, blocks):
    first = InvertedResidual(inputs, outputs, expansion, stride=2)
    return nn.Sequential(first, *[InvertedResidual(outputs, outputs, 3) for _ in range(blocks - 1)])
