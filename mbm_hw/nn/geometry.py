"""What the layers of torch look like to the algorithms of `mbm_hw.ops`."""

from torch import nn

from mbm_hw.ops.algorithms import DIRECT, Layer, find_algorithm


def layer_of(module: nn.Conv2d | nn.Linear) -> Layer:
    """Return a layer's geometry; a linear one is a convolution with a kernel of one pixel."""
    if isinstance(module, nn.Linear):
        return Layer(module.out_features, module.in_features, (1, 1), (1, 1), (1, 1), 1)
    inputs = module.in_channels // module.groups
    pairs = module.kernel_size, module.stride, module.dilation
    return Layer(module.out_channels, inputs, *pairs, module.groups)


def supports(algorithm: str, module: nn.Module) -> bool:
    """Return whether `algorithm` can do `module`; only convolutions and linear layers at all."""
    if not isinstance(module, (nn.Conv2d, nn.Linear)):
        return False
    return algorithm == DIRECT or find_algorithm(algorithm).is_for(layer_of(module))
