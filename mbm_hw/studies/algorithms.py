"""What algorithms do to a multiplier's errors, in one convolution of a network."""

import dataclasses
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from mbm_hw.multipliers import Spec, spec_name
from mbm_hw.nn import ApproxConv2d, calibrate_, supports
from mbm_hw.nn.geometry import layer_of
from mbm_hw.ops import conv2d, float_conv2d
from mbm_hw.ops.algorithms import ALGORITHMS, DIRECT, find_algorithm
from mbm_hw.ops.algorithms.bilinear import Bilinear
from mbm_hw.ops.codes import code_dtype
from mbm_hw.ops.rounding import round_to_format
from mbm_hw.studies.data import load_data
from mbm_hw.studies.description import Study
from mbm_hw.studies.networks import load_network, load_weights
from mbm_hw.studies.operands import layer_input


@torch.inference_mode()
def algorithm_rows(network: str, weights: str, data: Mapping, layer: str, spec: Spec) -> list[dict]:
    """Return a row for each algorithm that can do a layer with `spec`, for the data's first image.

    network, weights, data : as in a study's description. layer : of a convolution.

    products : of the layer, for the image. share : of the direct products, in percent.
    codes : how large those of inputs and weights are; empty for float specs.
    bias : sum|approximate| / sum|exact| - 1 over all products, in percent.
    noise : how much more noise the output has than the direct one if the products' relative errors
        are as large, and independent; in dB.
    sqnr : of the output, the exact one being that of exact products of the same operands; in dB.
    float_sqnr : the exact one being the float layer's.
    """
    module = load_network(network)
    load_weights(module, weights)
    conv = module.get_submodule(layer)
    if not isinstance(conv, nn.Conv2d):
        raise ValueError(f"layer must be a convolution, not {layer}")
    x = layer_input(module, layer, load_data(data)[0][0])
    size = conv(x).shape[2:]
    names = [
        DIRECT,
        *(n for n, a in ALGORITHMS.items() if supports(n, conv) and a.takes_spec(spec)),
    ]
    noise = {name: _noise(name, conv, x) for name in names}
    direct = conv.weight[0].numel() * conv.out_channels * math.prod(size)
    rows = []
    for name in names:
        approximate, exact = (
            ApproxConv2d.from_float(conv, s, algorithm=name) for s in (spec, Study.baseline(spec))
        )
        calibrate_(approximate, [x])
        calibrate_(exact, [x])
        products = direct
        if name != DIRECT:
            products = find_algorithm(name).multiplications(layer_of(conv), *size)
        quantizers = approximate.operand_quantizer, approximate.weight_quantizer
        is_float = spec.is_float
        y = approximate(x)
        rows.append(
            {
                "multiplier": spec_name(spec),
                "algorithm": name,
                "products": products,
                "share": 100 * products / direct,
                "codes": "" if is_float else ", ".join(str(q.qmax(spec)) for q in quantizers),
                "bias": 100 * _bias(approximate, x),
                "noise": 10 * math.log10(noise[name] / noise[DIRECT]),
                "sqnr": _sqnr(y, exact(x)),
                "float_sqnr": _sqnr(y, conv(x)),
            }
        )
    return rows


def _sums(name: str, conv: nn.Conv2d, x: Tensor, w: Tensor, products, change=lambda b: b) -> Tensor:
    """Return the layer's sums by an algorithm; change : what becomes of its transforms."""
    layer = layer_of(conv)
    x = functional.pad(x, conv._reversed_padding_repeated_twice)
    if name == DIRECT:
        return products(x, w, layer.stride, layer.dilation, layer.groups)
    algorithm = find_algorithm(name)
    changed = change(algorithm.bilinear(layer))
    algorithm = dataclasses.replace(algorithm, transforms=lambda kernel: changed)
    return algorithm.sums(x, w, layer, products) / changed.denominator


def _noise(name: str, conv: nn.Conv2d, x: Tensor) -> float:
    """Return the sum over all outputs of the squares of their terms."""

    def products(x, w, stride, dilation, groups):
        x, w = (operand.double().square() for operand in (x, w))
        return functional.conv2d(x, w, None, stride, 0, dilation, groups)

    def squared(b: Bilinear):
        return Bilinear(b.input, b.weight, b.output.square(), b.denominator**2)

    return float(_sums(name, conv, x, conv.weight, products, squared).sum())


def _bias(layer: ApproxConv2d, x: Tensor) -> float:
    spec, is_float = layer.spec, layer.spec.is_float
    operator = float_conv2d if is_float else conv2d
    dtype = torch.float32 if is_float else code_dtype(spec)
    totals = {spec: 0.0, Study.baseline(spec): 0.0}

    def products(x, w, stride, dilation, groups):
        x, w = (operand.abs().to(dtype) for operand in (x, w))
        if is_float:
            bits = spec.exponent_bits, spec.mantissa_bits
            x, w = (round_to_format(operand, *bits) for operand in (x, w))
        for multiplier in totals:
            sums = operator(x, w, multiplier, stride, 0, dilation, groups)
            totals[multiplier] += float(sums.double().sum())
        return sums

    _sums(layer.algorithm, layer, layer.codes(x), layer.weight_codes(), products)
    return totals[spec] / totals[Study.baseline(spec)] - 1


def _sqnr(y: Tensor, exact: Tensor) -> float:
    y, exact = y.double(), exact.double()
    return float(10 * torch.log10(exact.square().sum() / (y - exact).square().sum()))
