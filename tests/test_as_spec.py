"""Wherever a spec is taken, its name is; anything else is one TypeError."""

import numpy as np
import pytest
import torch

from mbm_hw import CATALOG, MBM, Exact, FloatMBM, Table, as_spec, ops
from mbm_hw.cost import builds, uniform
from mbm_hw.hdl import exported, memory_table, to_verilog
from mbm_hw.hdl.engine.parameters import EngineParameters
from mbm_hw.multipliers import multiply, product_table, spec_name
from mbm_hw.multipliers.differences import product_difference
from mbm_hw.multipliers.errors import error_histogram, error_metrics, pair_count
from mbm_hw.ops.cuda.factorization import factorize, rank


def test_a_spec_is_given_as_itself_or_by_its_name():
    table = Table(product_table(MBM(4)))
    for spec in (MBM(8), FloatMBM(8, 7), table):
        assert as_spec(spec) is spec
    assert as_spec("mbm8s") is CATALOG["mbm8s"]
    assert as_spec(np.str_("mbm10s_t1")) == MBM(10, 1, signed=True)
    assert spec_name("mbm_bf16_lsb") == "mbm_bf16"


A_NAME = r"^spec must be a multiplier spec such as MBM\(8\) or a name such as 'mbm8s', not "


@pytest.mark.parametrize(
    ("spec", "came"),
    [
        (5, "5"),
        (None, "None"),
        (b"mbm8", "b'mbm8'"),
        (MBM, "<class 'mbm_h.+MBM'>"),
        (["mbm8"], r"\['mbm8'\]"),
        (np.zeros((300, 300)), r"array\(\[.{,30}"),
    ],
)
@pytest.mark.parametrize(
    "entry",
    [
        as_spec,
        spec_name,
        lambda spec: multiply(spec, 1, 1),
        product_table,
        error_metrics,
        lambda spec: error_histogram(spec, np.arange(3)),
        pair_count,
        lambda spec: product_difference(spec, MBM(8)),
        lambda spec: product_difference(MBM(8), spec),
        rank,
        to_verilog,
        exported,
        builds,
        memory_table,
        uniform(9).patterns,
        lambda spec: EngineParameters(spec),
    ],
)
def test_anything_else_in_a_specs_place_is_one_type_error(entry, spec, came):
    with pytest.raises(TypeError, match=A_NAME + came + "$"):
        entry(spec)


def test_a_name_does_what_its_spec_does():
    spec = MBM(4, signed=True)
    assert multiply("mbm4s", -3, 7) == multiply(spec, -3, 7)
    assert np.array_equal(product_table("mbm4s"), product_table(spec))
    assert error_metrics("mbm4s") == error_metrics(spec)
    edges = np.arange(-20, 20)
    assert np.array_equal(error_histogram("mbm4s", edges), error_histogram(spec, edges))
    assert pair_count("mbm4s") == 256
    assert product_difference("mbm4s", "exact4s") == product_difference(spec, Exact(4, True))
    assert builds("exact8_p2") == builds(Exact(8)) == ("array", "booth")
    assert factorize("mbm4s").spec == spec
    assert np.array_equal(uniform(9).patterns("mbm4s"), uniform(9).patterns(spec))
    assert EngineParameters("mbm4s") == EngineParameters(spec)
    assert exported("mbm4s_p2") == to_verilog("mbm4s", pipeline=2) == to_verilog(spec, None, 2)
    with pytest.raises(TypeError, match="product_difference compares integer specs, not FloatMBM"):
        product_difference(spec, "mbm_bf16")


CODES = torch.arange(-8, 8, dtype=torch.int8).reshape(1, 1, 4, 4)
VALUES = CODES.float()


def test_operators_take_names():
    spec, float_spec = MBM(8, signed=True), CATALOG["mbm_bf16"]
    for operator, operands in ((ops.conv2d, CODES), (ops.matmul, CODES[0, 0])):
        assert torch.equal(
            operator(operands, operands, "mbm8s"), operator(operands, operands, spec)
        )
    for operator, operands in ((ops.float_conv2d, VALUES), (ops.float_matmul, VALUES[0, 0])):
        actual = operator(operands, operands, "mbm_bf16")
        assert torch.equal(actual, operator(operands, operands, float_spec))
    assert (ops.code_dtype("mbm16s"), ops.sum_dtype("mbm16s")) == (torch.int16, torch.int64)
    for name in ("mbm8s", "mbm_bf16"):
        assert ops.kernel_name(name) == ops.kernel_name(CATALOG[name])


@pytest.mark.parametrize(
    ("operator", "operands"),
    [
        (ops.conv2d, CODES),
        (ops.matmul, CODES[0, 0]),
        (ops.float_conv2d, VALUES),
        (ops.float_matmul, VALUES[0, 0]),
        (lambda x, w, spec: ops.code_dtype(spec), CODES),
        (lambda x, w, spec: ops.sum_dtype(spec), CODES),
        (lambda x, w, spec: ops.kernel_name(spec), CODES),
    ],
)
def test_operators_refuse_anything_else(operator, operands):
    with pytest.raises(TypeError, match=A_NAME + "8$"):
        operator(operands, operands, 8)
    with pytest.raises(ValueError, match="no multiplier is called 'mbn8'"):
        operator(operands, operands, "mbn8")


def test_a_spec_of_the_other_kind_is_told_its_operators():
    for operator in (ops.conv2d, ops.matmul):
        with pytest.raises(TypeError, match=r"FloatMBM.*: float_conv2d and float_matmul take"):
            operator(CODES, CODES, "mbm_bf16")
    for operator in (ops.float_conv2d, ops.float_matmul):
        with pytest.raises(TypeError, match=r"MBM\(width=8.*: conv2d and matmul take integer"):
            operator(VALUES, VALUES, "mbm8s")
