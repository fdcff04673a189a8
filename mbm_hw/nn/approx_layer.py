"""The parts that all approximate layers share: multiplier, scales, gradient, state.

Import the layers from `mbm_hw.nn`; `mbm_hw.nn.layers` has one class for each.
"""

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from mbm_hw.multipliers import Spec, as_spec
from mbm_hw.nn.geometry import layer_of
from mbm_hw.nn.quantize import Quantizer, Symmetric, rescale
from mbm_hw.nn.rounding import Rounding
from mbm_hw.nn.ste import fake_quantize, straight_through
from mbm_hw.ops.algorithms import DIRECT, find_algorithm
from mbm_hw.ops.algorithms.integers import largest_codes
from mbm_hw.ops.carry_nan import carry_nan
from mbm_hw.ops.codes import check_spec, code_dtype
from mbm_hw.ops.conv2d import conv2d
from mbm_hw.ops.float_conv2d import float_conv2d
from mbm_hw.ops.quantized_conv2d import quantized_conv2d
from mbm_hw.ops.rounded_conv2d import rounded_conv2d
from mbm_hw.ops.spec_values import SpecValues, values_of


class ApproxLayer(nn.Module):
    """The base class of the approximate layers. See `ApproxConv2d`, `ApproxLinear`.

    The output is sum * (activation_scale * weight_scale[o]) + bias in float32; the sum is that of
    the spec's products of codes. The output has the input's dtype. Inputs and weights of another
    floating dtype are first converted to float32, autocast or not. The weights' codes are made anew
    in each forward, so every change of the weights counts. NaN makes NaN of the outputs that depend
    on it, as in the float layer; infinity is clipped to the largest code.

    With a float spec, inputs and weights are rounded to its format (`nn.rounding`) in place of
    codes, the scales are 1, and nothing is calibrated; the output is sum + bias.

    Parameters
    ----------
    spec : a signed integer spec of 4 to 16 bits, or a float spec; or the name of one.
    quantizer : see `mbm_hw.nn.quantize`; for integer specs. None for `Symmetric()`.
    algorithm : `direct`, or one of `ops.algorithms.ALGORITHMS`: the products are those of its
        transformed operands. With an integer spec, codes are so small that transformed ones are
        operands; with exact products, the output is the direct layer's for such codes.

    Other arguments are those of the float class. A spec of the wrong kind is a TypeError, an
    unsigned spec a ValueError.

    Attributes
    ----------
    operand_quantizer, weight_quantizer : the quantisers of inputs and of weights; they differ where
        the algorithm is not direct.
    layer_name : where `convert_` found the layer; for error messages.
    activation_amax : float32 [], a buffer; None, and not in the state_dict, until calibrated or
        loaded. It holds for every spec; loading a state_dict without it leaves it as it is. A move
        from the meta device makes it None: the layer must be calibrated, or loaded, again.
    product_table : a buffer outside the state_dict; None unless spec is a `Table`. It is made from
        the spec whenever the layer's weights move or are loaded.
    observer : None, or during `calibrate_` an object whose `update(x)` sees each input; then the
        products are exact float32 ones.
    """

    FLOAT_CLASS: ClassVar[type[nn.Module]]
    """The layer of torch, or a subclass of it, that this one stands for."""
    FUNCTION: ClassVar[Callable]
    """The function of torch that `approximate` stands for."""

    def __init__(
        self,
        *args,
        spec: Spec | str,
        quantizer: Quantizer | None = None,
        algorithm: str = DIRECT,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        quantizer = Symmetric() if quantizer is None else quantizer
        self._set_multiplier(as_spec(spec), quantizer, algorithm)

    @classmethod
    def from_float(
        cls,
        module: nn.Module,
        spec: Spec | str,
        quantizer: Quantizer | None = None,
        algorithm: str | None = None,
    ):
        """Return `module` as an approximate layer with the same parameters, hooks and mode.

        module : a layer of torch's class, or of this one; a subclass is a TypeError, since its
            forward could be another one: `convert_` takes those with `subclasses=True`.
        spec : a spec or its name; an unsigned one is a ValueError that names its signed twin.
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
        return cls.replacing(module, spec, quantizer, algorithm)

    @classmethod
    def replacing(
        cls,
        module: nn.Module,
        spec: Spec | str,
        quantizer: Quantizer | None = None,
        algorithm: str | None = None,
    ):
        """Return `from_float(module, ...)` without its check that `module` is a plain layer."""
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
        layer._set_multiplier(as_spec(spec), quantizer, algorithm)
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
        return text if self.spec.is_float else f"{text}, quantizer={self.quantizer}"

    def codes(self, x: Tensor) -> Tensor:
        """Return what the layer's products take of an input: its codes, or a format's values.

        x : floating, any shape. Returns `ops.code_dtype(spec)`, or float32, of the same shape.
        """
        scale = self.activation_scale
        return self.operand_quantizer.codes(x.detach().float(), scale, self.spec, self._code_dtype)

    def weight_codes(self, weight: Tensor | None = None) -> Tensor:
        """Return what the layer's products take of its weights, as `codes`; [O, ...]."""
        weight = (self.weight if weight is None else weight).detach().float()
        scale = self.weight_quantizer.weight_scale(weight, self.spec)
        scale = scale.reshape(-1, *[1] * (weight.ndim - 1))
        return self.weight_quantizer.codes(weight, scale, self.spec, self._code_dtype)

    @property
    def _code_dtype(self) -> torch.dtype:
        return torch.float32 if self.spec.is_float else code_dtype(self.spec)

    def _set_multiplier(self, spec, quantizer, algorithm):
        if not isinstance(quantizer, Quantizer):
            raise TypeError(f"quantizer must be one of mbm_hw.nn.quantize, not {quantizer!r}")
        self.spec, self.quantizer = spec, quantizer
        if not spec.is_float:
            check_spec(spec)
            if not spec.signed:
                twin = spec.twin(signed=True).identifier
                raise ValueError(f"layers need signed operands: {twin}, not {spec.identifier}")
            quantizer.qmax(spec)
        self._set_algorithm(algorithm)
        self.layer_name = ""
        self.observer = None
        self.register_buffer("activation_amax", None)
        self.register_buffer("product_table", None, persistent=False)
        self._plain_spec = values_of(spec)[:2]
        self._make_table()

    def _make_table(self):
        """Make what is in no state_dict from the spec, on the weights' device."""
        table = values_of(self.spec).table
        self.product_table = None if table is None else table.to(self.weight.device)

    def _set_algorithm(self, name):
        """Set it, and what it makes of the quantiser and of the sums."""
        is_float = self.spec.is_float
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
        largest_codes(algorithm, layer, values_of(self.spec))
        bilinear = algorithm.bilinear(layer)
        self.operand_quantizer, self.weight_quantizer = (
            dataclasses.replace(quantizer, gain=gain) for gain in bilinear.gains[:2]
        )
        self.operand_quantizer.qmax(self.spec), self.weight_quantizer.qmax(self.spec)
        self._denominator = bilinear.denominator

    def _check_input(self, x):
        if not x.is_floating_point():
            raise TypeError(f"{type(self).__name__} takes a floating input, not {x.dtype}")

    def _products(self, x, weight, bias, *geometry):
        """Return the layer's output for `x`, float32 [N, C, H, W], and `weight` [O, I, kH, kW]."""
        bias = None if bias is None else bias.detach().float()
        operands = (x.detach(), weight.detach().float(), bias)
        if self.algorithm != DIRECT:
            return self._transformed_products(*operands, *geometry)
        if self.spec.is_float:
            return rounded_conv2d(*operands, *self._plain_spec, self.product_table, *geometry)
        quantizer, w_scale = self.quantizer, None
        if not quantizer.scales_weights_by_amax:
            w_scale = quantizer.weight_scale(operands[1], self.spec).contiguous()
        how = (self.activation_scale, w_scale, quantizer.factor, quantizer.qmax(self.spec))
        return quantized_conv2d(*operands, *how, *self._plain_spec, self.product_table, *geometry)

    def _transformed_products(self, x, weight, bias, *geometry):
        """As `_products`, by an algorithm other than the direct one."""
        is_float = self.spec.is_float
        values = SpecValues(*self._plain_spec, self.product_table)
        x_scale = self.activation_scale
        w_scale = self.weight_quantizer.weight_scale(weight, self.spec)[:, None, None]
        operator = float_conv2d if is_float else conv2d
        codes = self.codes(x), self.weight_codes(weight)
        sums = operator(*codes, values, *geometry, algorithm=self.algorithm)
        if not is_float:
            # In double, as `Symmetric` divides.
            sums = (sums.float().double() / self._denominator).float()
        bias = None if bias is None else bias[:, None, None]
        y = rescale(sums, x_scale, w_scale, bias)
        if not is_float:
            carry_nan(y, x, weight, *geometry)
        return y

    def _with_gradient(self, y, x, weight, bias, exact_layer):
        """Return `y` with the gradient of `exact_layer` on fake-quantised x and weight."""
        tensors = [tensor for tensor in (x, weight, bias) if tensor is not None]
        if not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
            return y
        with torch.autocast(x.device.type, enabled=False):
            fake_x = fake_quantize(x, self.activation_scale, self.operand_quantizer, self.spec)
            weight, bias = weight.float(), None if bias is None else bias.float()
            w_scale = self.weight_quantizer.weight_scale(weight, self.spec)
            w_scale = w_scale.reshape(-1, *[1] * (weight.ndim - 1))
            fake_w = fake_quantize(weight, w_scale, self.weight_quantizer, self.spec)
            return straight_through(y, exact_layer(fake_x, fake_w, bias))

    def _apply(self, fn, recurse=True):
        # `fn` may change the dtype, or leave memory as it comes (to_empty): the range stays apart.
        amax, self.activation_amax = self.activation_amax, None
        super()._apply(fn, recurse)
        self._restore(amax)
        return self

    def _load_from_state_dict(self, state_dict, prefix, metadata, strict, missing, *lists):
        key = f"{prefix}activation_amax"
        if key in state_dict and self.activation_amax is None:
            self.activation_amax = torch.zeros((), dtype=torch.float32, device=self.weight.device)
        super()._load_from_state_dict(state_dict, prefix, metadata, strict, missing, *lists)
        if key in missing:
            missing.remove(key)
        self._restore(self.activation_amax)

    def _restore(self, amax):
        """Put the range and the table where the weights are.

        The table is made from the spec. A range that comes from the meta device has no value.
        """
        device = self.weight.device
        is_lost = amax is not None and amax.device.type == "meta" != device.type
        self.activation_amax = None if amax is None or is_lost else amax.to(device)
        self._make_table()
