import torch

from mbm_hw import DRUM, MBM, Exact, FloatMBM, Table, product_table
from mbm_hw.studies import slowness
from mbm_hw.studies.slowness import is_by_table, slow_multipliers

TABLE9 = Table(product_table(MBM(9, signed=True)), signed=True)


def test_tables_in_memory_alone_may_be_slow():
    assert is_by_table(TABLE9)
    fast = MBM(8, signed=True), MBM(16, signed=True), DRUM(width=16, k=6), FloatMBM(8, 7), Exact(16)
    assert not any(map(is_by_table, fast))


def test_a_slow_multiplier_is_named_with_the_time_that_it_takes(monkeypatch):
    """Exact: 2 ms for 5,308,416 products; by the table: 50 ms, so 94 s for 10**10."""
    times = iter([0.002, 0.05])
    monkeypatch.setattr(slowness, "_seconds", lambda function: next(times))
    names = {TABLE9: "mine", MBM(8, signed=True): "mbm8s"}
    assert list(slow_multipliers(names, 10**10)) == [
        "mine is slow: about 25 times the exact float32 layers, some 1.6 min for this study"
    ]


def test_what_is_timed_has_operands_of_the_spec():
    x, w = slowness._operands(TABLE9, torch.ones(1, 2, 4, 4), -torch.ones(3, 2, 3, 3))
    assert x.dtype == w.dtype == torch.int16
    assert (x == 255).all()
    assert (w == -255).all()


def test_a_fast_multiplier_is_not_named(monkeypatch):
    monkeypatch.setattr(slowness, "SLOW", 10**9)
    assert not list(slow_multipliers({TABLE9: "mine"}, 10**9))
