"""Which kernel multiplies for a spec, and what it is compiled with."""

import functools
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mbm_hw.multipliers import FloatSpec, IntegerSpec
from mbm_hw.multipliers.lowering import ExactProducts, LogProducts
from mbm_hw.ops.codes import code_dtype, sum_dtype
from mbm_hw.ops.cuda.compiler import Variant
from mbm_hw.ops.cuda.multiprocessor import Multiprocessor
from mbm_hw.ops.cuda.tiles import LARGE, MEDIUM, TALL, TILES, WIDE, Tile, tile_for
from mbm_hw.ops.operands import refuse_capture
from mbm_hw.ops.spec_values import SpecValues, product_table_tensor, spec_of

C_TYPES = {
    torch.int8: "int8_t",
    torch.uint8: "uint8_t",
    torch.int16: "int16_t",
    torch.int32: "int32_t",
    torch.int64: "int64_t",
}
TABLE_CONFLICTS = 3.2
"""Clocks of shared memory for a warp's load of products, where all codes are as frequent."""


@dataclass(frozen=True)
class Products:
    """The policy of a kernel.

    variant : without the tile's macros. name : where its products come from, for people.
    shared_bytes : of the policy, before the panels. operand_bytes : of an x and a w in panels.
    entry_dtype : what a table is given as.
    largest : the tile of large convolutions: small for products of many instructions, whose code 64
    of them would not be good for. many_registers : a multiprocessor holds half the blocks.
    max_terms : of a sum that is exact.
    instructions : that a product takes, of one thread; doubles : those on doubles.
    """

    variant: Variant
    name: str
    shared_bytes: int = 0
    operand_bytes: tuple[int, int] = (4, 4)
    entry_dtype: torch.dtype | None = None
    largest: Tile = LARGE
    many_registers: bool = False
    max_terms: int = 2**31
    instructions: float = 2
    doubles: int = 0

    def table(self, spec: SpecValues, device: torch.device, swapped: bool = False) -> Tensor | None:
        """Return the table that the kernel takes: [2**width of w][2**width of x], contiguous.

        swapped : for weights as the first operand.
        """
        if self.entry_dtype is None:
            return None
        if spec.table is None:
            return _kept_table(spec_of(spec), self.entry_dtype, device, swapped)
        table = spec.table if swapped else spec.table.t()
        return table.to(device, self.entry_dtype).contiguous()

    def tile(self, positions: int, outputs: int, groups: int, multiprocessors: int) -> Tile:
        """Return the tile of a convolution; see `tiles.tile_for`."""
        tile = tile_for(positions, outputs, groups, multiprocessors, self.largest)
        return self.adapted(tile)

    def block_bytes(self, tile: Tile) -> int:
        """Return the shared memory that a block takes."""
        return self.shared_bytes + tile.panel_bytes(*self.operand_bytes)

    def adapted(self, tile: Tile) -> Tile:
        """Return `tile` with as many blocks to a multiprocessor as the registers allow."""
        return replace(tile, blocks=-(-tile.blocks // 2)) if self.many_registers else tile

    def rate(self, device: Multiprocessor, tile) -> float:
        """Return the products a clock that a multiprocessor should make in full tiles: derived."""
        clocks = self.instructions / device.lanes, self.doubles / device.doubles
        return 1 / max(clocks)


def integer_products(spec: SpecValues, shared_limit: int) -> Products:
    """Return what multiplies for `spec`; shared_limit : a block's shared memory in bytes."""
    macros = {"CODE": C_TYPES[code_dtype(spec)], "SUM": C_TYPES[sum_dtype(spec)]}
    if spec.table is not None:
        return _table(spec, macros, shared_limit)
    lowering = spec_of(spec).lowering()
    return _INTEGER_PRODUCTS.get(type(lowering), _kept)(spec, lowering, macros, shared_limit)


def _exact(spec, lowering, macros, shared_limit):
    return Products(_variant("exact.cu", macros), "integer products", instructions=2)  # IMAD


def _kept(spec, lowering, macros, shared_limit):
    """A product table that is made from the spec."""
    return _table(spec, macros, shared_limit)


def _logarithmic(spec, lowering, macros, shared_limit):
    is_plain = not any((lowering.truncation, *lowering.corrections))
    is_plain &= lowering.small_characteristic < 0
    if is_plain and spec.width <= 8:
        # A float sums so many of the largest products exactly.
        macros["FLUSH_TERMS"] = 1 << (24 - 2 * (spec.width - spec.signed))
        largest = LARGE if spec.signed else MEDIUM
        return Products(_variant("pattern.cu", macros), "floating-point patterns", largest=largest)
    without_carry, with_carry = lowering.corrections
    if spec.width > 8:
        # A pattern, its sum, [corrections and lower words, corners' keys]: see bench.cuda --floors.
        corrections = (without_carry > 0) + (without_carry != 2 * with_carry)
        has_corner = lowering.small_characteristic >= 0
        return Products(
            _variant("wide_pattern.cu", macros | _log_macros(spec.width, lowering)),
            "patterns of doubles",
            operand_bytes=(8, 16) if has_corner else (4, 4),
            largest=TALL,
            many_registers=has_corner,
            max_terms=1 << (50 - 2 * (spec.width - spec.signed)),
            instructions=2.5 + 2 * corrections + 0.7 * has_corner,
            doubles=1 + corrections,
        )
    table = _table(spec, macros, shared_limit)
    return table if table.shared_bytes else log_products(spec)


_INTEGER_PRODUCTS = {ExactProducts: _exact, LogProducts: _logarithmic}


def log_products(spec: SpecValues) -> Products:
    """Return what multiplies step by step for any logarithmic spec."""
    macros = {"CODE": C_TYPES[code_dtype(spec)], "SUM": C_TYPES[sum_dtype(spec)]}
    variant = _variant("log.cu", macros | _log_macros(spec.width, spec_of(spec).lowering()))
    return Products(variant, "logarithms", largest=MEDIUM, instructions=35)


def float_products(spec: FloatSpec) -> Products:
    """Return what multiplies for a float spec."""
    lowering = spec.lowering()
    if type(lowering) not in (ExactProducts, LogProducts) or getattr(lowering, "offset", 0):
        raise ValueError(f"{spec}: no CUDA kernel has its products")
    exact = spec.is_exact
    without_carry, with_carry = (0, 0) if exact else lowering.corrections
    macros = {
        "EXPONENT_BITS": spec.exponent_bits,
        "MANTISSA_BITS": spec.mantissa_bits,
        "TRUNCATION": 0 if exact else lowering.truncation,
        "FORCED": int(not exact and lowering.forced),
        "EXACT": int(exact),
        "CORRECTION": without_carry,
        "CORRECTION_WITH_CARRY": with_carry,
    }
    name = "float products" if exact else "float patterns"
    # Of plain panels: patterns, [comparison, correction,] sum; or product, [rounding,] sum. Scaled
    # sums, of few exponent bits, take a comparison. See `python -m bench.cuda --floors`.
    instructions = (2 if spec.mantissa_bits == 23 else 6) if exact else 4 if without_carry else 2
    instructions += spec.exponent_bits <= 6
    masked = not exact and spec.exponent_bits > 6
    return Products(
        _variant("float.cu", macros),
        name,
        operand_bytes=(8 if masked else 4, 16 if without_carry else 4),
        largest=WIDE,
        instructions=instructions,
    )


def _table(spec, macros, shared_limit):
    panels = max(tile.panel_bytes(4, 4) for tile in TILES)
    in_shared = spec.width <= 8 and (2 << (2 * spec.width)) + panels <= shared_limit
    if spec.width <= 8:
        entry, dtype = ("int16_t", torch.int16) if spec.signed else ("uint16_t", torch.uint16)
    else:
        entry, dtype = "int32_t", torch.int32
    macros |= {"WIDTH": spec.width, "ENTRY": entry, "IN_SHARED": int(in_shared)}
    shared_bytes = 2 << (2 * spec.width) if in_shared else 0
    name = "table in shared memory" if in_shared else "table in memory"
    # A load for each product, in shared memory of 32 lanes; see tests/test_cuda_sources.py.
    instructions = TABLE_CONFLICTS * 128 / 32
    variant = _variant("table.cu", macros)
    largest = MEDIUM if sum_dtype(spec) == torch.int64 else LARGE
    memory = {"shared_bytes": shared_bytes, "entry_dtype": dtype}
    return Products(variant, name, **memory, largest=largest, instructions=instructions)


@functools.cache
def _kept_table(
    spec: IntegerSpec, dtype: torch.dtype, device: torch.device, swapped: bool
) -> Tensor:
    """Return the table of a spec that brings none; kept, so that captured graphs can use it."""
    refuse_capture(spec)
    table = product_table_tensor(spec)
    return (table if swapped else table.t()).to(device, dtype).contiguous()


def _log_macros(width: int, lowering: LogProducts):
    without_carry, with_carry = lowering.corrections
    return {
        "WIDTH": width,
        "TRUNCATION": lowering.truncation,
        "CORRECTION": without_carry,
        "CORRECTION_WITH_CARRY": with_carry,
        "SMALL_CHARACTERISTIC": lowering.small_characteristic,
    }


def _variant(source, macros):
    return Variant(source, tuple((f"MBM_HW_{name}", str(value)) for name, value in macros.items()))
