"""python -m proof: see `proof.proving`."""

from mbm_hw.system.supervision import supervise


def program() -> None:
    from proof.command import run
    from proof.proving import main

    run(main, "proof")


if __name__ == "__main__":
    supervise("proof", program)
