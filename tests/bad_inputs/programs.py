"""Arguments of `python -m sim`, `python -m sim.layer` and `python -m proof`."""

from collections.abc import Iterator

from .arguments import NOT_WHOLE
from .case import Case

WHOLE = (  # program, option, beyond its range
    ("sim", "--seed", ("-1", str(2**63))),
    ("sim.layer", "--seed", ("-1", str(2**63))),
    ("sim.layer", "--rows", ("0", "-1", "257")),
    ("sim.layer", "--columns", ("0", "-1", "257")),
    ("sim.layer", "--outputs", ("0", "-1", str(2**31))),
    ("proof", "--processes", ("0", "-1", "100000")),
)
COMMANDS = (
    ("sim", "--sim", "vcs"),
    ("sim", "--sim", ""),
    ("sim", "--coverage", "--sim", "icarus"),
    ("sim", "--nonsense"),
    ("sim", "nonsense"),
    ("sim", "--a\x1b[2J"),
    ("sim", "--results", "f"),
    ("sim", "--results", "f/results"),
    ("sim", "--results", "/proc/results"),
    ("sim", "--spec"),
    ("sim.layer", "--sim", "vcs"),
    ("sim.layer", "--layer", "nonsense"),
    ("sim.layer", "--layer", "\x1b[2J"),
    ("sim.layer", "--spec", "mbm8"),
    ("sim.layer", "--spec", "mbm32s"),
    ("sim.layer", "--spec", "mbm_bf16"),
    ("sim.layer", "--spec", "absent.csv"),
    ("sim.layer", "--results", "f"),
    ("sim.layer", "--results", "/proc/results"),
    ("sim.layer", "nonsense"),
    ("proof", "--limit", "0"),
    ("proof", "--limit", "-1"),
    ("proof", "--limit", "nan"),
    ("proof", "--limit", "many"),
    ("proof", "--limit", "\u0661"),
    ("proof", "--spec", "mbm8", "--sweep"),
    ("proof", "--sweep", "--faults"),
    ("proof", "--results", "f"),
    ("proof", "--results", "/proc/results"),
    ("proof", "--nonsense"),
    ("proof", "nonsense"),
    ("proof", "--a\x1b[2J"),
)


def cases() -> Iterator[Case]:
    for program, option, beyond in WHOLE:
        values = NOT_WHOLE | {f"beyond its range, {value}": value for value in beyond}
        for name, value in values.items():
            yield Case(
                name=f"{program} {option}: a number {name}",
                program=program,
                command=(option, value),
                says=option,
            )
    for program, *words in COMMANDS:
        yield Case(
            name=f"{program} {' '.join(words)!a}",
            program=program,
            command=tuple(words),
            files={"f": b""},
        )
