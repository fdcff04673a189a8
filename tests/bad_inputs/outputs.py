"""Outputs: where nothing can be written, or where something lies that must stay."""

from collections.abc import Iterator

from .case import Case, Content, Promise, a_folder, a_link, with_mode
from .studies import STUDY

WRITERS = (
    (("table", "mbm4s", "-o"), ".npy"),
    (("table", "mbm4s", "-o"), ".csv"),
    (("table", "mbm4s", "-o"), ".hex"),
    (("verilog", "mbm4s", "-o"), ".v"),
    (("ops", "net.py:tiny", "--input", "8x8", "--picture"), ".png"),
)
REFUSED: dict[str, tuple[str, dict[str, Content]]] = {  # the path, and what is there
    "a folder": ("out{}", {"out{}": a_folder}),
    "below a file": ("f/out{}", {"f": b""}),
    "that no system has": ("/proc/out{}", {}),
    "on a device below a file": ("/dev/null/out{}", {}),
    "of 260 letters": (f"{'o' * 256}{{}}", {}),
    "of 5000 letters": (f"{'o/' * 2500}out{{}}", {}),
    "a link to itself": ("out{}", {"out{}": a_link("out{}")}),
    "below a link to itself": ("l/out{}", {"l": a_link("l")}),
    "on a full device": ("out{}", {"out{}": a_link("/dev/full")}),
}
LOCKED: dict[str, tuple[str, dict[str, Content]]] = {  # to somebody who is not root
    "in a folder that is read-only": ("d/out{}", {"d": with_mode(0o555)}),
    "in a folder that cannot be entered": ("d/out{}", {"d": with_mode(0o000)}),
    "that is read-only": ("out{}", {"out{}": with_mode(0o444, b"old")}),
}
WORKS: dict[str, tuple[str, dict[str, Content], tuple[str, ...]]] = {  # and what is new
    "/dev/null": ("out{}", {"out{}": a_link("/dev/null")}, ()),
    "a link to a file": ("out{}", {"out{}": a_link("other"), "other": b"old"}, ("other",)),
    "a link to nothing yet": ("out{}", {"out{}": a_link("other")}, ("other",)),
    "of 240 letters": (f"{'o' * 236}{{}}", {}, ("o*",)),
    "with strange letters": ('it\'s "a" $x \u00fc{}', {}, ("it's*",)),
    "in a new folder": ("a/b/out{}", {}, ("a", "a/b", "a/b/*")),
    "with a leftover of a killed run": (
        "out{}",
        {f".out{{}}.{'0' * 32}": b"half"},
        ("out*", ".out*"),
    ),
}


def cases() -> Iterator[Case]:
    for words, ending in WRITERS:
        name = f"{words[0]} {ending}"
        for what, (path, files) in REFUSED.items():
            if "full" in what and ending == ".hex":
                continue
            yield _case(f"{name}: an output {what}", words, ending, path, files)
        for what, (path, files) in LOCKED.items():
            yield _case(f"{name}: an output {what}", words, ending, path, files, as_nobody=True)
        for what, (path, files, new) in WORKS.items():
            yield _case(
                f"{name}: an output {what}",
                words,
                ending,
                path,
                files,
                promise=Promise.WORKS,
                leaves=new,
            )
        for what, files in (("a new file", {}), ("an old file", {"out{}": b"old"})):
            if ending == ".v":
                continue  # of the Verilog amaranth's Yosys writes files too
            yield _case(
                f"{name}: a disk that is full, {what}",
                words,
                ending,
                "out{}",
                files,
                file_bytes=500,
            )
    yield Case(
        name="table: an output that is the input",
        command=("table", "t.csv", "-o", "t.csv"),
        files={"t.csv": b"a,b,product\n"},
        says="t.csv",
    )
    yield Case(
        name="ops: a picture that is the network",
        command=("ops", "net.py:tiny", "--picture", "net.py"),
        files=STUDY,
        says="net.py",
    )
    for words in (
        ("table", "mbm4s", "-o", ""),
        ("verilog", "mbm4s", "-o", ""),
        ("table", "mbm4s", "-o", "out"),
        ("table", "mbm4s", "-o", "out.NPY"),
        ("table", "mbm4s", "-o", ".npy"),
        ("table", "mbm4s", "-o", "a\x1b[2J.txt"),
        ("verilog", "--all", ""),
        ("verilog", "--all", "net.py"),
        ("verilog", "--all", "net.py/rtl"),
        ("verilog", "--all", "/proc/rtl"),
        ("cost", "mbm4", "-o", "net.py"),
        ("cost", "mbm4", "--cache", "net.py"),
        ("cost", "mbm4", "--cache", "/proc/cache"),
    ):
        yield Case(name=f"{' '.join(words)!a}", command=words, files=STUDY)


def _case(name, words, ending, path, files, **more) -> Case:
    made = {p.format(ending): _formatted(content, ending) for p, content in files.items()}
    return Case(
        name=name,
        command=(*words, path.format(ending)),
        files=STUDY | made,
        gibibytes=16 if words[0] == "verilog" else 2,
        **more,
    )


def _formatted(content: Content, ending: str) -> Content:
    """A link to itself has the ending in its target too."""
    if callable(content) and content.__qualname__.startswith("a_link"):
        return lambda path: (content(path), _retarget(path, ending))
    return content


def _retarget(path, ending):
    target = str(path.readlink()).format(ending)
    path.unlink()
    path.symlink_to(target)
