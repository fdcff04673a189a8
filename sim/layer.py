"""python -m sim.layer: see `sim.layers`."""

from mbm_hw.supervision import supervise


def program() -> int:
    from sim.layers import main

    return main()


if __name__ == "__main__":
    supervise("sim.layer", program)
