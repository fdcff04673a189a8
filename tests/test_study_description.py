import numpy as np
import pytest

from mbm_hw.multipliers import (
    CATALOG,
    MBM,
    Exact,
    FloatExact,
    FloatMitchell,
    Mitchell,
    Table,
    product_table,
)
from mbm_hw.studies.description import Layers, RandomWeights, Study, read_study

STUDY = """
network: models/depth_small.py:depth_small
weights: models/depth_small.pt
data: {kind: generated_rooms, seed: 7, images: 10}
specs: [mitchell8s, mbm8s, mbm16s]
layers: {each: "decoder.*", all: true}
metrics: depth
baseline: exact
"""


def written(tmp_path, text):
    path = tmp_path / "example.yaml"
    path.write_text(text)
    return path


def test_a_study_file_becomes_a_frozen_description(tmp_path):
    study = read_study(written(tmp_path, STUDY))
    assert study.name == "example"
    assert study.specs == (Mitchell(8, signed=True), MBM(8, signed=True), MBM(16, signed=True))
    assert study.layers == Layers(each="decoder.*", all=True)
    assert study.baseline(study.specs[2]) == Exact(16, signed=True)
    assert study.all_specs[:2] == (Exact(8, signed=True), Exact(16, signed=True))
    with pytest.raises(AttributeError):
        study.name = "other"


def test_random_weights_are_named_as_such_and_nothing_else_is(tmp_path):
    text = STUDY.replace("models/depth_small.pt", "{random: 3}")
    study = read_study(written(tmp_path, text))
    assert study.weights == RandomWeights(3)
    assert (study.has_random_weights, study.weights_name) == (True, "random, seed 3")
    named = read_study(written(tmp_path, text.replace("{random: 3}", "nets/random.pt")))
    assert (named.has_random_weights, named.weights_name) == (False, "random.pt")
    for wrong, message in (("{random: -1}", "at least 0"), ("{seed: 1}", "no key 'seed'")):
        with pytest.raises(ValueError, match=message):
            read_study(written(tmp_path, text.replace("{random: 3}", wrong)))


def test_a_table_file_can_be_studied(tmp_path):
    np.save(tmp_path / "t.npy", product_table(MBM(8)))
    table = "{table: %s, sign_magnitude: true}" % (tmp_path / "t.npy")
    study = read_study(written(tmp_path, STUDY.replace("mbm16s", table)))
    assert study.specs[2] == Table(product_table(MBM(8)), sign_magnitude=True)
    assert study.baseline(study.specs[2]) == Exact(9, signed=True)


def test_algorithms_go_with_the_specs_that_they_take(tmp_path):
    text = STUDY.replace("mbm16s]", "mbm_bf16]\nalgorithms: [direct, fft]")
    study = read_study(written(tmp_path, text))
    found = [(spec.identifier, algorithm) for spec, algorithm in study.multipliers]
    assert found[:3] == [("exact8s", "direct"), ("exact_bf16", "direct"), ("exact_bf16", "fft")]
    assert [algorithm for spec, algorithm in found if spec == "mbm8s"] == ["direct"]
    assert read_study(written(tmp_path, STUDY)).algorithms == ("direct",)


def test_data_stands_for_the_data_folder(tmp_path):
    path = written(tmp_path, STUDY.replace("models/depth_small.pt", "'{data}/x.pt'"))
    assert read_study(path, data="/sets").weights == "/sets/x.pt"
    with pytest.raises(ValueError, match="needs the data folder: give --data FOLDER"):
        read_study(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metrics:", "metric:", "a study has no key 'metric'; known: name, network, weights, data"),
        ("weights: models/depth_small.pt", "", "a study needs the key 'weights'"),
        ("each:", "every:", "layers has no key 'every'; known: each, all, groups"),
        ("mbm8s", "mbm8", "networks need signed operands: mbm8s, not mbm8"),
        ("metrics:", "algorithms: toom\nmetrics:", "algorithm must be one of direct, winograd, "),
        ("metrics:", "algorithms: fft\nmetrics:", "algorithms: fft takes none of the specs"),
        ("mbm8s", "mbm9x", "no multiplier is called 'mbm9x'"),
        ("[mitchell8s, mbm8s, mbm16s]", "[]", "specs must name at least one multiplier"),
        ("baseline: exact", "baseline: float", "baseline must be exact"),
        ("baseline: exact", "batch: 0", "batch must be an integer of at least 1, not 0"),
        (
            '{each: "decoder.*", all: true}',
            "3",
            "layers must be a mapping .*, not 3",
        ),
        ("[mitchell8s, mbm8s, mbm16s]", "[", "example.yaml: while parsing"),
    ],
)
def test_a_bad_study_is_one_clear_line(old, new, message, tmp_path):
    with pytest.raises(ValueError, match=message) as caught:
        read_study(written(tmp_path, STUDY.replace(old, new)))
    assert "\n" not in str(caught.value)
    assert "example.yaml" in str(caught.value)


def test_a_file_that_is_no_mapping_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a study is a mapping of keys to values"):
        read_study(written(tmp_path, "- network"))


def test_layer_sets_are_single_layers_groups_and_all():
    names = ["encoder.a", "decoder.b", "decoder.c"]
    layers = Layers(each="decoder.*", groups={"ends": "*[ac]"})
    assert layers.sets(names) == {
        "decoder.b": ("decoder.b",),
        "decoder.c": ("decoder.c",),
        "ends": ("encoder.a", "decoder.c"),
        "all": ("decoder.b", "decoder.c"),
    }
    assert list(Layers(all=False).sets(names)) == names
    with pytest.raises(ValueError, match=r"no layer matches 'up'; known: encoder\.a, dec"):
        Layers(each="up").sets(names)


def test_float_specs_are_compared_with_exact_ones_of_their_format(tmp_path):
    study = read_study(written(tmp_path, STUDY.replace("mbm16s", "mbm_bf16, mitchell_fp16")))
    assert study.specs[2:] == (CATALOG["mbm_bf16"], FloatMitchell(5, 10))
    assert study.baseline(study.specs[2]) == FloatExact(8, 7)
    assert study.all_specs[:3] == (Exact(8, signed=True), FloatExact(8, 7), FloatExact(5, 10))


def test_unsigned_and_empty_specs_cannot_be_studied():
    with pytest.raises(ValueError, match="networks need signed operands: mbm8s, not mbm8"):
        Study("s", "n", "w", {}, (MBM(8),), "depth")
