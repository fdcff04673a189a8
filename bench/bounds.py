"""How fast a kernel can be at best: its instructions, counted where its source says them.

Ref: the opening comments of mbm_hw/ops/cpu/kernels/*_kernel.cpp.
"""

from fractions import Fraction

from bench.cases import TABLE

# Vector instructions for as many products as a register has float32 lanes. Tables on AVX-512 are
# those of codes from 0 to 127, as after a ReLU; on AVX2 what they take depends on the codes.
INSTRUCTIONS = {
    "avx512": {
        **dict.fromkeys((TABLE, "mitchell8s", "mbm8s", "mbm8s_t2"), Fraction(8, 4)),
        "exact8s": Fraction(1, 2),
        "mbm12s": Fraction(3),
        "mitchell16s": Fraction(4),
        "mbm16s": Fraction(5),
        "mbm16s_t8": Fraction(5),
    },
    "avx2": {
        "exact8s": Fraction(1),
        "mitchell8s": Fraction(2),
        "mbm8s": Fraction(3),
        "mbm8s_t2": Fraction(4),
        "mbm12s": Fraction(7, 2),
        "mitchell16s": Fraction(4),
        "mbm16s": Fraction(5),
        "mbm16s_t8": Fraction(5),
    },
}
PER_MULTIPLY_ADD = 2
"""Vector instructions that start for a fused multiply-add that does: 4 for 2 on Zen 3, of 256 bits;
2 for 1 on Zen 4, of 512."""


def bound(isa: str, spec: str, exact_rate: float) -> float | None:
    """Return the products a second that the instructions allow, None where they are not counted.

    exact_rate : the best of the exact layers in the same run, products a second, each a lane of a
        fused multiply-add: as many as the machine was seen to do.
    """
    instructions = INSTRUCTIONS.get(isa, {}).get(spec)
    return None if instructions is None else PER_MULTIPLY_ADD * exact_rate / float(instructions)
