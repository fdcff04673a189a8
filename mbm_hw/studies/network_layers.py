"""The layers of a network that a study can approximate, and what the network multiplies."""

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from mbm_hw.multipliers import Spec
from mbm_hw.nn import convert_, coverage, left_exact
from mbm_hw.nn.counter import share_sentence
from mbm_hw.nn.quantize import Quantizer
from mbm_hw.ops.algorithms import DIRECT
from mbm_hw.studies.networks import CONVERTIBLE, copy_around
from mbm_hw.studies.operations import count_multiplications


class NetworkLayers:
    """A network's multiplications for one image, and those of the layers that can be approximate.

    network : float; it runs once for each of `algorithms` on its own copy of `image`, [C, H, W].
    subclasses : as of `nn.convert_`.

    multiplications : layer -> direct ones, of the layers that can be approximate, in their order.
    total : direct ones of the whole network. left : layer -> the reason why it stays exact.
    """

    def __init__(
        self,
        network: nn.Module,
        image: torch.Tensor,
        algorithms: Iterable[str] = (DIRECT,),
        subclasses: bool = False,
    ):
        self.network, self.image, self.subclasses = network, image, subclasses
        self.left = left_exact(network, subclasses)
        self._counts = {
            algorithm: count_multiplications(network, image, algorithm)
            for algorithm in dict.fromkeys([DIRECT, *algorithms])
        }
        self.total = sum(self._counts[DIRECT].values())
        convertible = [
            name
            for name, module in network.named_modules()
            if isinstance(module, CONVERTIBLE) and name not in self.left
        ]
        self.multiplications = {
            name: count for name, count in self._counts[DIRECT].items() if name in convertible
        }
        silent = [name for name in convertible if name not in self.multiplications]
        self.left |= dict.fromkeys(silent, "the forward never calls it")

    def counts(self, algorithm: str) -> dict[str, int]:
        """Return layer -> multiplications, by an algorithm in the layers that it can do."""
        return {name: self._counts[algorithm][name] for name in self.multiplications}

    def total_with(self, layers: Sequence[str], algorithm: str = DIRECT) -> int:
        """Return the network's multiplications with `layers` computed by an algorithm."""
        counts = self._counts
        return self.total + sum(counts[algorithm][n] - counts[DIRECT][n] for n in layers)

    def sentence(self, layers: Sequence[str]) -> str:
        """Return `N of M multiplications (x %) approximate`, and the modules that stay exact."""
        approximate = sum(self.multiplications[name] for name in layers)
        exact = {name: count for name, count in self._counts[DIRECT].items() if name not in layers}
        text = share_sentence(approximate, self.total)
        if exact:
            most = sorted(exact, key=exact.get, reverse=True)[:5]
            named = ", ".join(f"{name or 'the network itself'} ({exact[name]:,})" for name in most)
            more = f", and {len(exact) - len(most)} more" if len(exact) > len(most) else ""
            text += f"; exact: {named}{more}"
        reasons = [f"{name}: {reason}" for name, reason in self.left.items()]
        return "; ".join([text, *reasons[:5]])

    def converted(
        self,
        layers: Iterable[str],
        spec: Spec,
        quantizer: Quantizer | None = None,
        algorithm: str | None = None,
    ) -> nn.Module:
        """Return the network with `layers` approximate, not calibrated; see `nn.convert_`.

        A copy of the modules that hold them; the other modules and the weights are the network's.
        """
        network = copy_around(self.network, layers)
        convert_(
            network, spec, lambda _, name: name in layers, quantizer, algorithm, self.subclasses
        )
        return network

    def unreached(self, layers: Iterable[str], spec: Spec) -> list[str]:
        """Return those of `layers` that a forward with `spec` in all of them never calls."""
        layers = list(layers)
        rows = coverage(self.converted(layers, spec), self.image[None]).products
        called = {row.module for row in rows if row.spec is not None}
        return [name for name in layers if name not in called]
