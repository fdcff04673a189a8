"""Damaged stores. `store_damage` has the trials, and runs many of them from the command line."""

from contextlib import closing

import pytest
from store_damage import PAGE, ROWS, key, outcome, right_row, trial, whole_store

from mbm_hw.studies import store_contents
from mbm_hw.studies.store import Store


@pytest.mark.parametrize("seed", range(40))
def test_a_store_that_is_damaged_shows_no_wrong_number(seed, tmp_path):
    trial(seed, tmp_path, in_log=bool(seed % 2))


def store_with_another_digit(folder):
    """Return a store in which a digit of row 75's figures is another one."""
    path = folder / "study.sqlite"
    contents = whole_store(in_log=False)[""]
    figure = str(right_row(75)["a3"]).encode()
    path.write_bytes(contents.replace(figure, figure[:-1] + (b"1" if figure[-1] != 49 else b"2")))
    return path


def test_without_checksums_the_trial_fails(tmp_path, monkeypatch):
    path = store_with_another_digit(tmp_path)
    monkeypatch.setattr(store_contents, "is_sound", lambda *row: True)
    with pytest.raises(AssertionError, match="a wrong row is read"):
        outcome(path)


def test_one_changed_digit_costs_one_row_and_is_said_in_one_line(tmp_path, caplog):
    path = store_with_another_digit(tmp_path)
    damaged = path.read_bytes()
    with closing(Store(path)) as store:
        (message,) = [record.getMessage() for record in caplog.records]
        assert message == (
            f"{path} was damaged (row 76 of its units does not have its checksum): its 149 sound "
            "rows are kept, others are computed again, and the damaged file is now "
            "study.sqlite.damaged1"
        )
        assert [i for i in range(ROWS) if store.get(key(i)) is None] == [75]
        assert store.descriptions() == [{"name": "damaged"}]
    assert (tmp_path / "study.sqlite.damaged1").stat().st_size == len(damaged)
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name, f"{path.name}.damaged1"]
    caplog.clear()
    Store(path).close()
    assert not caplog.records, "the new store is sound"


def test_without_its_first_page_a_store_keeps_its_rows(tmp_path):
    path = tmp_path / "study.sqlite"
    contents = whole_store(in_log=False)[""]
    path.write_bytes(contents[:100] + bytes(PAGE - 100) + contents[PAGE:])
    with closing(Store(path)) as store:
        assert [store.get(key(i)) for i in range(ROWS)] == [*map(right_row, range(ROWS))]


def test_the_first_half_of_a_store_keeps_its_rows(tmp_path):
    path = tmp_path / "study.sqlite"
    contents = whole_store(in_log=False)[""]
    path.write_bytes(contents[: len(contents) // 2])
    with closing(Store(path)) as store:
        found = [store.get(key(i)) for i in range(ROWS)]
    assert sum(row is not None for row in found) > ROWS // 4
    assert all(row in (None, right_row(i)) for i, row in enumerate(found))


def test_a_second_damaged_file_does_not_replace_the_first(tmp_path):
    path = store_with_another_digit(tmp_path)
    damaged = path.read_bytes()
    for _ in range(2):
        path.write_bytes(damaged)
        Store(path).close()
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == [path.name, f"{path.name}.damaged1", f"{path.name}.damaged2"]


def test_a_row_that_was_sound_when_the_store_was_opened_is_not_shown(tmp_path, monkeypatch):
    monkeypatch.setattr("mbm_hw.studies.store.find_damage", lambda database: "")
    with closing(Store(store_with_another_digit(tmp_path))) as store:
        with pytest.raises(ValueError, match=rf"study\.sqlite: the row {key(75)} is damaged"):
            store.get(key(75))
        assert store.get(key(74)) == right_row(74)


def test_a_damaged_store_that_another_process_uses_is_left(tmp_path):
    path = tmp_path / "study.sqlite"
    path.write_bytes(whole_store(in_log=False)[""])
    with closing(Store(path)) as other:
        damaged = store_with_another_digit(tmp_path).read_bytes()
        with pytest.raises(ValueError, match=r"is damaged .*, and another process uses it"):
            Store(path)
        assert path.read_bytes() == damaged
        assert other.get(key(74)) == right_row(74)


def test_an_empty_file_beside_the_log_of_its_rows_is_not_taken_for_a_new_store(tmp_path):
    path = tmp_path / "study.sqlite"
    path.touch()
    log = tmp_path / "study.sqlite-wal"
    log.write_bytes(whole_store(in_log=True)["-wal"])
    before = log.read_bytes()
    with pytest.raises(ValueError, match=r"is empty, but study\.sqlite-wal has rows of it: move"):
        Store(path)
    assert log.read_bytes() == before
