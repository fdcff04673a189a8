"""Convolutions, codes and values for the tests of the algorithms."""

import algorithm_models
import numpy as np
import pytest
import torch
from convolutions import convolutions
from hypothesis import assume
from hypothesis import strategies as st

from mbm_hw import ops
from mbm_hw.ops.algorithms import ALGORITHMS, Layer, find_algorithm
from mbm_hw.ops.algorithms.integers import largest_codes
from mbm_hw.ops.codes import spec_values

INTEGER = ["winograd", "winograd_4x4", "strassen"]
CONV3X3 = Layer(8, 4, (3, 3), (1, 1), (1, 1), 1)
each_algorithm = pytest.mark.parametrize("name", ALGORITHMS)


@st.composite
def layers(draw, names):
    """Draw an algorithm and a convolution that it can do: (name, x_shape, w_shape, geometry)."""
    name = draw(st.sampled_from(names))
    x_shape, w_shape, (stride, padding, dilation, groups) = draw(convolutions())
    if name != "strassen":
        kernel = w_shape[2:] if name.startswith("fft") else (3, 3)
        assume(kernel != (1, 1))
        x_shape = *x_shape[:2], *(max(n, k) for n, k in zip(x_shape[2:], kernel, strict=True))
        w_shape, stride, dilation = (*w_shape[:2], *kernel), (1, 1), (1, 1)
    layer = Layer.of(w_shape, stride, dilation, groups)
    assume(find_algorithm(name).is_for(layer))
    return name, x_shape, w_shape, (stride, padding, dilation, groups)


def random_codes(shape, limit, generator):
    """Return codes to `limit` in size, a third of them extreme."""
    codes = generator.integers(-limit, limit, shape, endpoint=True)
    return np.where(generator.random(shape) < 1 / 3, np.sign(codes) * limit, codes)


def codes_for(name, spec, x_shape, w_shape, geometry, seed=0):
    """Return x and w, tensors of the largest codes that the algorithm takes, and all between."""
    layer = Layer.of(w_shape, geometry[0], geometry[2], geometry[3])
    limits = largest_codes(find_algorithm(name), layer, spec_values(spec))
    generator = np.random.default_rng(seed)
    pairs = zip((x_shape, w_shape), limits, strict=True)
    codes = (random_codes(shape, limit, generator) for shape, limit in pairs)
    return tuple(torch.from_numpy(c).to(ops.code_dtype(spec)) for c in codes)


def values_for(spec, x_shape, w_shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    bits = spec.exponent_bits, spec.mantissa_bits
    values = (torch.randn(shape, generator=generator) for shape in (x_shape, w_shape))
    return tuple(torch.from_numpy(algorithm_models.rounded(v.numpy(), *bits)) for v in values)


def denominator(name, layer=CONV3X3):
    return find_algorithm(name).bilinear(layer).denominator
