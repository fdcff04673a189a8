"""DenseDepth as published in PyTorch in 2019, and the MobileNetV2 network of the same study.

No trained weights come with them. Input: RGB / 255, float32 [N, 3, H, W], no mean or deviation;
output: 10 / depth in metres, float32 [N, 1, H / 2, W / 2]. The study's images are 480x640.

Ref: I. Alhashim and P. Wonka, "High Quality Monocular Depth Estimation via Transfer Learning",
2018; state_dict keys are those of the authors' PyTorch version of 2019.
"""

from densedepth_decoder import DenseDepthDecoder
from densenet161 import DenseNet161
from mobilenet_v2_norm import MobileNetV2Norm
from torch import nn


def densedepth161(padding: int = 0) -> nn.Module:
    """Return DenseDepth with a DenseNet-161 encoder and random weights.

    padding : of decoder.conv2; 0, or 1 as in the 2019 upstream. The weights fit either.
    """
    # relu0, pool0, transition1, transition2, denseblock4
    encoder = Encoder(DenseNet161(), (2, 3, 5, 7, 10))
    decoder = DenseDepthDecoder((96, 96, 192, 384, 2208), (1104, 552, 276, 138, 69), padding)
    return DenseDepth(encoder, decoder)


def mobilenet_v2_depth(padding: int = 1) -> nn.Module:
    """Return the study's MobileNetV2 depth network with random weights.

    padding : of decoder.conv2, 1 in the study.
    """
    encoder = Encoder(MobileNetV2Norm(), (1, 3, 5, 8, 14, 17, 18))
    channels = (16, 24, 32, 64, 160, 320, 1280), (512, 256, 256, 128, 64, 64, 32)
    return DenseDepth(encoder, DenseDepthDecoder(*channels, padding))


class DenseDepth(nn.Module):
    """An encoder and DenseDepth's decoder, with random weights.

    They are drawn as K. He et al. draw them (2015), so that activations keep their size through all
    layers; the output's bias is BIAS, about 3 m, or untrained depths would all be clipped.
    """

    BIAS = 3.0

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                is_leaky = module.bias is not None
                nn.init.kaiming_normal_(module.weight, 0.2 if is_leaky else 0)
                if is_leaky:
                    nn.init.zeros_(module.bias)
        nn.init.constant_(decoder.conv3.bias, self.BIAS)

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Encoder(nn.Module):
    """The features of a classifier after some of its layers.

    original_model : has `features`, a Sequential; the rest is kept for the checkpoints' keys.
    taps : indices into `features`, rising; what follows the last is not computed.
    """

    def __init__(self, original_model, taps):
        super().__init__()
        self.original_model = original_model
        self.taps = taps

    def forward(self, x):
        features = []
        for index, layer in enumerate(self.original_model.features[: self.taps[-1] + 1]):
            x = layer(x)
            if index in self.taps:
                features.append(x)
        return features
