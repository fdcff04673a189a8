"""ResNet-20 and ResNet-32 for CIFAR-10, with the keys of Y. Idelbayev's checkpoints.

Ref: K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2.
Ref: Y. Idelbayev, github.com/akamaster/pytorch_resnet_cifar10: resnet20-12fca82f.th,
resnet32-d509ac18.th (a `state_dict` whose keys start with `module.`).
"""

import torch
from torch import nn
from torch.nn import functional

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Per channel, RGB, of images in [0, 1]: those of ImageNet, as the checkpoints were trained."""


def resnet20() -> nn.Module:
    """Return the network with random weights: float32 [N, 3, 32, 32] in [0, 1] to [N, 10]."""
    return ResNet(blocks=3)


def resnet32() -> nn.Module:
    """See :func:`resnet20`."""
    return ResNet(blocks=5)


class ResNet(nn.Module):
    """6 * blocks + 2 layers: a convolution, three stages of `blocks` blocks, a linear layer."""

    def __init__(self, blocks):
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None], persistent=False)
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, 1, blocks)
        self.layer2 = _stage(16, 32, 2, blocks)
        self.layer3 = _stage(32, 64, 2, blocks)
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = (x - self.mean) / self.deviation
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean(dim=(2, 3)))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, added to the input. Where the stride is 2, the shortcut takes every
    second pixel and pads the channels with zeros on both sides (option A): it has no weights."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.channels_padded = (outputs - inputs) // 2

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        padded = self.channels_padded
        return functional.relu(y + functional.pad(shortcut, (0, 0, 0, 0, padded, padded)))


def _stage(inputs, outputs, stride, blocks):
    first = BasicBlock(inputs, outputs, stride)
    return nn.Sequential(first, *[BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1)])
