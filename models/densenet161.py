"""DenseNet-161 with the names of torchvision's, old and new.

Ref: G. Huang et al., "Densely Connected Convolutional Networks", CVPR 2017.
"""

import re
from collections import OrderedDict

import torch
from torch import nn

GROWTH, BOTTLENECK, INITIAL, BLOCKS = 48, 4, 96, (6, 12, 36, 24)
_OLD_NAME = re.compile(r"(.*denselayer\d+\.(?:norm|conv))\.([12]\..*)")


class DenseLayer(nn.Module):
    """Two convolutions, 1x1 then 3x3, whose `GROWTH` channels are joined to the input."""

    def __init__(self, inputs):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(inputs, BOTTLENECK * GROWTH, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(BOTTLENECK * GROWTH)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(BOTTLENECK * GROWTH, GROWTH, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.conv1(self.relu1(self.norm1(x)))
        y = self.conv2(self.relu2(self.norm2(y)))
        return torch.cat([x, y], dim=1)


def _transition(inputs, outputs):
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(inputs),
            relu=nn.ReLU(),
            conv=nn.Conv2d(inputs, outputs, 1, bias=False),
            pool=nn.AvgPool2d(2, 2),
        )
    )


class DenseNet161(nn.Module):
    """The classifier; `features` is what encoders use, 2208 channels at stride 32.

    A state_dict may have torchvision's old names (`norm.1` for `norm1`).
    """

    def __init__(self):
        super().__init__()
        layers = OrderedDict(
            conv0=nn.Conv2d(3, INITIAL, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(INITIAL),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(3, stride=2, padding=1),
        )
        channels = INITIAL
        for index, count in enumerate(BLOCKS, start=1):
            block = OrderedDict()
            for layer in range(1, count + 1):
                block[f"denselayer{layer}"] = DenseLayer(channels)
                channels += GROWTH
            layers[f"denseblock{index}"] = nn.Sequential(block)
            if index < len(BLOCKS):
                layers[f"transition{index}"] = _transition(channels, channels // 2)
                channels //= 2
        layers["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(layers)
        self.classifier = nn.Linear(channels, 1000)
        self.register_load_state_dict_pre_hook(_rename_old_keys)

    def forward(self, x):
        return self.classifier(torch.relu(self.features(x)).mean(dim=(2, 3)))


def _rename_old_keys(module, state_dict, prefix, *_):
    for key in list(state_dict):
        match = _OLD_NAME.fullmatch(key)
        if key.startswith(prefix) and match:
            state_dict["".join(match.groups())] = state_dict.pop(key)
