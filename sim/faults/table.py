"""Faults of product tables."""

import numpy as np

from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import Table
from sim.faults.planting import plant_text

TABLE = Design(Table(np.arange(256).reshape(16, 16)))

plant_text("table_entry_wrong", TABLE, "core_products[37] = 8'h25", "core_products[37] = 8'h24")
plant_text("table_transposed", TABLE, "core_products[{ a, b }]", "core_products[{ b, a }]")
