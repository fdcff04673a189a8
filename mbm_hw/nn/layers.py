"""The approximate layers: torch's own, with every product as a spec multiplies."""

import dataclasses
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from mbm_hw.float_format import Rounding
from mbm_hw.float_spec import FloatSpec
from mbm_hw.nn.geometry import layer_of
from mbm_hw.nn.ste import fake_quantize, straight_through
from mbm_hw.ops.algorithms import DIRECT, find_algorithm
from mbm_hw.ops.algorithms.integers import largest_codes
from mbm_hw.ops.carry_nan import carry_nan
from mbm_hw.ops.codes import SpecValues, check_spec, code_dtype, spec_values
from mbm_hw.ops.conv2d import conv2d
from mbm_hw.ops.float_conv2d import float_conv2d
from mbm_hw.ops.float_values import float_spec_values
from mbm_hw.ops.quantized_conv2d import quantized_conv2d
from mbm_hw.ops.rounded_conv2d import rounded_conv2d
from mbm_hw.quantize import AmaxObserver, Quantizer, Symmetric, rescale
from mbm_hw.spec import Spec


class ApproxLayer(nn.Module):
    """What the approximate layers share. See `ApproxConv2d`, `ApproxLinear`.

    The output is sum * (activation_scale * weight_scale[o]) + bias in float32, sum being that of
    the spec's products of codes; then it takes the input's dtype. Inputs and weights of another
    floating dtype are first converted to float32, autocast or not. The weights' codes are made anew
    in each forward, so whatever changes the weights counts.

    With a float spec, inputs and weights are rounded to its format (`float_format`) in place of
    codes, the scales are 1, and nothing is calibrated; the output is sum + bias.

    spec : a signed integer spec of 4 to 16 bits, or a float spec.
    quantizer : see `mbm_hw.quantize`; for integer specs. operand_quantizer, weight_quantizer : the
        ones in use for inputs and for weights; they differ where the algorithm is not direct.
    algorithm : `direct`, or one of `ops.algorithms.ALGORITHMS`: the products are those of its
        transformed operands. With an integer spec, codes are so small that transformed ones are
        operands; with exact products, the output is the direct layer's for such codes.
    layer_name : where `convert_` found the layer; for error messages.
    activation_amax : float32 [], a buffer; None, and not in the state_dict, until calibrated or
        loaded. It holds for every spec; loading a state_dict without it leaves it as it is.
    product_table : a buffer outside the state_dict; None unless spec is a `Table`.
    observer : what watches the inputs during `calibrate_`; then the forward is the float layer's.
    """

    FLOAT_CLASS: ClassVar[type[nn.Module]]

    def __init__(
        self,
        *args,
        spec: Spec,
        quantizer: Quantizer | None = None,
        algorithm: str = DIRECT,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self._set_multiplier(spec, Symmetric() if quantizer is None else quantizer, algorithm)

    @classmethod
    def from_float(
        cls,
        module: nn.Module,
        spec: Spec,
        quantizer: Quantizer | None = None,
        algorithm: str | None = None,
    ):
        """Return `module` as an approximate layer with the same parameters, hooks and mode.

        module : a layer of torch's class, or of this one; a subclass is a TypeError, since its
            forward would be lost.
        spec : an unsigned one is a ValueError that names its signed twin.
        quantizer : None for `Symmetric()`, or for an approximate layer, its own. Where it is the
            same as before, the calibration is kept.
        algorithm : None for `direct`, or for an approximate layer, its own. One that cannot do this
            layer, or not with this spec, is a ValueError.
        """
        if type(module) not in (cls, cls.FLOAT_CLASS):
            wanted, came = cls.FLOAT_CLASS.__name__, type(module).__name__
            raise TypeError(f"{cls.__name__}.from_float takes {wanted} itself, not {came}")
        if "weight" not in module._parameters or "forward" in vars(module):
            raise ValueError(
                f"{cls.__name__}.from_float takes a layer with a plain weight and forward: undo "
                f"weight_norm, pruning and the like first, in {module}"
            )
        previous = module if isinstance(module, ApproxLayer) else None
        if quantizer is None:
            quantizer = previous.quantizer if previous else Symmetric()
        if algorithm is None:
            algorithm = previous.algorithm if previous else DIRECT
        layer = cls.__new__(cls)
        vars(layer).update(vars(module))
        for own in ("_parameters", "_buffers", "_non_persistent_buffers_set"):
            vars(layer)[own] = vars(module)[own].copy()
        layer._compiled_call_impl = None
        layer._set_multiplier(spec, quantizer, algorithm)
        if previous and previous.quantizer == quantizer:
            layer.activation_amax = previous.activation_amax
            layer.layer_name = previous.layer_name
        return layer

    @property
    def activation_scale(self) -> Tensor:
        """The scale of the input's codes, float32 []; a RuntimeError before calibration."""
        if self.activation_amax is None and self.operand_quantizer.observer() is not None:
            raise RuntimeError(
                f"layer {self.layer_name!r}, {self}, is not calibrated: "
                "run mbm_hw.nn.calibrate_(model, batches) before the first forward"
            )
        return self.operand_quantizer.activation_scale(self.activation_amax, self.spec)

    @property
    def weight_scale(self) -> Tensor:
        """The scales of the weights' codes, float32 [O]."""
        return self.weight_quantizer.weight_scale(self.weight.float(), self.spec)

    def extra_repr(self) -> str:
        text = f"{super().extra_repr()}, spec={self.spec.identifier}"
        if self.algorithm != DIRECT:
            text += f", algorithm={self.algorithm}"
        return text if isinstance(self.spec, FloatSpec) else f"{text}, quantizer={self.quantizer}"

    def _set_multiplier(self, spec, quantizer, algorithm):
        self.spec, self.quantizer = spec, quantizer
        if not isinstance(spec, FloatSpec):
            check_spec(spec)
            if not spec.signed:
                twin = spec.twin(signed=True).identifier
                raise ValueError(f"layers need signed operands: {twin}, not {spec.identifier}")
            quantizer.qmax(spec)
        self._set_algorithm(algorithm)
        self.layer_name = ""
        self.observer: AmaxObserver | None = None
        self.register_buffer("activation_amax", None)
        table = None
        if isinstance(spec, FloatSpec):
            self._plain_spec = float_spec_values(spec)
        else:
            *self._plain_spec, table = spec_values(spec)
        table = None if table is None else table.to(self.weight.device)
        self.register_buffer("product_table", table, persistent=False)

    def _set_algorithm(self, name):
        """Set it, and what it makes of the quantiser and of the sums."""
        is_float = isinstance(self.spec, FloatSpec)
        quantizer = Rounding() if is_float else self.quantizer
        self.algorithm = name
        self.operand_quantizer = self.weight_quantizer = quantizer
        self._denominator = 1
        if name == DIRECT:
            return
        algorithm, layer = find_algorithm(name), layer_of(self)
        algorithm.check(type(self).__name__, layer)
        if is_float:
            return
        largest_codes(algorithm, layer, spec_values(self.spec))
        bilinear = algorithm.bilinear(layer)
        self.operand_quantizer, self.weight_quantizer = (
            dataclasses.replace(quantizer, gain=gain) for gain in bilinear.gains[:2]
        )
        self.operand_quantizer.qmax(self.spec), self.weight_quantizer.qmax(self.spec)
        self._denominator = bilinear.denominator

    def _observe(self, x):
        if not x.isfinite().all():
            raise ValueError(
                f"layer {self.layer_name!r}: activations must be finite in calibration, not NaN "
                "or infinite"
            )
        self.observer.update(x)

    def _check_input(self, x):
        if not x.is_floating_point():
            raise TypeError(f"{type(self).__name__} takes a floating input, not {x.dtype}")

    def _multiply(self, x, weight, *geometry):
        """Return the layer's output for `x`, float32 [N, C, H, W], and `weight` [O, I, kH, kW]."""
        bias = None if self.bias is None else self.bias.detach().float()
        operands = (x.detach(), weight.detach().float(), bias)
        if self.algorithm != DIRECT:
            return self._multiply_transformed(*operands, *geometry)
        if isinstance(self.spec, FloatSpec):
            return rounded_conv2d(*operands, *self._plain_spec, *geometry)
        quantizer = self.quantizer
        w_scale = None if quantizer.scales_weights_by_amax else self.weight_scale.contiguous()
        how = (self.activation_scale, w_scale, quantizer.factor, quantizer.qmax(self.spec))
        return quantized_conv2d(*operands, *how, *self._plain_spec, self.product_table, *geometry)

    def _multiply_transformed(self, x, weight, bias, *geometry):
        """As `_multiply`, by an algorithm other than the direct one."""
        is_float = isinstance(self.spec, FloatSpec)
        values = self._plain_spec if is_float else SpecValues(*self._plain_spec, self.product_table)
        dtype = torch.float32 if is_float else code_dtype(values)
        x_scale, w_scale = self.activation_scale, self.weight_scale[:, None, None]
        values_of_x, x = x, self.operand_quantizer.codes(x, x_scale, self.spec, dtype)
        w = self.weight_quantizer.codes(weight, w_scale[..., None], self.spec, dtype)
        operator = float_conv2d if is_float else conv2d
        sums = operator(x, w, values, *geometry, algorithm=self.algorithm)
        if not is_float:
            # In double, as `Symmetric` divides.
            sums = (sums.float().double() / self._denominator).float()
        bias = None if bias is None else bias[:, None, None]
        y = rescale(sums, x_scale, w_scale, bias)
        if not is_float:
            carry_nan(y, values_of_x, weight, *geometry)
        return y

    def _with_gradient(self, y, x, exact_layer):
        """Return `y` with the gradient of `exact_layer` on fake-quantised x and weight."""
        bias = None if self.bias is None else self.bias.float()
        tensors = [tensor for tensor in (x, self.weight, bias) if tensor is not None]
        if not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
            return y
        with torch.autocast(x.device.type, enabled=False):
            fake_x = fake_quantize(x, self.activation_scale, self.operand_quantizer, self.spec)
            weight = self.weight.float()
            w_scale = self.weight_scale.reshape(-1, *[1] * (weight.ndim - 1))
            fake_w = fake_quantize(weight, w_scale, self.weight_quantizer, self.spec)
            return straight_through(y, exact_layer(fake_x, fake_w, bias))

    def _apply(self, fn, recurse=True):
        amax = self.activation_amax
        super()._apply(fn, recurse)
        if amax is not None and self.activation_amax.dtype != torch.float32:  # .half(), .double()
            self.activation_amax = amax.to(self.activation_amax.device)
        return self

    def _load_from_state_dict(self, state_dict, prefix, metadata, strict, missing, *lists):
        key = f"{prefix}activation_amax"
        if key in state_dict and self.activation_amax is None:
            self.activation_amax = torch.zeros((), dtype=torch.float32, device=self.weight.device)
        super()._load_from_state_dict(state_dict, prefix, metadata, strict, missing, *lists)
        if key in missing:
            missing.remove(key)


class ApproxConv2d(ApproxLayer, nn.Conv2d):
    """torch.nn.Conv2d with approximate products; see `ApproxLayer`.

    Takes its arguments and inputs, [N, C, H, W] or [C, H, W], floating, and has its state_dict's
    keys. Padding with zeros pads with code 0, or +0, whose products are the spec's.
    """

    FLOAT_CLASS = nn.Conv2d

    def forward(self, x: Tensor) -> Tensor:
        if self.observer is not None:
            self._observe(x)
            return super().forward(x)
        self._check_input(x)
        if x.ndim not in (3, 4):
            shape = list(x.shape)
            raise ValueError(f"ApproxConv2d takes [N, C, H, W] or [C, H, W], not {shape}")
        batch, padding = x.float() if x.ndim == 4 else x.float()[None], self.padding
        if isinstance(padding, str) or self.padding_mode != "zeros":
            mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
            batch = functional.pad(batch, self._reversed_padding_repeated_twice, mode)
            padding = (0, 0)
        geometry = (self.stride, padding, self.dilation, self.groups)
        y = self._multiply(batch, self.weight, *geometry)
        y = self._with_gradient(y, batch, lambda x, w, b: functional.conv2d(x, w, b, *geometry))
        return (y if x.ndim == 4 else y[0]).to(x.dtype)


class ApproxLinear(ApproxLayer, nn.Linear):
    """torch.nn.Linear with approximate products; see `ApproxLayer`.

    Takes its arguments and inputs, [..., in_features], floating, and has its state_dict's keys.
    """

    FLOAT_CLASS = nn.Linear

    def forward(self, x: Tensor) -> Tensor:
        if self.observer is not None:
            self._observe(x)
            return super().forward(x)
        self._check_input(x)
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            shape = list(x.shape)
            raise ValueError(f"ApproxLinear takes [..., {self.in_features}], not {shape}")
        rows = x.float().reshape(-1, x.shape[-1])
        # An image a row; an algorithm that pairs rows takes them as one image's.
        is_direct = self.algorithm == DIRECT
        image = rows[:, :, None, None] if is_direct else rows.t()[None, :, :, None]
        weight = self.weight[:, :, None, None]
        y = self._multiply(image, weight, (1, 1), (0, 0), (1, 1), 1)
        y = y[:, :, 0, 0] if is_direct else y[0, :, :, 0].t()
        y = self._with_gradient(y, rows, functional.linear)
        return y.reshape(*x.shape[:-1], self.out_features).to(x.dtype)
