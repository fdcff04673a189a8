"""python -m sim: see `sim.regression`."""

from mbm_hw.system.supervision import supervise


def program() -> int:
    from mbm_hw.cli import blaming
    from sim.regression import main

    with blaming("sim"):
        return main()


if __name__ == "__main__":
    supervise("sim", program)
