"""The approximate layers: torch's own, with every product as a spec multiplies."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from mbm_hw.float_format import Rounding
from mbm_hw.float_spec import FloatSpec
from mbm_hw.nn.ste import fake_quantize, straight_through
from mbm_hw.ops.codes import check_spec, spec_values
from mbm_hw.ops.float_values import float_spec_values
from mbm_hw.ops.quantized_conv2d import quantized_conv2d
from mbm_hw.ops.rounded_conv2d import rounded_conv2d
from mbm_hw.quantize import AmaxObserver, Quantizer, Symmetric
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
    quantizer : see `mbm_hw.quantize`; for integer specs. operand_quantizer : the one in use.
    layer_name : where `convert_` found the layer; for error messages.
    activation_amax : float32 [], a buffer; None, and not in the state_dict, until calibrated or
        loaded. It holds for every spec; loading a state_dict without it leaves it as it is.
    product_table : a buffer outside the state_dict; None unless spec is a `Table`.
    observer : what watches the inputs during `calibrate_`; then the forward is the float layer's.
    """

    FLOAT_CLASS: ClassVar[type[nn.Module]]

    def __init__(self, *args, spec: Spec, quantizer: Quantizer | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self._set_multiplier(spec, Symmetric() if quantizer is None else quantizer)

    @classmethod
    def from_float(cls, module: nn.Module, spec: Spec, quantizer: Quantizer | None = None):
        """Return `module` as an approximate layer with the same parameters, hooks and mode.

        module : a layer of torch's class, or of this one; a subclass is a TypeError, since its
            forward would be lost.
        spec : an unsigned one is a ValueError that names its signed twin.
        quantizer : None for `Symmetric()`, or for an approximate layer, its own. Where it is the
            same as before, the calibration is kept.
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
        layer = cls.__new__(cls)
        vars(layer).update(vars(module))
        for own in ("_parameters", "_buffers", "_non_persistent_buffers_set"):
            vars(layer)[own] = vars(module)[own].copy()
        layer._compiled_call_impl = None
        layer._set_multiplier(spec, quantizer)
        if previous and previous.quantizer == quantizer:
            layer.activation_amax = previous.activation_amax
            layer.layer_name = previous.layer_name
        return layer

    @property
    def operand_quantizer(self) -> Quantizer:
        return Rounding() if isinstance(self.spec, FloatSpec) else self.quantizer

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
        return self.operand_quantizer.weight_scale(self.weight.float(), self.spec)

    def extra_repr(self) -> str:
        text = f"{super().extra_repr()}, spec={self.spec.identifier}"
        return text if isinstance(self.spec, FloatSpec) else f"{text}, quantizer={self.quantizer}"

    def _set_multiplier(self, spec, quantizer):
        if not isinstance(spec, FloatSpec):
            check_spec(spec)
            if not spec.signed:
                twin = spec.twin(signed=True).identifier
                raise ValueError(f"layers need signed operands: {twin}, not {spec.identifier}")
            quantizer.qmax(spec)
        self.spec, self.quantizer = spec, quantizer
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
        if isinstance(self.spec, FloatSpec):
            return rounded_conv2d(*operands, *self._plain_spec, *geometry)
        quantizer = self.quantizer
        w_scale = None if quantizer.scales_weights_by_amax else self.weight_scale.contiguous()
        how = (self.activation_scale, w_scale, quantizer.factor, quantizer.qmax(self.spec))
        return quantized_conv2d(*operands, *how, *self._plain_spec, self.product_table, *geometry)

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
            fake_w = fake_quantize(weight, w_scale, self.operand_quantizer, self.spec)
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
        image, weight = rows[:, :, None, None], self.weight[:, :, None, None]
        y = self._multiply(image, weight, (1, 1), (0, 0), (1, 1), 1)[:, :, 0, 0]
        y = self._with_gradient(y, rows, functional.linear)
        return y.reshape(*x.shape[:-1], self.out_features).to(x.dtype)
