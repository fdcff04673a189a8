"""The command line as a program: mbm-hw, or python -m mbm_hw."""

from mbm_hw.system.supervision import supervise


def main() -> None:
    supervise("mbm-hw", program)


def program() -> None:
    from mbm_hw.cli import main

    main()


if __name__ == "__main__":
    main()
