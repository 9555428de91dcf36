"""What a file says of itself, and every way in which a file can be wrong."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from edge_graphs import describe, description, description_2
from probe_graphs import SIDE, classes, conv, convert, deep

import edge
from edge.errors import InputError
from edge.graph import read_graph
from edge.tflite_file import read_card
from zoo.outputs.palettes import voc_palette
from zoo.outputs.score import Score

ROOT = Path(__file__).parents[2]
KEPT = sorted([*ROOT.glob("zoo/pretrained/*/*.tflite"), *ROOT.glob("store/*/*.tflite"), *ROOT.glob("tests/legacy/*.tflite")])
FORMAT_1 = [path for path in KEPT if json.loads(zipfile.ZipFile(path).read("densezoo.json"))["format"] == 1]


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(deep, tmp_path_factory.mktemp("plain") / "plain.tflite")


def test_card_of_our_own_file(plain: Path, tmp_path: Path) -> None:
    card = read_card(describe(plain, tmp_path / "deep.tflite"))
    assert (card.name, card.task, card.source) == ("deep", "segmentation", "densezoo.json")
    assert (card.spec.kind, card.spec.activation, card.spec.scale) == ("class_scores", "linear", 1)
    assert card.labels[:2] == ("background", "cat") and card.palette[1] == (255, 0, 0)
    assert (card.size, card.channels, card.range) == ((SIDE, SIDE), 3, (0.0, 255.0))
    assert card.scores == {"miou": 0.5} and card.provenance["densezoo"] == "0.1.0"


def test_card_of_format_2(plain: Path, tmp_path: Path) -> None:
    card = read_card(describe(plain, tmp_path / "deep.tflite", json.dumps(description_2(activation="softmax"))))
    assert (card.name, card.task, card.license, card.description) == ("deep", "segmentation", "free", "tells animals apart")
    assert (card.spec.kind, card.spec.activation, card.classes) == ("class_scores", "softmax", 5)
    assert (card.size, card.channels, card.range, card.inputs[0].frames) == ((SIDE, SIDE), 3, (0.0, 255.0), 1)
    assert card.headlines == {"animals/test": Score("miou", 0.5)}


def test_scores_keep_their_unit_and_direction(plain: Path, tmp_path: Path) -> None:
    error = {"name": "end_point_error", "value": 1.5, "unit": "px", "higher_is_better": False}
    chairs = {"images": 9, "scores": [error, {"name": "far_off", "value": 0.25}]}
    scores = {"chairs/val": chairs, "old": {"images": 2, "miou": 0.5}}
    card = read_card(describe(plain, tmp_path / "deep.tflite", json.dumps(description_2(scores=scores))))
    assert card.headlines == {"chairs/val": Score("end_point_error", 1.5, "px", False), "old": Score("miou", 0.5)}
    assert card.headlines["chairs/val"].text == "1.5 px"


@pytest.mark.parametrize("path", FORMAT_1, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_files_of_format_1_are_read(path: Path) -> None:
    """Those that are shipped, and those that were kept from before format 2."""
    with zipfile.ZipFile(path) as archive:
        data = json.loads(archive.read("densezoo.json"))
    card, entry = read_card(path), data["input"]
    assert (card.name, card.task, card.recipe) == (data["name"], data["task"], data["recipe"])
    assert (list(card.labels), [list(colour) for colour in card.palette]) == (data["labels"], data["palette"])
    assert ([*card.size], card.channels, [*card.range]) == (entry["size"], entry["channels"], entry["range"])
    assert (card.spec.kind, card.spec.activation, card.spec.scale) == ("class_scores", "linear", 1)
    assert card.license == data.get("licence", "")
    for data_set, scores in data["scores"].items():
        name, value = next((name, value) for name, value in scores.items() if name != "images")
        assert card.headlines[data_set] == Score(name, value)


def test_palette_defaults_to_vocs(plain: Path, tmp_path: Path) -> None:
    card = read_card(describe(plain, tmp_path / "deep.tflite", palette=None))
    assert card.palette == tuple(map(tuple, voc_palette(5)))
    # VOC's own table: background, aeroplane, bicycle, … and person (15).
    palette = [tuple(colour) for colour in voc_palette(21)]
    assert palette[:3] == [(0, 0, 0), (128, 0, 0), (0, 128, 0)] and palette[15] == (192, 128, 128)


@pytest.mark.parametrize(
    ("network", "kind", "activation", "scale", "count"),
    [
        (deep, "class_scores", "linear", 1, 5),
        (classes, "class_map", "argmax", 1, 5),
        (lambda x: conv(x, 1), "class_scores", "linear", 1, 2),
        (lambda x: conv(x, 10, stride=16)[:, 0, 0], "class_scores", "linear", None, 10),
        (lambda x: conv(x, 10)[:, 0], "numbers", "linear", None, 0),
    ],
)
def test_card_from_tensors_alone(tmp_path: Path, network, kind: str, activation: str, scale: int | None, count: int) -> None:
    card = read_card(convert(network, tmp_path / "other.tflite"))
    assert (card.spec.kind, card.spec.activation, card.spec.scale) == (kind, activation, scale)
    assert (card.classes, card.source) == (count, "tensors")
    assert card.range is None and len(card.palette) == count


@pytest.mark.parametrize(("io", "dtype"), [("int8", "int8"), ("uint8", "uint8"), ("float32", "float32")])
def test_quantised_inputs_tell_their_range(tmp_path: Path, io: str, dtype: str) -> None:
    path = convert(deep, tmp_path / "q.tflite", recipe="int8", io=io)
    card = read_card(path)
    assert (card.recipe, card.io) == ("int8", dtype)
    assert card.range is None if io == "float32" else card.range == pytest.approx((0, 255), abs=0.5)


@pytest.mark.parametrize("recipe", ["float32", "float16", "dynamic", "int8"])
def test_recipe_is_read_from_the_weights(tmp_path: Path, recipe: str) -> None:
    path = convert(lambda x: conv(conv(x, 32), 32), tmp_path / "r.tflite", recipe=recipe)
    assert read_card(path).recipe == recipe


def test_peers_cards(shared: Path) -> None:
    deeplab = read_card(shared / "peers" / "deeplabv3.tflite")
    assert deeplab.source == "TFLite metadata" and deeplab.labels[15] == "person"
    assert deeplab.range == (-1.0, 1.0) and "Apache" in deeplab.license
    coral = read_card(shared / "peers" / "deeplabv3_mnv2_pascal_quant.tflite")
    assert (coral.spec.kind, coral.classes, coral.range) == ("class_map", 21, (-1.0, 0.9921875))
    mobilenet = read_card(shared / "peers" / "mobilenet_v2_1.0_224_quant.tflite")
    assert (mobilenet.spec.scale, mobilenet.spec.activation, mobilenet.classes) == (None, "softmax", 1001)
    assert mobilenet.labels[1].startswith("tench")


# -------------------------------------------------------------------------------------------------- bad files


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 3}, "format 3.*upgrade"),
        ({"format": "new"}, "no 'format' number"),
        ({"head": "scores"}, "head 'scores'; expected one of logits"),
        ({"labels": 5}, "garbles"),
        ({"palette": [[1, 2]]}, "garbles"),
        ({"input": {"name": "image"}}, "'size'"),
        ({"input": {"size": [8, 8], "channels": 3, "range": [0, 255]}}, r"its tensor is \(16, 16\)×3"),
    ],
)
def test_a_bad_description_is_named(plain: Path, tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        edge.Runner(describe(plain, tmp_path / "bad.tflite", **changes))


@pytest.mark.parametrize("key", ["name", "task", "head", "labels", "input"])
def test_a_missing_key_is_named(plain: Path, tmp_path: Path, key: str) -> None:
    text = json.dumps({name: value for name, value in description().items() if name != key})
    with pytest.raises(InputError, match=f"'{key}'"):
        read_card(describe(plain, tmp_path / "bad.tflite", text=text))


def test_a_description_that_is_no_json(plain: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not JSON"):
        read_card(describe(plain, tmp_path / "bad.tflite", text="{"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.tflite", None, "does not exist"),
        ("folder.tflite", "folder", "is a folder"),
        ("empty.tflite", b"", "not a TFLite file"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(100), "not a TFLite file"),
        ("header.tflite", b"\x1c\0\0\0TFL3", "cut short or damaged"),
        ("garbage.tflite", b"\x1c\0\0\0TFL3" + bytes(range(256)) * 4, "cut short or damaged"),
        ("offset.tflite", b"\xff\xff\xff\x7fTFL3" + bytes(200), "cut short or damaged"),
    ],
)
def test_what_is_no_model(tmp_path: Path, name: str, content: bytes | str | None, message: str) -> None:
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        edge.Runner(path)
    assert name in str(caught.value)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99])
def test_a_cut_file_is_refused_wherever_it_is_cut(plain: Path, tmp_path: Path, share: float) -> None:
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(plain.read_bytes()[: int(plain.stat().st_size * share)])
    with pytest.raises(InputError, match=r"cut short|not a TFLite"):
        read_graph(cut)


def test_a_peer_whose_labels_are_cut_off(shared: Path, tmp_path: Path) -> None:
    whole = (shared / "peers" / "deeplabv3.tflite").read_bytes()
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(whole[:-40])
    with pytest.raises(InputError, match=r"promises 'labelmap\.txt'"):
        edge.Runner(cut)


def test_tensor_quantisation_goes_there_and_back(tmp_path: Path) -> None:
    tensor = read_graph(convert(deep, tmp_path / "q.tflite", recipe="int8", io="int8")).inputs[0]
    values = np.arange(0, 255, 5, dtype=np.float32)
    stored = tensor.store(values)
    assert stored.dtype == np.int8
    assert np.abs(tensor.real(stored) - values).max() <= tensor.scale / 2 + 1e-4
    assert tensor.store(np.float32([-1e9, 1e9])).tolist() == [-128, 127]
