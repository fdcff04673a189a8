"""How far the output of an approximate layer or network is from the exact one's."""

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves


class OutputError:
    """The error of outputs, image by image, over all that is added.

    With the exact output y and the approximate output z, sums and maxima over an image's values:

    SQNR = 10 log10(sum(y**2) / sum((z - y)**2)), in decibels; inf where z = y everywhere.
    max error = max|z - y|, in the output's unit.
    """

    def __init__(self, images: int):
        self._signal, self._noise, self._largest = torch.zeros(3, images, dtype=torch.float64)
        self.is_empty = True

    def add(self, approximate, exact) -> None:
        """Count outputs: floating tensors, or structures of them, whose first dimension is images.

        One of another first dimension counts for every image.
        """
        self.is_empty = False
        for z, y in zip(tree_leaves(approximate), tree_leaves(exact), strict=True):
            if isinstance(y, Tensor) and y.is_floating_point():
                rows = len(y) if len(y) == len(self._signal) else 1
                z, y = z.reshape(rows, -1), y.reshape(rows, -1)
                self._signal += _power(y)
                error = z - y
                self._noise += _power(error)
                self._largest = self._largest.maximum(error.abs_().amax(1).double().cpu())

    def columns(self, name: str) -> list[dict[str, float | None]]:
        """Return for each image {name}_sqnr_db and {name}_max_error; None if nothing was added."""
        sqnr = (10 * torch.log10(self._signal / self._noise)).tolist()
        return [
            {f"{name}_sqnr_db": None, f"{name}_max_error": None}
            if self.is_empty
            else {f"{name}_sqnr_db": decibels, f"{name}_max_error": largest}
            for decibels, largest in zip(sqnr, self._largest.tolist(), strict=True)
        ]


def _power(x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x, dim=1, dtype=torch.float64).square().cpu()
