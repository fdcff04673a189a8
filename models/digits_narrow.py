"""A narrow, deep network for 8x8 images of digits: hard enough to tell multipliers apart."""

from torch import nn

CHANNELS = 3
STRIDES = (1, 1, 2, 1, 1, 1, 1)


def digits_narrow() -> nn.Module:
    """Return the network with random weights; `train_digits.py` trains it in seconds.

    Seven convolutions of three channels pass the errors of their products on, and no channel to
    spare averages them out.

    Input: grey, float32 [N, 1, 8, 8] in [0, 1]. Output: logits [N, 10].
    """
    layers, channels = [], 1
    for stride in STRIDES:
        layers += [nn.Conv2d(channels, CHANNELS, 3, stride, padding=1), nn.ReLU()]
        channels = CHANNELS
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(CHANNELS * 4 * 4, 10))
