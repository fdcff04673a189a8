"""Layers of the trained networks as convolutions of codes: real weights, real activations."""

import functools
from dataclasses import dataclass

import torch

from mbm_hw.hdl.engine.driver import Convolution
from mbm_hw.multipliers import IntegerSpec
from mbm_hw.ops import code_dtype
from mbm_hw.studies.description import read_study
from mbm_hw.studies.run import Case, StudyRun
from sim.simulators import ROOT


@dataclass(frozen=True)
class NetworkLayer:
    """A layer of a study's network, and the set of layers that are approximated with it.

    study : the study file in models/, without its ending.
    """

    study: str
    layer_set: str
    layer: str

    @property
    def name(self) -> str:
        return f"{self.study}: {self.layer}"


def _layers(study, layer_set, *layers):
    return tuple(NetworkLayer(study, layer_set, layer) for layer in layers)


NETWORK_LAYERS = (
    *_layers(
        *("depth_small", "network"),
        "decoder.conv2",  # 1x1
        "decoder.up2.convB",  # 3x3
        "encoder.stage1.0.0",  # 3x3, stride 2
        "encoder.stage1.1.depthwise.0",
        "encoder.stage2.0.depthwise.0",  # stride 2
    ),
    # Its first layer has one input channel.
    *_layers("digits", "all", "conv2", "depthwise", "pointwise"),
)


def convolution(layer: NetworkLayer, spec: IntegerSpec, outputs: int) -> Convolution:
    """Return the layer of the calibrated network with all layers approximated by `spec`.

    Its input is what reaches it in as many of the study's images as give it `outputs` outputs.
    """
    run = _run(layer.study)
    network = _network(layer.study, layer.layer_set, spec)
    module = network.get_submodule(layer.layer)
    inputs, count = [], 0
    handle = module.register_forward_hook(
        lambda _, given, output: inputs.append((given[0].clone(), output.numel()))
    )
    try:
        with torch.inference_mode():
            for image in range(len(run.dataset)):
                network(run.dataset[image][0][None].clone())
                count += inputs[-1][1]
                if count >= outputs:
                    break
    finally:
        handle.remove()
    quantizer, dtype = module.operand_quantizer, code_dtype(spec)
    x = torch.cat([given for given, _ in inputs])
    x_codes = quantizer.codes(x, module.activation_scale, spec, dtype)
    w_scale = module.weight_scale[:, None, None, None]
    w_codes = quantizer.codes(module.weight.detach(), w_scale, spec, dtype)
    return Convolution(
        x=x_codes.numpy(),
        w=w_codes.numpy(),
        stride=module.stride,
        padding=module.padding,
        dilation=module.dilation,
        groups=module.groups,
    )


@functools.cache
def _run(study: str) -> StudyRun:
    return StudyRun(read_study(ROOT / "models" / f"{study}.yaml"), ROOT / "results" / study)


@functools.cache
def _network(study: str, layer_set: str, spec: IntegerSpec):
    run = _run(study)
    return run.converted(Case(spec, layer_set, run.layer_sets[layer_set]))
