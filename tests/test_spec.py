import copy
import pickle

import numpy as np
import pytest

from mbm_hw.multipliers import (
    CATALOG,
    MBM,
    Exact,
    FloatMBM,
    FloatMitchell,
    IntegerSpec,
    Mitchell,
    Table,
    find_spec,
    product_table,
    spec_name,
)


@pytest.mark.parametrize(
    ("family", "parameters", "message"),
    [
        (MBM, {"width": 3}, "MBM: width must be an integer 4 to 32, not 3"),
        (MBM, {"width": 33}, "MBM: width must be an integer 4 to 32, not 33"),
        (Exact, {"width": 8.0}, "Exact: width must be an integer 4 to 32, not 8.0"),
        (Exact, {"width": True}, "Exact: width must be an integer 4 to 32, not True"),
        (Mitchell, {"width": "8"}, "Mitchell: width must be an integer 4 to 32, not '8'"),
        (MBM, {"truncation": 7}, "MBM: truncation must be an integer 0 to 6, not 7"),
        (MBM, {"truncation": 6, "signed": True}, "truncation must be an integer 0 to 5, not 6"),
        (MBM, {"truncation": -1}, "MBM: truncation must be an integer 0 to 6, not -1"),
        (Mitchell, {"width": 4, "truncation": 3}, "truncation must be an integer 0 to 2, not 3"),
        (MBM, {"signed": 1}, "MBM: signed must be True or False, not 1"),
    ],
)
def test_illegal_specs_cannot_be_constructed(family, parameters, message):
    with pytest.raises(ValueError, match=message):
        family(**parameters)


@pytest.mark.parametrize("width", [4, 5, 8, 16, 32])
@pytest.mark.parametrize("family", [Mitchell, MBM])
def test_every_legal_truncation_can_be_constructed(family, width):
    for truncation in range(width - 1):
        assert family(width, truncation).truncation == truncation
    for truncation in range(width - 2):
        assert family(width, truncation, signed=True).signed


@pytest.mark.parametrize("spec", [*CATALOG.values(), Table(product_table(Exact(4)))], ids=str)
def test_specs_are_frozen_hashable_and_copyable(spec):
    for copied in (copy.deepcopy(spec), pickle.loads(pickle.dumps(spec))):
        assert copied == spec
        if isinstance(copied, Table):
            assert not copied.array.flags.writeable
        assert hash(copied) == hash(spec)
    with pytest.raises(AttributeError):
        spec.width = 5


def test_numpy_parameters_give_the_same_spec():
    assert MBM(np.int64(8), np.uint8(2), np.bool_(True)) == MBM(8, 2, True)
    assert type(MBM(np.int64(8)).width) is int


def test_a_spec_prints_as_what_builds_it():
    assert repr(MBM(16, 8)) == "MBM(width=16, truncation=8, signed=False)"
    assert MBM(16, 8).identifier == "mbm16_t8"
    assert Exact(8, signed=True).identifier == "exact8s"


def test_derived_numbers():
    spec = MBM(8, signed=True)
    assert (spec.product_width, spec.fraction_width, spec.small_characteristic) == (16, 7, 6)
    assert (spec.operand_min, spec.operand_max, spec.magnitude_max) == (-128, 127, 128)
    assert MBM(8).corrections == (10, 5)
    assert MBM(16).corrections == (10 << 8, 5 << 8)
    assert MBM(4).corrections == (10 >> 4, 5 >> 4) == (0, 0)
    assert MBM(6).corrections == (10 >> 2, 5 >> 2) == (2, 1)
    assert MBM(8, truncation=2).corrections == (8, 4)
    assert MBM(8, truncation=3).corrections == (8, 0)
    assert Mitchell(8).corrections == (0, 0)


def test_twins_differ_in_sign_only():
    assert MBM(16, 8).twin(signed=True) == MBM(16, 8, signed=True)
    assert MBM(16, 8, signed=True).twin(signed=False) == MBM(16, 8)
    table = Table(product_table(MBM(4)))
    assert table.twin(signed=False) is table
    with pytest.raises(ValueError, match="has no signed twin"):
        table.twin(signed=True)


def test_tables_are_equal_by_content():
    array = product_table(MBM(4))
    table = Table(array)
    assert table == Table(array.astype(np.uint16))
    assert table != Table(product_table(Mitchell(4)))
    assert table != Table(array, sign_magnitude=True)
    array[0, 0] = 1
    assert table.array[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        table.array[0, 0] = 1


def test_a_sign_magnitude_table_has_one_bit_more():
    table = Table(product_table(MBM(8)), sign_magnitude=True)
    assert (table.width, table.signed, table.operand_min, table.operand_max) == (9, True, -255, 255)


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (np.zeros((4, 8), int), {}, r"must be \[2\*\*w, 2\*\*w\], w 2 to 12, not \[4, 8\]"),
        (np.zeros((6, 6), int), {}, r"not \[6, 6\]"),
        (np.zeros((2, 2), int), {}, r"not \[2, 2\]"),
        (np.zeros((4, 4, 4), int), {}, r"not \[4, 4, 4\]"),
        (np.int64(3), {}, r"not \[\]"),
        (np.zeros((0, 0), int), {}, r"not \[0, 0\]"),
        (np.zeros((8192, 8192), np.int8), {}, r"w 2 to 12, not \[8192, 8192\]"),
        (np.zeros((4096, 4096), np.int8), {"sign_magnitude": True}, "w 2 to 11"),
        (np.zeros((16, 16)), {}, "array must hold integers, not float64"),
        (np.full((4, 4), 16), {}, r"array\[0, 0\] must be 0 to 15, not 16"),
        (np.full((4, 4), -1), {}, r"array\[0, 0\] must be 0 to 15, not -1"),
        (np.full((4, 4), 8), {"signed": True}, r"array\[0, 0\] must be -8 to 7, not 8"),
        (np.zeros((4, 4), int), {"signed": 1}, "signed must be True or False, not 1"),
    ],
)
def test_illegal_tables_are_named(array, options, message):
    with pytest.raises(ValueError, match=message):
        Table(array, **options)


def test_catalog_names_are_the_specs_identifiers():
    for name, spec in CATALOG.items():
        assert find_spec(name) is spec
        assert spec_name(spec) == name
        if isinstance(spec, IntegerSpec):
            assert spec.identifier == name
        assert find_spec(spec.identifier) == spec, "an identifier is never another's name"
    required = "mbm8 mbm8s mitchell8 mitchell8s exact8 exact8s mbm16 mbm16_t8 mbm16s mbm32"
    assert set(required.split()) <= set(CATALOG)


def test_identifiers_outside_the_catalog_are_found():
    assert find_spec("mbm10s_t1") == MBM(10, 1, signed=True)
    assert find_spec("exact12") == Exact(12)
    assert find_spec("mbm_e4m3_plain") == find_spec("mbm_e4m3") == FloatMBM(4, 3)
    assert find_spec("mbm_bf16_lsb") == FloatMBM(8, 7, force_lsb=True)
    assert find_spec("mitchell_fp16_t3") == FloatMitchell(5, 10, truncation=3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mbm\uff18", "no multiplier is called 'mbm\uff18'"),
        ("mbm8S", "no multiplier is called 'mbm8S'; did you mean mbm8.*; known families: "),
        ("mbm40", "MBM: width must be an integer 4 to 32, not 40"),
        ("mbm8s_t6", "truncation must be an integer 0 to 5, not 6"),
        ("exact8_t1", "Exact has no parameter 't1'; it has none"),
        ("mitchell_bf16_lsb", "FloatMitchell has no parameter 'lsb'; it has truncation"),
        ("mbm_e9m3", "FloatMBM: exponent_bits must be an integer 2 to 8, not 9"),
        ("", "no multiplier is called ''"),
        ("x" * 10**6, r"no multiplier is called 'x{10,20}\.\.\.x{10,20}'; known families: "),
    ],
)
def test_unknown_names_are_explained(name, message):
    with pytest.raises(ValueError, match=message):
        find_spec(name)
