"""What a file says of itself, and every way in which a file can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from edge_graphs import describe, description

import edge
from converters.probe_graphs import SIDE, classes, conv, convert, deep
from edge.errors import InputError
from edge.graph import read_graph
from edge.tflite_file import colours, read_card


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(deep, tmp_path_factory.mktemp("plain") / "plain.tflite")


def test_card_of_our_own_file(plain: Path, tmp_path: Path) -> None:
    card = read_card(describe(plain, tmp_path / "deep.tflite"))
    assert (card.name, card.task, card.head, card.source) == ("deep", "segmentation", "logits", "densezoo.json")
    assert card.labels[:2] == ("background", "cat") and card.palette[1] == (255, 0, 0)
    assert (card.size, card.channels, card.range) == ((SIDE, SIDE), 3, (0.0, 255.0))
    assert card.scores == {"miou": 0.5} and card.provenance["densezoo"] == "0.1.0"


def test_palette_defaults_to_vocs(plain: Path, tmp_path: Path) -> None:
    card = read_card(describe(plain, tmp_path / "deep.tflite", palette=None))
    assert card.palette == colours(5)
    # VOC's own table: background, aeroplane, bicycle, … and person (15).
    assert colours(21)[:3] == ((0, 0, 0), (128, 0, 0), (0, 128, 0)) and colours(21)[15] == (192, 128, 128)


@pytest.mark.parametrize(
    ("network", "task", "head", "count"),
    [
        (deep, "segmentation", "logits", 5),
        (classes, "segmentation", "classes", 5),
        (lambda x: conv(x, 1), "segmentation", "logits", 2),
        (lambda x: conv(x, 10, stride=16)[:, 0, 0], "classification", "logits", 10),
    ],
)
def test_card_from_tensors_alone(tmp_path: Path, network, task: str, head: str, count: int) -> None:
    card = read_card(convert(network, tmp_path / "other.tflite"))
    assert (card.task, card.head, card.classes, card.source) == (task, head, count, "tensors")
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
    assert deeplab.range == (-1.0, 1.0) and "Apache" in deeplab.licence
    coral = read_card(shared / "peers" / "deeplabv3_mnv2_pascal_quant.tflite")
    assert (coral.head, coral.classes, coral.range) == ("classes", 21, (-1.0, 0.9921875))
    mobilenet = read_card(shared / "peers" / "mobilenet_v2_1.0_224_quant.tflite")
    assert (mobilenet.task, mobilenet.head, mobilenet.classes) == ("classification", "probabilities", 1001)
    assert mobilenet.labels[1].startswith("tench")


# -------------------------------------------------------------------------------------------------- bad files


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format 2.*upgrade"),
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
