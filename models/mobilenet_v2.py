"""MobileNetV2 1.0 for 224x224 images, its weights taken from a quantised network's arrays.

Batch normalisation is folded into the convolutions, which are plain `nn.Conv2d` with a bias.

Ref: M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
Ref: google-coral/test_data, mobilenet_v2_1.0_224_quant.tflite: layer order, padding and classes.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

STAGES = (
    # expansion, output channels, blocks, stride of the first
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
ARRAYS = "imagenet/mobilenet_v2_quant_arrays.npz"


def mobilenet_v2() -> nn.Module:
    """Return the classifier with random weights; `load_mobilenet_v2` fills in the trained ones.

    Input: RGB, float32 [N, 3, 224, 224] in [0, 1]. Output: logits [N, 1001]; class 0 is background.
    """
    return MobileNetV2()


def load_mobilenet_v2(network: nn.Module, data: Path | None) -> None:
    """Fill the weights of a `mobilenet_v2` from ARRAYS in the folder `data`.

    ValueError if `data` is None or has no such file."""
    network.load_state_dict(read_arrays(data))


def read_arrays(data: Path | None) -> dict[str, torch.Tensor]:
    """Return the state_dict of a `mobilenet_v2` from ARRAYS in the folder `data`.

    The file holds, for each convolution in order, `opNN_w` uint8 [O, kH, kW, I], or [1, kH, kW, C]
    where it is depthwise, with `_w_scale` and `_w_zp`, and `opNN_b` int32 [O] with `_b_scale`; the
    value is scale * (code - zero point). ValueError if `data` is None or has no such file.
    """
    if data is None:
        raise ValueError(f"the weights are {ARRAYS} of the data folder, and none was given")
    path = Path(data) / ARRAYS
    if not path.is_file():
        raise ValueError(f"there is no {path}")
    state = {}
    with np.load(path) as arrays:
        keys = sorted(name.removesuffix("_w") for name in arrays.files if name.endswith("_w"))
        modules = MobileNetV2().named_modules()
        layers = [(name, m) for name, m in modules if isinstance(m, nn.Conv2d | nn.Linear)]
        for key, (name, layer) in zip(keys, layers, strict=True):
            weight = arrays[f"{key}_w"].astype(np.int32) - arrays[f"{key}_w_zp"]
            is_depthwise = getattr(layer, "groups", 1) > 1
            weight = weight.transpose((3, 0, 1, 2) if is_depthwise else (0, 3, 1, 2))
            weight = (weight * arrays[f"{key}_w_scale"]).astype(np.float32)
            bias = (arrays[f"{key}_b"] * arrays[f"{key}_b_scale"]).astype(np.float32)
            state[f"{name}.weight"] = torch.from_numpy(weight).reshape(layer.weight.shape)
            state[f"{name}.bias"] = torch.from_numpy(bias)
    return state


class MobileNetV2(nn.Module):
    """See :func:`mobilenet_v2`."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.head = nn.Conv2d(320, 1280, 1)
        self.classifier = nn.Linear(1280, 1001)

    def forward(self, x):
        x = functional.relu6(self.head(self.encoder(x)[-1]))
        return self.classifier(x.mean(dim=(2, 3)))


class Encoder(nn.Module):
    """From RGB float32 [N, 3, H, W] in [0, 1] to the features at strides 2, 4, 8, 16 and 32.

    They have 16, 24, 32, 96 and 320 channels and are the last block's output of each stride; sizes
    are rounded up. `block0` to `block16` are the blocks of STAGES in order. The stem sees (code -
    128) / 128 of the 8-bit codes, as the quantised network does.
    """

    def __init__(self):
        super().__init__()
        self.pad = SamePad()
        self.stem = nn.Conv2d(3, 32, 3, stride=2)
        inputs, strides = 32, []
        for expansion, outputs, blocks, stride in STAGES:
            for index in range(blocks):
                strides.append(stride if index == 0 else 1)
                block = InvertedResidual(inputs, outputs, expansion, strides[-1])
                self.add_module(f"block{len(strides) - 1}", block)
                inputs = outputs
        self.is_last_of_stride = [stride == 2 for stride in strides[1:]] + [True]

    def forward(self, x):
        x = functional.relu6(self.stem(self.pad((255 * x - 128) / 128)))
        features = []
        for index, is_last in enumerate(self.is_last_of_stride):
            x = self.get_submodule(f"block{index}")(x)
            if is_last:
                features.append(x)
        return features


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise 3x3, linear 1x1; added to the input where the shapes agree.
    `expansion` 1 leaves the first out."""

    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        width = inputs * expansion
        self.expand = nn.Conv2d(inputs, width, 1) if expansion > 1 else None
        self.pad = SamePad() if stride == 2 else nn.Identity()
        padding = 0 if stride == 2 else 1
        self.depthwise = nn.Conv2d(width, width, 3, stride, padding, groups=width)
        self.project = nn.Conv2d(width, outputs, 1)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = x if self.expand is None else functional.relu6(self.expand(x))
        y = self.project(functional.relu6(self.depthwise(self.pad(y))))
        return x + y if self.is_residual else y


class SamePad(nn.Module):
    """Zeros before a 3x3 convolution of stride 2, as TensorFlow's SAME: one row at the bottom (and
    one at the top if the height is odd), and columns likewise, right first."""

    def forward(self, x):
        height, width = x.shape[-2:]
        return functional.pad(x, (width % 2, 1, height % 2, 1))
