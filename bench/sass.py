"""What a kernel's loop over terms takes of a multiprocessor's pipes, counted in its machine code.

Ref: CUDA C++ Programming Guide, "Arithmetic Instructions": results a clock of a multiprocessor.
Integer multiplications, which the compiler adds and moves with as well, go the way of floats: from
sm_86 on, one half of it. Ref: NVIDIA developer forums, topic 302018.
"""

import re
import subprocess
import tempfile
from collections import Counter

from cuda.pathfinder import find_nvidia_binary_utility

from mbm_hw.ops.cuda.compiler import SOURCES, Variant, compiled
from mbm_hw.ops.cuda.products import TABLE_CONFLICTS

FLOATS_AT_ONCE = {"sm_80": 64, "sm_90": 128, "sm_100": 128}  # float32 additions, products, both
DOUBLES_AT_ONCE = {"sm_80": 32, "sm_90": 64, "sm_100": 64}
ISSUED, INTEGERS, CONVERSIONS, SHARED_WORDS = 128, 64, 16, 32

KINDS = {
    "integer add": r"IADD|VIADD|IMAD\.IADD",
    "float": r"FADD|FMUL|FFMA",
    "double": r"DADD|DMUL|DFMA",
    "compare": r"[IFD]SETP|VIMNMX",
    "logic": r"LOP3",
    "move": r"MOV|IMAD\.MOV|CS2R",
    "load": r"LDS",
}
"""What instructions are for, by how their names begin."""

_FLOATS, _MULTIPLY = r"FADD|FMUL|FFMA", r"IMAD"
_CONVERT, _UNIFORM = r"F2I|I2F|F2F|MUFU|POPC|FLO", r"U[A-Z0-9]+|BRA|NOP|BSSY|BSYNC|R2UR|S2R"


def loop_over_terms(variant: Variant, architecture: str) -> list[str]:
    """Return the instructions of the loop over whole panels, of the way that a panel mostly goes.

    That is the loop that reads as many times the words of another as the policy unrolls it for: the
    other does a panel's rest, term by term. Of such the shortest, by its shortest way: what that
    passes by happens seldom, or makes a product one comparison more.
    """
    unroll = _unroll(variant)
    code, labels = disassembled(compiled(variant, architecture))
    jumps = [(at, labels.get(target)) for at, target in _branches(code)]
    back = [(to, at) for at, to in jumps if to is not None and to < at]
    inner = [
        loop
        for loop in back
        if not any(loop[0] < b <= e < loop[1] for b, e in back if loop != (b, e))
    ]
    forward = {at: to for at, to in jumps if to is not None and to > at}
    loops = [_shortest(code, forward, first, last) for first, last in inner]
    loads = [sum(loaded_words(instruction) for instruction in loop) for loop in loops]
    wanted = {unroll * words for words in loads if words}
    return min((p for p, n in zip(loops, loads, strict=True) if n in wanted), key=len)


def clocks(variant: Variant, architecture: str, tile) -> dict[str, float]:
    """Return the clocks of each pipe, of a multiprocessor's 128 lanes, for a product of the loop.

    tile : the products' tile, whose macros the variant has.
    """
    loop = _names(variant, architecture)
    taken = Counter(issue=ISSUED / ISSUED * len(loop))
    for name in loop:
        for pipe, rate in _pipes(name, architecture).items():
            taken[pipe] += ISSUED / rate
    return {pipe: count / _products(variant, tile) for pipe, count in taken.items()}


def instructions(variant: Variant, architecture: str, tile) -> dict[str, float]:
    """Return the instructions of each kind for a product of the loop, see `clocks`."""
    loop = _names(variant, architecture)
    kinds = Counter(
        next((kind for kind, names in KINDS.items() if re.match(names, name)), "other")
        for name in loop
    )
    return {kind: kinds[kind] / _products(variant, tile) for kind in (*KINDS, "other")}


def _names(variant, architecture):
    loop = loop_over_terms(variant, architecture)
    return [re.sub(r"^@!?U?P\w+ ", "", instruction).split()[0] for instruction in loop]


def _products(variant, tile):
    return _unroll(variant) * tile.thread_rows * tile.thread_columns


def _unroll(variant):
    source = (SOURCES / variant.source).read_text()
    return int(re.findall(r"k(?:Plain)?Unroll = ([1-9])", source)[-1])


def _pipes(name, architecture) -> dict[str, float]:
    """Return the pipes that an instruction goes through, and its results a clock of each."""
    operation = name.split(".")[0]
    if operation == "LDS":
        if re.search(r"\.[SU](8|16)", name):  # a product from a table
            return {"shared": SHARED_WORDS / TABLE_CONFLICTS}
        words = loaded_words(name)
        return {"shared": SHARED_WORDS * 2 / max(words, 2)}  # half of a warp reads the same words
    if re.fullmatch(_FLOATS, operation):
        return {"float": FLOATS_AT_ONCE[architecture]}
    if re.fullmatch(_MULTIPLY, operation):
        return {"float": FLOATS_AT_ONCE[architecture], "multiply": INTEGERS}
    if operation in ("DADD", "DMUL", "DFMA", "DSETP"):
        return {"double": DOUBLES_AT_ONCE[architecture]}
    if re.fullmatch(_CONVERT, operation):
        return {"conversion": CONVERSIONS}
    if re.fullmatch(_UNIFORM, operation):
        return {"other": ISSUED}
    return {"integer": INTEGERS}


def loaded_words(instruction: str) -> int:
    """Return the 32-bit words that a thread loads from shared memory."""
    load = re.search(r"\bLDS\S*", instruction)
    return int(next(iter(re.findall(r"\.(64|128)", load[0])), 32)) // 32 if load else 0


def disassembled(cubin: bytes) -> tuple[list[str], dict[str, int]]:
    """Return a kernel's instructions, and where among them each label is."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [find_nvidia_binary_utility("nvdisasm"), "-c", file.name]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    code, labels = [], {}
    for line in text.splitlines():
        if label := re.match(r"\.(L_\w+):", line.strip()):
            labels[label[1]] = len(code)
        elif instruction := re.match(r"\s*/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;", line):
            code.append(instruction[1])
    return code, labels


def _branches(code):
    for at, instruction in enumerate(code):
        if target := re.search(r"\bBRA\S*.*`\(\.(L_\w+)\)", instruction):
            yield at, target[1]


def _shortest(code, forward, first, last):
    """Return the shortest way through the instructions from `first` to `last`."""
    ways = {last: [code[last]]}
    for at in reversed(range(first, last)):
        nexts = {at + 1, forward.get(at, at + 1)}
        if at in forward and re.match(r"BRA(\.\w+)* `", code[at]):  # whatever holds
            nexts = {forward[at]}
        found = [ways[to] for to in nexts if to in ways]
        if found:
            ways[at] = [code[at], *min(found, key=len)]
    return ways[first]
