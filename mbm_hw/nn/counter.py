"""The multiplications of one forward, approximate and exact: `coverage`."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from tabulate import tabulate
from torch import nn
from torch.nn.modules import module as torch_hooks
from torch.utils._python_dispatch import TorchDispatchMode

from mbm_hw.multipliers import spec_name
from mbm_hw.nn.approx_layer import ApproxLayer
from mbm_hw.nn.batches import call, check_model
from mbm_hw.nn.products import (
    ELEMENTWISE,
    Products,
    is_counted,
    may_multiply,
    multiplying_spec,
    products_of,
)


@dataclass(frozen=True)
class Multiplications:
    """The multiplications of one operator in one module, on inputs of one shape.

    module : the name of the innermost module that was running; empty for the model itself, and
        `(Conv2d, not in the model)` for one that is none of its submodules.
    operator : as torch's dispatcher calls it: `aten.addmm`, `mbm_hw.quantized_conv2d`.
    kind : see `products.Products`; `linear` in a linear layer.
    spec : the multiplier's name; None where the products are exact.
    calls : of the operator. input, output : shapes without the batch.
    multiplications, lookups : of all calls; see `products.Products`.
    """

    module: str
    operator: str
    kind: str
    spec: str | None
    calls: int
    input: tuple[int, ...]
    output: tuple[int, ...]
    multiplications: int
    lookups: int

    @property
    def is_elementwise(self) -> bool:
        return self.kind == ELEMENTWISE


@dataclass(frozen=True)
class Coverage:
    """The multiplications of one forward; see `coverage`. Its `str` is a table.

    rows : in the order of the first calls; elementwise ones too, which count in no sum.
    uncounted : operators that may multiply and whose products are not counted.
    """

    rows: tuple[Multiplications, ...]
    uncounted: tuple[str, ...]

    @property
    def products(self) -> tuple[Multiplications, ...]:
        """The rows of convolutions and matrix products: all but the elementwise ones."""
        return tuple(row for row in self.rows if not row.is_elementwise)

    @property
    def approximate(self) -> int:
        """Multiplications by a spec."""
        return sum(row.multiplications for row in self.products if row.spec is not None)

    @property
    def total(self) -> int:
        """All multiplications of convolutions and matrix products."""
        return sum(row.multiplications for row in self.products)

    @property
    def share(self) -> float:
        """Percent of the multiplications that are approximate; 0 where there are none."""
        return 100 * self.approximate / self.total if self.total else 0.0

    @property
    def sentence(self) -> str:
        return share_sentence(self.approximate, self.total)

    def __str__(self) -> str:
        headings = ["module", "operator", "kind", "multiplier", "calls", "multiplications", "%"]
        cells = [
            [
                row.module or "(the model)",
                row.operator,
                row.kind,
                row.spec or "exact",
                row.calls,
                row.multiplications,
                None if row.is_elementwise else 100 * row.multiplications / self.total,
            ]
            for row in self.rows
        ]
        table = tabulate(cells, headings, tablefmt="github", intfmt=",", floatfmt=".2f")
        text = f"{table}\n\n{self.sentence}; elementwise operators count in neither number."
        if self.uncounted:
            text += f" Not counted, and exact: {', '.join(self.uncounted)}."
        return text


def share_sentence(approximate: int, total: int) -> str:
    """Return `N of M multiplications (x %) approximate`."""
    share = 100 * approximate / total if total else 0.0
    return f"{approximate:,} of {total:,} multiplications ({share:.1f} %) approximate"


def coverage(model: nn.Module, inputs: Any) -> Coverage:
    """Return every multiplication that one forward of `model` does, by module and operator.

    Operators are seen at torch's dispatcher, so functional calls and weights used outside their
    layers count as what they are. The model runs once, in its present mode, without gradients, on
    copies of `inputs`; batch-norm statistics are those of any forward in that mode. Fused forwards
    of torch's transformers are left for the plain ones, which multiply as much. Layers that are not
    calibrated yet run with a range of 1.

    Parameters
    ----------
    inputs : a tensor; a tuple or list of arguments; or a mapping of keyword arguments. On the
        model's device; on `meta`, nothing is computed.
    """
    check_model("coverage", model)
    layers = [module for module in model.modules() if isinstance(module, ApproxLayer)]
    counter = _Counter(model)
    with (
        _ranges_for_now(layers),
        _plain_transformers(),
        counter.following(),
        torch.no_grad(),
        counter,
    ):
        call(model, inputs)
    return Coverage(tuple(counter.rows.values()), tuple(counter.uncounted))


class _Counter(TorchDispatchMode):
    """Counts the products of all operators that run, by the module that runs them.

    rows : what was counted, by all that tells rows apart. uncounted : names, in the order of calls.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.names = {module: name for name, module in model.named_modules()}
        self.running: list[nn.Module] = [model]
        self.rows: dict[tuple, Multiplications] = {}
        self.uncounted: dict[str, None] = {}

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        """Follow which modules of the model are running."""
        handles = (
            torch_hooks.register_module_forward_pre_hook(self._enter),
            torch_hooks.register_module_forward_hook(self._leave, always_call=True),
        )
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_dispatch__(self, operator, types, arguments=(), keywords=None):
        keywords = keywords or {}
        if not is_counted(operator) and operator._can_decompose():
            with self:
                result = operator.decompose(*arguments, **keywords)
            if result is not NotImplemented:
                return result
        result = operator(*arguments, **keywords)
        products = products_of(operator, arguments, keywords, result)
        if products is not None:
            self._count(operator, products, multiplying_spec(operator, arguments, keywords))
        elif may_multiply(operator, arguments, keywords):
            self.uncounted[_name(operator)] = None
        return result

    def _enter(self, module, inputs):
        self.running.append(module)

    def _leave(self, module, inputs, output):
        self.running.pop()

    def _count(self, operator, products: Products, spec: str | None) -> None:
        module = self.running[-1]
        kind = products.kind
        if isinstance(module, nn.Linear) and kind != ELEMENTWISE:
            kind = "linear"
        if spec is not None and isinstance(module, ApproxLayer):
            spec = spec_name(module.spec)
        name = self.names.get(module, f"({type(module).__name__}, not in the model)")
        shapes = products.input, products.output
        before = self.rows.get((name, _name(operator), kind, spec, shapes))
        calls, counts = 1, (products.multiplications, products.lookups)
        if before is not None:
            calls += before.calls
            counts = (before.multiplications + counts[0], before.lookups + counts[1])
        row = Multiplications(name, _name(operator), kind, spec, calls, *shapes, *counts)
        self.rows[name, _name(operator), kind, spec, shapes] = row


def _name(operator) -> str:
    return f"{operator.namespace}.{operator._overloadpacket.__name__}"


@contextlib.contextmanager
def _ranges_for_now(layers) -> Iterator[None]:
    """Let layers without a calibrated range run with a range of 1."""
    lacking = [layer for layer in layers if layer.activation_amax is None]
    try:
        for layer in lacking:
            layer.activation_amax = torch.ones((), device=layer.weight.device)
        yield
    finally:
        for layer in lacking:
            layer.activation_amax = None


@contextlib.contextmanager
def _plain_transformers() -> Iterator[None]:
    """Keep torch's transformers from their fused forward, which is one operator."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
