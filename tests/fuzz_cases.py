"""The legal calls that `fuzz_kernels` makes: operators, with their expected results."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from codes import ODD_TABLE, SIGN_MAGNITUDE
from float_patterns import rounded
from fuzz_operands import any_floats, any_shape, as_view, codes, floats, geometry
from numpy_sums import (
    codes_of,
    float_sums,
    integer_sums,
    quantized_sums,
    rounded_sums,
)

from mbm_hw import (
    MBM,
    Exact,
    FloatExact,
    FloatMBM,
    FloatMitchell,
    Mitchell,
    Table,
    ops,
    product_table,
)
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.float_values import float_spec_values
from mbm_hw.ops.quantized_conv2d import quantized_conv2d
from mbm_hw.ops.rounded_conv2d import rounded_conv2d
from mbm_hw.ops.rounding import round_to_format
from mbm_hw.ops.scaling import quantize, rescale
from mbm_hw.ops.spec_values import SpecValues

SIGNED = (
    *(Exact(8, signed=True), Exact(16, signed=True), Mitchell(8, signed=True)),
    *(MBM(4, signed=True), MBM(8, signed=True), MBM(12, signed=True), MBM(16, signed=True)),
    *(ODD_TABLE, SIGN_MAGNITUDE),
)
INTEGERS = (
    *SIGNED,
    Exact(8),
    MBM(8),
    MBM(16),
    Mitchell(11, truncation=3),
    Table(product_table(MBM(9))),
)
# A value is a pattern of float32's upper bits, so the oracle needs no search for it.
FLOATS = (
    *(FloatExact(8, 23), FloatExact(8, 7), FloatMitchell(8, 23), FloatMitchell(8, 7)),
    *(FloatMBM(8, 7, force_lsb=True), FloatMBM(8, 5), FloatMBM(8, 23, truncation=20)),
)
DENOMINATORS = {"winograd": 4, "winograd_4x4": 576, "strassen": 1}


@dataclass
class Call:
    """One call of an operator.

    tensors : by the operator's names. layer : stride to groups, of a convolution.
    arrays : the tensors' values before a fault.
    may_be_refused : whether a ValueError is right, too: what it takes may be beyond a limit.
    """

    operator: str
    tensors: dict[str, torch.Tensor | None]
    call: Callable
    oracle: Callable[[dict, tuple], np.ndarray]
    spec: object = None
    layer: dict = field(default_factory=dict)
    is_public: bool = False
    may_be_refused: bool = False

    def __post_init__(self):
        self.arrays = {n: None if t is None else t.numpy().copy() for n, t in self.tensors.items()}

    def __str__(self):
        tensors = ", ".join(
            f"{name} {list(t.shape)} of strides {list(t.stride())} from {t.storage_offset()}"
            for name, t in self.tensors.items()
            if isinstance(t, torch.Tensor)
        )
        return f"{self.operator}({tensors}, {self.layer}, {self.spec})"

    @property
    def name(self):
        return self.operator.split()[0]

    def copy(self):
        return dataclasses.replace(self, tensors=dict(self.tensors), layer=dict(self.layer))

    def expected(self):
        return self.oracle(self.arrays, tuple(self.layer.values()))

    def run(self):
        return self.call(self.tensors, tuple(self.layer.values()))


def conv2d(random):
    algorithm = random.choice(["direct"] * 5 + list(DENOMINATORS))
    tiled = algorithm.startswith("winograd")
    x_shape, w_shape, layer = geometry(random, (3, 3) if tiled else None, tiled)
    limits, spec = (None, None), INTEGERS[random.integers(len(INTEGERS))]
    if algorithm != "direct":
        spec, limits = Exact(16, signed=True), (300, 600)
        w_shape[0], w_shape[1] = 2 * w_shape[0], w_shape[1] + 1
        x_shape[1] = w_shape[1] * layer["groups"]
    shapes = zip((x_shape, w_shape), limits, strict=True)
    x, w = (as_view(random, shape, codes(random, spec, limit)) for shape, limit in shapes)
    return Call(
        f"conv2d {algorithm}",
        {"x": x, "w": w},
        lambda t, layer: ops.conv2d(t["x"], t["w"], spec, *layer, algorithm=algorithm),
        lambda a, layer: integer_sums(spec, a["x"], a["w"], layer) * DENOMINATORS.get(algorithm, 1),
        spec,
        layer,
        is_public=True,
    )


def float_conv2d(random):
    spec = FLOATS[random.integers(len(FLOATS))]
    x_shape, w_shape, layer = geometry(random)
    x, w = (as_view(random, shape, floats(random, spec)) for shape in (x_shape, w_shape))
    return Call(
        "float_conv2d",
        {"x": x, "w": w},
        lambda t, layer: ops.float_conv2d(t["x"], t["w"], spec, *layer),
        lambda a, layer: float_sums(spec, a["x"], a["w"], layer),
        spec,
        layer,
        is_public=True,
    )


POINTWISE = ([1, 1], [0, 0], [1, 1], 1)


def matmul(random):
    is_float = random.random() < 0.4
    specs = FLOATS if is_float else INTEGERS
    spec = specs[random.integers(len(specs))]
    m, k, n = (int(random.integers(0 if random.random() < 0.1 else 1, 40)) for _ in range(3))
    values = floats if is_float else codes
    x, w = (as_view(random, shape, values(random, spec)) for shape in ((m, k), (k, n)))
    operator, sums = (ops.float_matmul, float_sums) if is_float else (ops.matmul, integer_sums)
    return Call(
        "float_matmul" if is_float else "matmul",
        {"x": x, "w": w},
        lambda t, layer: operator(t["x"], t["w"], spec),
        lambda a, layer: sums(
            spec, a["x"][:, :, None, None], a["w"].T[:, :, None, None], POINTWISE
        )[:, :, 0, 0],
        spec,
        is_public=True,
    )


def layer_operands(random, is_special):
    if random.random() < 0.2:  # a linear layer
        m, k, n = (int(random.integers(1, 60)) for _ in range(3))
        x_shape, w_shape, layer = (
            [m, k, 1, 1],
            [n, k, 1, 1],
            dict(zip(LAYER, POINTWISE, strict=True)),
        )
    else:
        x_shape, w_shape, layer = geometry(random)
    values = any_floats(random, is_special)
    x, w = (as_view(random, shape, values) for shape in (x_shape, w_shape))
    bias = (
        None if random.random() < 0.3 else as_view(random, w_shape[:1], any_floats(random, False))
    )
    return {"x": x, "w": w, "bias": bias}, layer


LAYER = ("stride", "padding", "dilation", "groups")


def quantized(random):
    values = spec_values(SIGNED[random.integers(len(SIGNED))])
    spec = next(s for s in SIGNED if spec_values(s)[:2] == values[:2])
    limit = min((1 << (spec.width - 1)) - 1, int(random.choice([7, 127, 32767])))
    tensors, layer = layer_operands(random, random.random() < 0.5)
    factor = float(random.choice([30.0, 1000.0])) if random.random() < 0.3 else None
    positive = any_floats(random, False)
    is_given = factor is not None or random.random() < 0.3
    scale = as_view(random, tensors["w"].shape[:1], lambda n: positive(n).abs() + 0.01)
    tensors |= {
        "x_scale": torch.tensor(float(random.choice([0.01, 0.3, 1.0]))),
        "w_scale": scale if is_given else None,
        "table": values.table,
    }

    def call(t, layer):
        how = t["x_scale"], t["w_scale"], factor, limit
        values_now = SpecValues(*values[:2], t["table"])
        return quantized_conv2d(t["x"], t["w"], t["bias"], *how, *values_now, *layer)

    def oracle(a, layer):
        operands = a["x"], a["w"], a["bias"], a["x_scale"], a["w_scale"]
        return quantized_sums(spec, *operands, factor, limit, layer)

    return Call("quantized_conv2d", tensors, call, oracle, spec, layer)


def rounded_layer(random):
    spec = FLOATS[random.integers(len(FLOATS))]
    tensors, layer = layer_operands(random, random.random() < 0.3)
    values = float_spec_values(spec)
    return Call(
        "rounded_conv2d",
        tensors,
        lambda t, layer: rounded_conv2d(t["x"], t["w"], t["bias"], *values, *layer),
        lambda a, layer: rounded_sums(spec, a["x"], a["w"], a["bias"], layer),
        spec,
        layer,
    )


def quantize_values(random):
    shape, multiplies = any_shape(random, 1), bool(random.random() < 0.5)
    limit, dtype = ((127, torch.int8), (32767, torch.int16))[random.integers(2)]
    x = as_view(random, shape, any_floats(random, True))
    rows = shape[:1] if random.random() < 0.5 else [1]
    scale = as_view(random, rows, lambda n: any_floats(random, False)(n).abs() + 0.01)

    def oracle(a, _):
        unit = a["scale"].reshape(-1, *[1] * (len(shape) - 1))
        return codes_of(a["x"], unit, multiplies, limit)

    def call(t, _):
        return quantize(t["x"], t["scale"], multiplies, limit, dtype)

    return Call("quantize", {"x": x, "scale": scale}, call, oracle)


def rescale_sums(random):
    shape, dtype = any_shape(random, 2), (torch.int32, torch.int64)[random.integers(2)]
    high = torch.iinfo(dtype).max

    def sums(count):
        return torch.from_numpy(random.integers(-high, high, count)).to(dtype)

    values = any_floats(random, False)
    tensors = {"sums": as_view(random, shape, sums), "scale": as_view(random, shape[1:2], values)}
    tensors["bias"] = None if random.random() < 0.3 else as_view(random, shape[1:2], values)

    def oracle(a, _):
        ends = (-1, *[1] * (len(shape) - 2))
        y = a["sums"].astype(np.float32) * a["scale"].reshape(ends)
        return y if a["bias"] is None else y + a["bias"].reshape(ends)

    return Call("rescale", tensors, lambda t, _: rescale(t["sums"], t["scale"], t["bias"]), oracle)


def round_values(random):
    bits = int(random.integers(2, 9)), int(random.integers(1, 24))
    x = as_view(random, any_shape(random, 0), any_floats(random, True))
    return Call(
        "round_to_format",
        {"x": x},
        lambda t, _: round_to_format(t["x"], *bits),
        lambda a, _: rounded(a["x"], *bits),
        bits,
    )


OPERATORS = {
    "conv2d": conv2d,
    "float_conv2d": float_conv2d,
    "matmul": matmul,
    "quantized_conv2d": quantized,
    "rounded_conv2d": rounded_layer,
    "quantize": quantize_values,
    "rescale": rescale_sums,
    "round_to_format": round_values,
}
