"""Study files as people get them wrong: each is refused with the key, what was expected, and what
came; and what multipliers and layer sets may be called."""

import dataclasses

import numpy as np
import pytest

from mbm_hw.cli import main
from mbm_hw.multipliers import MBM, Mitchell, Table, product_table
from mbm_hw.studies.data import load_data
from mbm_hw.studies.description import Layers, Study, read_study

KEYS = {
    "name": "x",
    "network": "a.py:b",
    "weights": "w.pt",
    "data": "{kind: digits, seed: 0, images: 2}",
    "specs": "[mbm8s]",
    "layers": "{each: '*'}",
    "metrics": "classification",
    "quantizer": "symmetric",
    "batch": "1",
    "algorithms": "direct",
}
WRONG = (
    *("3", "1.5", ".nan", ".inf", "true", "null", "{}", "[1]", "[[]]", "{1: 2}", "''", '"\\0"'),
    *("2020-01-01", "1" + 30 * "0", "0x" + 5000 * "f", "&a 1", "*a", "!!python/object:os.x y"),
)
RIGHT = {("batch", "3"), ("layers", "{}")}


def read(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return read_study(path)


def read_with(tmp_path, **changed):
    return read(tmp_path, "\n".join(f"{key}: {value}" for key, value in (KEYS | changed).items()))


@pytest.mark.parametrize("key", KEYS)
def test_a_value_of_another_type_is_one_line_that_names_the_key(tmp_path, key):
    for value in WRONG:
        if (key, value) in RIGHT:
            continue
        with pytest.raises(ValueError, match=r"study\.yaml|data") as caught:
            load_data(read_with(tmp_path, **{key: value}).data)
        message = str(caught.value)
        assert "\n" not in message
        assert message.isprintable()
        assert key.rstrip("s") in message or "line" in message, message


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch": "2\nbatch: 3"}, "the key 'batch' is there twice .* line 10"),
        ({"data": "{kind: digits, seed: 1, seed: 2, images: 3}"}, "the key 'seed' is there twice"),
        ({"layers": '{all: "no"}'}, "layers.all must be true or false, not 'no'"),
        ({"layers": "{each: 3}"}, "layers.each must be printable text or false, not 3"),
        ({"layers": "{each: ''}"}, "layers.each must be printable text, not ''"),
        (
            {"layers": "{groups: {a: {b: c}}}"},
            "layers.groups.a must be printable text, not {'b': 'c'}",
        ),
        ({"layers": "{groups: {all: '*'}}"}, "layers.groups must not name a group 'all'"),
        ({"layers": "{groups: {none: '*'}}"}, "layers.groups must not name a group 'none'"),
        ({"layers": "{groups: {'': '*'}}"}, "the key '' of layers.groups must be a name of 1 to"),
        ({"layers": "{each: false, all: false}"}, "layers must name a layer set"),
        ({"specs": "[{sepc: mbm8s}]"}, r"specs\[0\] has no key 'sepc'; known: spec, table, name"),
        ({"specs": "[mbm8s, 8]"}, r"specs\[1\] must be text or a mapping .*, not 8"),
        ({"specs": "[{spec: mbm8s, table: x.csv}]"}, "the key 'spec' or the key 'table', and not"),
        ({"specs": "[{spec: mbm8s, signed: true}]"}, "signed and sign_magnitude go with a table"),
        ({"specs": "[{spec: mbm8s, name: 8}]"}, "specs: an entry's name must be a name of 1 to 40"),
        ({"data": "{kind: digits, seed: 0, images: 2, more: 1}"}, "kind digits has no key 'more'"),
        ({"data": "{kind: cifar10, folder: 3, images: 2}"}, "data.folder must be .*text, not 3"),
        ({"name": "../../evil"}, "name must be one plain folder name .*, not '../../evil'"),
        ({"name": "/evil"}, "name must be one plain folder name"),
        ({"name": ".."}, "name must be one plain folder name"),
        ({"data": 30 * "[" + 30 * "]"}, "more than 20 levels"),
        ({"data": "x" * 70_000}, "at most 65536 bytes"),
        ({"specs": "[mbm٨s]"}, "no multiplier is called 'mbm٨s'"),
    ],
)
def test_what_a_key_must_not_be_is_said(tmp_path, changed, message):
    with pytest.raises(ValueError, match=message):
        load_data(read_with(tmp_path, **changed).data)


def test_a_file_that_grows_when_it_is_read_is_refused_at_once(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join(10 * [f'*a{i - 1}'])}]" for i in range(1, 9)]
    with pytest.raises(ValueError, match=r"anchors .* are not read"):
        read(tmp_path, "\n".join(lines))
    with pytest.raises(ValueError, match="UTF-8"):
        (tmp_path / "study.yaml").write_bytes(b"name: \xff\xfe")
        read_study(tmp_path / "study.yaml")


def test_a_message_is_one_printable_line_of_300_characters(tmp_path, capsys):
    (tmp_path / "x.yaml").write_text(f'network: {"n" * 2000}\nspecs: ["\\e[31m\\u202e{"m" * 900}"]')
    with pytest.raises(SystemExit, match="2"):
        main(["study", "run", str(tmp_path / "x.yaml")])
    (line,) = capsys.readouterr().err.splitlines()
    assert len(line) <= 300
    assert line.isprintable()
    assert "x.yaml" in line


# ---- Names of multipliers ---------------------------------------------------------------------


def test_multipliers_may_have_names(tmp_path):
    np.save(tmp_path / "t.npy", product_table(MBM(8)))
    table = f"{{table: {tmp_path}/t.npy, sign_magnitude: true, name: 1L2H}}"
    study = read_with(tmp_path, specs=f"[{table}, {{spec: mbm8s, name: our own}}, mitchell8s]")
    assert list(map(study.name_of, study.all_specs)) == [
        *("exact9s", "exact8s", "1L2H", "our own", "mitchell8s")
    ]
    assert study.specs[0] == Table(product_table(MBM(8)), sign_magnitude=True)


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ("[{spec: mitchell8s, name: mbm8s}]", "mitchell8s must not have the name 'mbm8s'"),
        ("[{spec: mitchell8s, name: float}]", "must not have the name 'float'"),
        ("[{spec: mbm8s, name: a}, {spec: mbm16s, name: a}]", "2 multipliers have the name 'a'"),
        ("[{spec: mbm8s, name: a}, {spec: mbm8s, name: b}]", "'a' and 'b' name one multiplier"),
        ("[{spec: mbm8s, name: 'a|b'}]", "has no | and no"),
        ("[{spec: mbm8s, name: '" + 41 * "a" + "'}]", "a name of 1 to 40"),
        ('[{spec: mbm8s, name: "a\\nb"}]', "printable"),
    ],
)
def test_a_name_that_misleads_is_refused(tmp_path, specs, message):
    with pytest.raises(ValueError, match=message):
        read_with(tmp_path, specs=specs)


def test_only_what_is_studied_has_a_name():
    with pytest.raises(ValueError, match="'a' names mitchell8s, which is not studied"):
        Study(
            *("s", "n", "w", {}, (MBM(8, signed=True),), "depth"),
            names={Mitchell(8, signed=True): "a"},
        )


# ---- Layer sets -------------------------------------------------------------------------------


def test_a_study_can_ask_for_one_layer_set_only(tmp_path):
    names = ["a", "b", "c"]
    alone = read_with(tmp_path, layers="{each: false}").layers
    assert alone == Layers(each=False)
    assert alone.sets(names) == {"all": ("a", "b", "c")}
    group = Layers(each=False, all=False, groups={"ends": "[ac]"})
    assert group.sets(names) == {"ends": ("a", "c")}
    assert list(dataclasses.replace(group, all=True).sets(names)) == ["ends", "all"]


def test_no_group_is_called_as_a_layer():
    layers = Layers(each="a", groups={"b": "*"})
    for names, left in ((["a", "b"], {}), (["a"], {"b": "a subclass"})):
        with pytest.raises(ValueError, match="must not name a group 'b', which is a layer"):
            layers.sets(names, left)
