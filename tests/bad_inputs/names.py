"""Names of multipliers and designs, wherever a name is taken."""

from collections.abc import Iterator

from .case import Case

MULTIPLIERS = {
    "of nobody": "nonsense",
    "with a width that is too large": "mbm40",
    "with a width that is too small": "mbm3",
    "with a width of 30 digits": f"mbm{'9' * 30}",
    "with a width of 5000 digits": f"mbm{'9' * 5000}",
    "with a truncation that is too large": "mbm8_t7",
    "with a truncation of 30 digits": f"mbm8_t{'9' * 30}",
    "of an exact one with a truncation": "exact8_t2",
    "in upper case": "MBM8S",
    "with a space": "mbm8 s",
    "with a line break": "mbm8s\n",
    "in Arabic digits": "mbm\u0668s",
    "with a letter like another": "\u043cbm8s",
    "empty": "",
    "of a space": " ",
    "of a minus": "-",
    "with control characters": "\x1b[31mmbm8\x07",
    "written from the right": "\u202embm8",
    "that is no UTF-8": "mbm\udcff",
    "of 10,000 letters": "m" * 10_000,
    "of a float with no exponent": "mbm_e0m7",
    "of a float with a mantissa too large": "mbm_e8m60",
    "of a float with numbers of 30 digits": f"mbm_e{'9' * 30}m1",
    "of a float with a truncation too large": "mbm_bf16_t9",
    "of a float with an unknown ending": "mitchell_bf16_lsb",
    "with a format code": "%s%n{0}",
}
DESIGNS = {
    "with stages that are too many": "mbm8_p9",
    "with stages of 30 digits": f"mbm8_p{'9' * 30}",
    "of a MAC of floats": "mbm_bf16_mac",
    "of lanes that are none": "mbm8s_dot0",
    "of lanes that are too many": f"mbm8s_dot{'9' * 9}",
    "of an accumulator too narrow": "mbm8s_dot4_acc2",
    "of an accumulator of 30 digits": f"mbm8s_dot4_acc{'9' * 30}",
    "of an unsigned MAC with a stream": "mbm8_mac_stream",
    "of an ending of nobody": "mbm8s_nonsense",
}
MODULES = {
    "empty": "",
    "a keyword": "module",
    "a keyword of SystemVerilog": "logic",
    "with a space": "a b",
    "with a semicolon": "a; endmodule",
    "with a line break": "a\nb",
    "beginning with a digit": "8mbm",
    "with a backslash": "\\a",
    "in Cyrillic": "\u043c",
    "with a control character": "a\x1b",
    "of 100,000 letters": "a" * 100_000,
    "like a path": "../../evil",
    "that is no UTF-8": "a\udcff",
}
TAKERS = (  # program, the words before and after a multiplier's name
    ("mbm-hw", ("errors",), ()),
    ("mbm-hw", ("errors", "mbm8", "--against"), ()),
    ("mbm-hw", ("table",), ("-o", "t.npy")),
    ("mbm-hw", ("verilog",), ()),
    ("mbm-hw", ("cost",), ()),
    ("mbm-hw", ("check",), ()),
    ("mbm-hw", ("algorithms",), ()),
    ("sim", ("--spec",), ()),
    ("proof", ("--spec",), ()),
    ("sim.layer", ("--spec",), ()),
)


def cases() -> Iterator[Case]:
    for program, before, after in TAKERS:
        for name, text in MULTIPLIERS.items():
            if text == "" and before == ("verilog",):
                continue  # no name at all: see `arguments`
            yield Case(
                name=f"{program} {' '.join(before)}: a name {name}",
                program=program,
                command=(*before, text, *after),
            )
    for words in (("verilog",), ("cost",)):
        for name, text in DESIGNS.items():
            yield Case(name=f"{words[0]}: a design {name}", command=(*words, text))
    for name, text in MODULES.items():
        yield Case(
            name=f"a module {name}", command=("verilog", "mbm4s", "--name", text), gibibytes=16
        )
