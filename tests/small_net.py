"""A small network with every kind of layer, for the tests of `nn`."""

from torch import nn
from torch.nn import functional

from mbm_hw import MBM, Table, product_table
from mbm_hw.nn import ApproxConv2d, ApproxLinear, calibrate_, convert_

MBM8S = MBM(8, signed=True)
MBM8S_TABLE = Table(product_table(MBM8S), signed=True)
NAMES = ["stem", "depthwise", "twice", "head.2"]


class SmallNet(nn.Module):
    """Convolutions of every kind, a linear layer, and one layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8, bias=False)
        self.twice = nn.Conv2d(8, 8, 1)
        self.again = self.twice
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5))

    def forward(self, x):
        x = functional.relu(self.norm(self.stem(x)))
        x = functional.relu(self.again(self.twice(self.depthwise(x))))
        return self.head(x)


def converted(network, images, spec=MBM8S, **arguments):
    convert_(network, spec, **arguments)
    calibrate_(network, [images[:4], images[4:]])
    return network


def one_layer(layer, x, spec=MBM8S, quantizer=None):
    layer = (
        type(layer).from_float(layer, spec, quantizer)
        if isinstance(layer, (ApproxConv2d, ApproxLinear))
        else {nn.Conv2d: ApproxConv2d, nn.Linear: ApproxLinear}[type(layer)].from_float(
            layer, spec, quantizer
        )
    )
    calibrate_(layer, [x])
    return layer.eval()
