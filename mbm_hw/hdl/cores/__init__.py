"""The cores: the component that multiplies for each family, a file each.

Whoever adds a family adds a file here, with a subclass of Core that `core_of` registers. Without
one a product table stands in (`stand_in`).
"""

from mbm_hw.hdl.cores.core import Core
from mbm_hw.hdl.cores.registry import core_for, core_kind, core_of

__all__ = ["Core", "core_for", "core_kind", "core_of"]
