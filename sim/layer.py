"""python -m sim.layer: see `sim.layers`."""

from mbm_hw.system.supervision import supervise


def program() -> int:
    from mbm_hw.cli import blaming
    from sim.layers import main

    with blaming("sim.layer"):
        return main()


if __name__ == "__main__":
    supervise("sim.layer", program)
