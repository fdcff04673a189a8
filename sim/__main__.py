"""python -m sim: see `sim.regression`."""

from mbm_hw.supervision import supervise


def program() -> int:
    from sim.regression import main

    return main()


if __name__ == "__main__":
    supervise("sim", program)
