"""Arguments and options of every command: unknown, missing, out of range, strangely written."""

from collections.abc import Iterator

from .case import Case, Promise
from .studies import STUDY

COMMANDS = (
    *("verilog", "table", "errors", "ops", "algorithms", "cost", "report"),
    *("study", "study run", "study merge"),
)
NOT_WHOLE = {
    "empty": "",
    "a word": "ten",
    "a fraction": "1.5",
    "an exponent": "1e3",
    "hexadecimal": "0x10",
    "with a separator": "1_000",
    "of 30 digits": "9" * 30,
    "of 5000 digits": "9" * 5000,
    "in Arabic digits": "\u0661",
    "in wide digits": "\uff11",
    "infinity": "inf",
    "nan": "nan",
    "with a control character": "1\x1b[2J",
    "bytes that are no UTF-8": "\udcff",
}
WHOLE_OPTIONS = (  # command, option, beyond its range on both sides
    (("errors", "mbm8"), "--samples", ("0", "-1", "68719476737")),
    (("errors", "mbm8", "--samples", "9"), "--seed", ("-1", "9223372036854775808")),
    (("verilog", "mbm8"), "--pipeline", ("0", "-1", "5")),
    (("study", "run", "absent.yaml"), "--workers", ("0", "-1", "1025")),
)
SHARDS = {
    "none": "0/2",
    "beyond the count": "3/2",
    "of none": "1/0",
    "negative": "-1/2",
    "a word": "a/b",
    "without a count": "1",
    "without an index": "/2",
    "empty": "",
    "of three numbers": "1/2/3",
    "with spaces": " 1/2 ",
    "with a line break": "1/2\n",
    "with a sign": "+1/2",
    "a fraction": "1.0/2",
    "in Arabic digits": "\u0661/\u0662",
    "of 30 digits": f"1/{'9' * 30}",
    "of a million": "1/1000000",
    "a path": "../../etc/passwd",
    "with a control character": "1/2\x1b[31m",
}
SIZES = {
    "of none": "0x0",
    "negative": "-1x5",
    "without columns": "480x",
    "without rows": "x640",
    "of one number": "480",
    "of three numbers": "480x640x3",
    "in words": "axb",
    "with spaces": "480 x 640",
    "in fractions": "480.5x640",
    "in exponents": "1e3x1",
    "in Arabic digits": "\u0661\u0662x\u0661",
    "with a multiplication sign": "480\u00d7640",
    "with a line break": "480x640\n",
    "of 300 digits": f"{'9' * 300}x1",
    "a little too large": "16385x1",
    "of 30 digits": f"1x{'9' * 30}",
    "with a leading zero": "0480x640",
    "empty": "",
}
SCHEDULERS = {
    "empty": "",
    "a word": "nonsense",
    "without a host": "tcp://",
    "without a port": "tcp://127.0.0.1",
    "with a port that is no number": "tcp://127.0.0.1:http",
    "with a port beyond 65535": "tcp://127.0.0.1:99999",
    "where nobody listens": "tcp://127.0.0.1:1",
    "of another protocol": "http://127.0.0.1:8786",
    "of no protocol": "gopher://127.0.0.1:1",
    "with control characters": "tcp://\x1b[31m:1",
}


def cases() -> Iterator[Case]:
    for command in COMMANDS:
        words = tuple(command.split())
        yield Case(name=f"{command}: an unknown option", command=(*words, "--nonsense"))
        yield Case(
            name=f"{command}: an option with control characters",
            command=(*words, "--a\x1b[2J\x07"),
        )
        if command not in ("algorithms", "study"):
            option = {"study run": "--models", "study merge": "--models", "ops": "--models"}
            last = option.get(command, "--output" if command not in ("errors",) else "--seed")
            yield Case(name=f"{command}: {last} without a value", command=(*words, last))
        if command != "study":
            yield Case(
                name=f"{command}: a flag with a value", command=(*words, "--help=1"), says="--help"
            )
    for word in ("nonsense", "\x1b[2J", "", "x" * 10_000, "\udcff", "errrors", "Study"):
        yield Case(name=f"a command called {word[:12]!r}", command=(word,))
    for words in (("study", "runn"), ("study", "\u202e"), ("report",), ("table",), ("ops",)):
        yield Case(name=f"{' '.join(words)!a} alone", command=words)
    yield Case(name="study run without a file", command=("study", "run"))
    yield Case(name="study merge without a store", command=("study", "merge", "s.yaml"))
    yield from whole_numbers()
    for name, text in SHARDS.items():
        yield study_case(f"a shard {name}", "--shard", text)
    for name, text in SIZES.items():
        yield Case(
            name=f"an input {name}", command=("ops", "net.py:tiny", "--input", text), files=STUDY
        )
    for name, text in SCHEDULERS.items():
        yield study_case(f"a scheduler {name}", "--scheduler", text)
    yield from combinations()


def whole_numbers() -> Iterator[Case]:
    for words, option, beyond in WHOLE_OPTIONS:
        values = NOT_WHOLE | {f"beyond its range, {value}": value for value in beyond}
        for name, value in values.items():
            yield Case(
                name=f"{words[0]} {option}: a number {name}",
                command=(*words, option, value),
                says=option,
            )


def study_case(name: str, *arguments: str, says: str = "") -> Case:
    return Case(name=name, command=("study", "run", "s.yaml", *arguments), files=STUDY, says=says)


def combinations() -> Iterator[Case]:
    yield study_case("workers and a scheduler", "--workers", "1", "--scheduler", "tcp://a:1")
    yield study_case("an unknown device", "--device", "tpu", says="--device")
    yield study_case("data that are a file", "--data", "s.yaml", says="--data")
    yield study_case("data that are absent", "--data", "absent", says="--data")
    yield study_case("results that are a file", "--results", "s.yaml", says="s.yaml")
    yield study_case("results below a file", "--results", "s.yaml/results", says="s.yaml")
    yield study_case("results that no system has", "--results", "/proc/results", says="/proc")
    yield study_case("results with a name of 300 letters", "--results", "r" * 300)
    for words in (
        ("errors", "--paper", "mbm8"),
        ("errors", "--paper", "--published", "x.csv"),
        ("errors", "--against", "mbm8"),
        ("errors", "mbm8", "--against", "mbm16", "--samples", "9"),
        ("errors", "mbm8", "--signed"),
        ("errors", "mbm8", "--against", "mbm_bf16"),
        ("errors", "mbm8", "--against", ""),
        ("errors", "--published", ""),
        ("verilog",),
        ("verilog", "mbm8", "--all", "rtl"),
        ("verilog", "--all", "rtl", "--stream"),
        ("verilog", "mbm8_p2", "--pipeline", "2"),
        ("verilog", "mbm8s_mac", "--stream"),
        ("verilog", "mbm8", "--sign-magnitude"),
        ("table", "mbm8"),
        ("table", "mbm8", "-o", "t.npy", "-o"),
        ("cost", "mbm8", "--mapping", "speed"),
        ("cost", "mbm8", "--liberty", "absent.lib"),
        ("ops", "net.py:tiny", "--algorithm", "nonsense"),
        ("ops", "net.py:tiny", "--algorithm", ""),
        ("algorithms", "mbm8"),
        ("algorithms", "nonsense"),
    ):
        yield Case(name=" ".join(words), command=words, files=STUDY)
    for flag in ("--help", "--version"):
        yield Case(
            name=f"{flag} where nobody reads", command=(flag,), closed=(1,), promise=Promise.WORKS
        )
    for words in (("errors", "mbm4s"), ("verilog", "mbm4s"), ("errors", "mbm4s", "--json")):
        yield Case(
            name=f"{' '.join(words)} without standard output",
            command=words,
            closed=(1,),
            promise=Promise.WORKS,
            gibibytes=16,  # WebAssembly's addresses, which amaranth's Yosys reserves
        )
    yield Case(name="a fault without standard error", command=("nonsense",), closed=(2,))
    yield Case(name="a fault without both", command=("nonsense",), closed=(1, 2))
