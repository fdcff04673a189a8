"""Which layers of a network are approximated together: layer sets, by name."""

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from mbm_hw.studies.fields import Label, Text, check_fields

ALL, NONE = "all", "none"
"""The layer sets of all layers together, and of no layer."""


@dataclass(frozen=True)
class Layers:
    """Which of a network's layers are approximated, together or one at a time.

    each : glob of layer names; every layer that matches is approximated alone. False: no layer is.
    all : also all the layers of `each` together; where `each` is False, all of the network.
    groups : name -> glob; the layers of each group together. No group is called `all`, `none` or as
        a layer.

    subclasses : whether subclasses of torch's layers, and parametrised ones, are among the layers;
        see `nn.convert_`.

    One layer set only: `Layers(each=False)` for all layers together; or
    `Layers(each=False, all=False, groups={"decoder": "decoder.*"})`.
    """

    each: Text | Literal[False] = "*"
    all: bool = True
    groups: Mapping[Label, Text] = field(default_factory=dict)
    subclasses: bool = False

    def __post_init__(self):
        check_fields(self, "layers.")
        for name in {ALL, NONE} & set(self.groups):
            raise ValueError(
                f"layers.groups must not name a group {name!r}, which is a layer set's name already"
            )
        if not (self.each or self.all or self.groups):
            raise ValueError("layers must name a layer set: each, all or groups")

    def sets(
        self, names: Iterable[str], left: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, tuple[str, ...]]:
        """Return the layer sets by name, for a network whose convertible layers are `names`.

        left : layer -> the reason why it stays exact. A glob that matches no layer is a ValueError
        that lists the layers; a glob that matches only layers that stay exact, one with the
        reason. A group that is called as a layer is a ValueError, too.
        """
        names = tuple(names)

        def matching(pattern: str) -> tuple[str, ...]:
            found = tuple(name for name in names if fnmatch.fnmatchcase(name, pattern))
            if not found:
                exact = [name for name in left if fnmatch.fnmatchcase(name, pattern)]
                reasons = f"; {exact[0]} stays exact: {left[exact[0]]}" if exact else ""
                known = ", ".join(names) or "none, no layer that runs can be approximate"
                raise ValueError(f"layers: no layer matches {pattern!r}{reasons}; known: {known}")
            return found

        for name in self.groups:
            if name in names or name in left:
                raise ValueError(f"layers.groups must not name a group {name!r}, which is a layer")
        sets = {name: (name,) for name in matching(self.each)} if self.each else {}
        sets |= {name: matching(pattern) for name, pattern in self.groups.items()}
        return sets | {ALL: matching(self.each or "*")} if self.all else sets
