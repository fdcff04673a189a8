"""The folder rtl/: the Verilog of every design that is kept."""

import os
from pathlib import Path

from mbm_hw.hdl.design_names import exported
from mbm_hw.hdl.designs import DESIGNS
from mbm_hw.hdl.dot_product_verilog import DOT_PRODUCTS
from mbm_hw.system.files import replacing


def write_designs(folder: str | os.PathLike) -> list[Path]:
    """Write `NAME.v` for each of DESIGNS and DOT_PRODUCTS into `folder`; return the paths.

    The folder is made if missing. Each file appears whole or not at all. Other files in the folder
    are left alone.
    """
    texts = {name: exported(design) for name, design in (DESIGNS | DOT_PRODUCTS).items()}
    paths = []
    for name, text in texts.items():
        path = Path(folder) / f"{name}.v"
        with replacing(path) as file:
            file.write(text)
        paths.append(path)
    return paths
