"""Planted faults: each is a wrong multiplier that co-simulation has to tell from the right one.

Those of a family's arithmetic are in its own file here, each a subclass of the component that
overrides one step; those of pipelines and streams change the text.
"""

from mbm_hw.system.discovery import import_modules
from sim.faults.planting import FAULTS, Fault, plant_text, planted

__all__ = ["FAULTS", "Fault", "plant_text", "planted"]

import_modules(__name__)
