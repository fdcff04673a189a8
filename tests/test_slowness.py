from mbm_hw import DRUM, MBM, Exact, FloatMBM, Table, product_table
from mbm_hw.studies import slowness
from mbm_hw.studies.slowness import is_by_table, slow_multipliers

TABLE9 = Table(product_table(MBM(9, signed=True)), signed=True)


def test_tables_in_memory_alone_may_be_slow():
    assert is_by_table(TABLE9)
    fast = MBM(8, signed=True), MBM(16, signed=True), DRUM(width=16, k=6), FloatMBM(8, 7), Exact(16)
    assert not any(map(is_by_table, fast))


def test_a_slow_multiplier_is_named_with_the_time_that_it_takes(monkeypatch):
    monkeypatch.setattr(slowness, "SLOW", 0)
    (line,) = slow_multipliers({TABLE9: "mine", MBM(8, signed=True): "mbm8s"}, 10**9)
    assert line.startswith("mine is slow: about ")
    assert line.endswith(" min for this study")


def test_a_fast_multiplier_is_not_named(monkeypatch):
    monkeypatch.setattr(slowness, "SLOW", 10**9)
    assert not list(slow_multipliers({TABLE9: "mine"}, 10**9))
