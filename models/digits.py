"""A small convolutional network for 8x8 images of digits."""

from torch import nn


def digits_cnn() -> nn.Module:
    """Return the network with random weights; `train_digits.py` trains it in seconds.

    Input: grey, float32 [N, 1, 8, 8] in [0, 1]. Output: logits [N, 10].
    """
    return DigitsCNN()


class DigitsCNN(nn.Module):
    """Two ordinary convolutions, a depthwise separable one, a linear layer: one of each kind."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(32, 32, 3, padding=1, groups=32)
        self.pointwise = nn.Conv2d(32, 64, 1)
        self.linear = nn.Linear(64 * 4 * 4, 10)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        x = self.relu(self.pointwise(self.depthwise(x)))
        return self.linear(x.flatten(1))
