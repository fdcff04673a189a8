"""A depth network for the 7-Scenes images: MobileNetV2 as the encoder of a DenseDepth decoder."""

from pathlib import Path

from densedepth_decoder import DenseDepthDecoder
from mobilenet_v2 import Encoder, read_arrays
from torch import nn

from mbm_hw.studies.checkpoints import read_checkpoint

DECODER = "depth/decoder_7scenes.pt"


def depth_7scenes() -> nn.Module:
    """Return the network with random weights; `load_depth_7scenes` fills in the trained ones.

    Input: RGB, float32 [N, 3, H, W] in [0, 1]; trained at 240x320.
    Output: 10 / depth in metres, float32 [N, 1, ceil(H / 2), ceil(W / 2)], not clipped.
    """
    return Depth7Scenes()


def load_depth_7scenes(network: nn.Module, data: Path | None) -> None:
    """Fill the weights of a `depth_7scenes` from the folder `data`: the encoder's are those of the
    classifier (`mobilenet_v2.ARRAYS`), the decoder's a checkpoint, DECODER.

    ValueError if `data` is None or lacks one of the two files."""
    classifier = read_arrays(data)
    state = {key: value for key, value in classifier.items() if key.startswith("encoder.")}
    decoder = read_checkpoint(Path(data) / DECODER)
    state |= {f"decoder.{key}": value for key, value in decoder.items()}
    network.load_state_dict(state)


class Depth7Scenes(nn.Module):
    """See :func:`depth_7scenes`."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = DenseDepthDecoder((16, 24, 32, 96, 320), (160, 80, 40, 20, 16))

    def forward(self, x):
        return self.decoder(self.encoder(x))
