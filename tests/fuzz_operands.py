"""Operands and geometries that `fuzz_cases` makes its calls of."""

import numpy as np
import torch
from codes import random_codes
from float_patterns import random_patterns, tensor


def as_view(random, shape, values):
    """Return a tensor of any strides and offset, at the end of its own memory.

    values : called with a count, gives a flat tensor of as many.
    """
    strides, step = [0] * len(shape), int(random.choice([1, 1, 1, 2, 3]))
    axes = random.permutation(len(shape)) if random.random() < 0.5 else reversed(range(len(shape)))
    for axis in axes:
        strides[axis] = step
        step *= max(shape[axis], 1)
    if random.random() < 0.2:
        strides = [int(random.integers(0, 4)) for _ in shape]  # elements that share memory
    if random.random() < 0.2:
        strides = [stride if random.random() < 0.6 else 0 for stride in strides]
    last = sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if 0 not in shape else -1
    if random.random() < 0.1:
        far = int(random.choice([2**33, 2**62]))
        strides = [far if n == 1 else s for n, s in zip(shape, strides, strict=True)]
    offset = int(random.choice([0, 0, 1, 13]))
    return values(offset + last + 1).as_strided(shape, strides, offset)


def codes(random, spec, limit=None):
    def values(count):
        made = random_codes(spec, (count,), int(random.integers(2**31)), random.random() < 0.3)
        return made if limit is None else made.clamp(-limit, limit)

    return values


def floats(random, spec):
    kind = random.choice(["network", "finite", "any"])
    seed = int(random.integers(2**31))
    return lambda count: tensor(spec, random_patterns(spec, (count,), seed, kind))


def any_floats(random, is_special):
    def values(count):
        made = random.normal(0, 2, count).astype(np.float32)
        if is_special:
            special = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 1e-40, 1e38, 2.5], np.float32)
            made = np.where(random.random(count) < 0.05, random.choice(special, count), made)
        return torch.from_numpy(made)

    return values


def geometry(random, kernel=None, is_unit=False):
    """Return shapes of x and w, and a layer; few products, dimensions of nothing among them."""

    def number(low, high):
        return int(random.integers(low, high, endpoint=True))

    def both(low, high):
        return [number(low, high), number(low, high)]

    depthwise = random.random() < 0.2
    groups = number(1, 6) if depthwise else number(1, 3)
    channels = 1 if depthwise else number(1, 9)
    outputs = number(1, 3) if depthwise else number(1, 9)
    size = list(kernel or (both(1, 4) if random.random() < 0.7 else (1, 1)))
    stride, dilation = ([1, 1], [1, 1]) if is_unit else (both(1, 4), both(1, 4))
    padding = both(0, 4) if random.random() < 0.7 else [0, 0]
    image = [
        max(1, d * (k - 1) + 1 - 2 * p) + number(0, 12)
        for k, d, p in zip(size, dilation, padding, strict=True)
    ]
    x_shape, w_shape = (
        [number(1, 3), groups * channels, *image],
        [groups * outputs, channels, *size],
    )
    if random.random() < 0.05:
        x_shape[0] = 0
    layer = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return x_shape, w_shape, layer


def any_shape(random, least):
    return [
        int(random.integers(0 if random.random() < 0.05 else 1, 9))
        for _ in range(random.integers(least, 5))
    ]
