"""What the outputs of networks of others mean, told from their operations; the file on its own says the same."""

from __future__ import annotations

import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import converters
import edge
from converters.specs import output_specs
from converters.tflite.file import amend
from edge.tflite_file import read_card
from zoo.errors import InputError

L, ops = keras.layers, keras.ops
SIDE = 32
PICTURE = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def parts() -> dict[str, keras.KerasTensor]:
    """The image, a single score and four scores of each pixel."""
    keras.utils.set_random_seed(1)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = L.Conv2D(8, 3, padding="same", activation="relu")(L.Rescaling(1 / 255.0)(image))
    one = L.Conv2D(1, 1, kernel_initializer=keras.initializers.RandomNormal(0, 9, seed=3))(x)  # of both signs
    return {"image": image, "features": x, "one": one, "four": L.Conv2D(4, 1)(x)}


def sigmoid(parts):
    return L.Activation("sigmoid")(parts["one"])


def softmax(parts):
    return L.Softmax()(parts["four"])


# An end → (kind, activation, layout, classes) of the output.
ENDS = {
    "sigmoid, UpSampling2D": (lambda p: L.UpSampling2D(2, interpolation="bilinear")(sigmoid(p)), "class_scores sigmoid", "", 2),
    "sigmoid, Resizing": (lambda p: L.Resizing(64, 64)(sigmoid(p)), "class_scores sigmoid", "", 2),
    "sigmoid, linear": (lambda p: L.Activation("linear", dtype="float32")(sigmoid(p)), "class_scores sigmoid", "", 2),
    "sigmoid, cast and back": (
        lambda p: ops.cast(ops.cast(sigmoid(p), "float16"), "float32"), "class_scores sigmoid", "", 2,
    ),
    "sigmoid, average pooling": (lambda p: L.AveragePooling2D(2)(sigmoid(p)), "class_scores sigmoid", "", 2),
    "sigmoid without channel": (lambda p: ops.squeeze(sigmoid(p), -1), "class_scores sigmoid", "NHWc", 2),
    "background's probability": (lambda p: 1.0 - sigmoid(p), "class_scores sigmoid", "", 2),
    "both probabilities": (lambda p: L.Concatenate()([1.0 - sigmoid(p), sigmoid(p)]), "class_scores sigmoid", "", 2),
    "hard sigmoid": (lambda p: L.Activation("hard_sigmoid")(p["one"]), "class_scores sigmoid", "", 2),
    "a layer's own sigmoid": (lambda p: L.Conv2D(1, 1, activation="sigmoid")(p["features"]), "class_scores sigmoid", "", 2),
    "mean of softmaxes": (lambda p: L.Average()([softmax(p), softmax(p)]), "class_scores softmax", "", 4),
    "softmax, a channel": (lambda p: softmax(p)[..., 1:2], "class_scores sigmoid", "", 2),
    "softmax of H·W×C": (lambda p: L.Softmax()(L.Reshape((SIDE * SIDE, 4))(p["four"])), "class_scores softmax", "NPC", 4),
    "channels first": (lambda p: L.Permute((3, 1, 2))(softmax(p)), "class_scores softmax", "NCHW", 4),
    "temperature": (lambda p: p["four"] / 2.0, "class_scores linear", "", 4),
    "normalised logits": (lambda p: L.BatchNormalization()(p["four"]), "class_scores linear", "", 4),
    "gated logits": (lambda p: p["four"] * sigmoid(p), "class_scores linear", "", 4),
    "mean of logits": (lambda p: L.GlobalAveragePooling2D(keepdims=True)(p["four"]), "class_scores linear", "N11C", 4),
    "indices": (lambda p: ops.argmax(p["four"], -1), "class_map argmax", "", 4),
    "indices, last axis": (lambda p: ops.argmax(p["four"], -1, keepdims=True), "class_map argmax", "NHW1", 4),
    "indices as float": (lambda p: ops.cast(ops.argmax(p["four"], -1), "float32"), "class_map argmax", "", 4),
    "indices in a row": (lambda p: ops.reshape(ops.argmax(p["four"], -1), (-1, SIDE * SIDE)), "class_map argmax", "NP", 4),
    "threshold": (lambda p: ops.cast(sigmoid(p) > 0.5, "float32"), "class_map argmax", "NHW1", 2),
    "rounded": (lambda p: ops.round(sigmoid(p)), "class_map argmax", "NHW1", 2),
    "class of a picture": (lambda p: ops.argmax(L.GlobalAveragePooling2D()(p["four"]), -1), "class_map argmax", "", 4),
    "times 255": (lambda p: L.Rescaling(255.0)(sigmoid(p)), "numbers linear", "", 0),
    "tanh": (lambda p: L.Activation("tanh")(p["four"]), "numbers linear", "", 0),
    "relu": (lambda p: L.ReLU()(p["one"]), "numbers linear", "", 0),
    "enlarged by a fixed filter": (lambda p: L.Conv2DTranspose(1, 4, 2, padding="same")(sigmoid(p)), "numbers linear", "", 0),
    "embedding": (lambda p: L.UnitNormalization()(L.GlobalAveragePooling2D()(p["four"])), "numbers linear", "", 0),
    "a map or a thousand classes": (lambda p: L.Flatten()(sigmoid(p)), "numbers linear", "", 0),
    "of nobody knows what": (lambda p: ops.erf(p["one"]), "numbers linear", "", 0),
}  # fmt: skip
CONVERTED = ("sigmoid, linear", "softmax of H·W×C", "channels first", "indices, last axis", "threshold", "times 255")


@pytest.mark.parametrize("name", ENDS)
def test_ends_are_told_from_the_graph(parts, name: str) -> None:
    end, meaning, layout, classes = ENDS[name]
    (spec,) = output_specs(keras.Model(parts["image"], end(parts)))
    assert (f"{spec.kind} {spec.activation}", spec.layout, spec.classes) == (meaning, layout, classes)


@pytest.mark.parametrize("name", CONVERTED)
def test_file_runner_and_keras_agree(parts, tmp_path: Path, name: str) -> None:
    """The described file answers as Keras does, and without its description its operators say the same."""
    end, *_ = ENDS[name]
    model = keras.Model(parts["image"], end(parts))
    path = converters.to_tflite(model, tmp_path / "a.tflite").path
    card = read_card(path)
    with zipfile.ZipFile(path) as archive:
        network = path.read_bytes()[: min(entry.header_offset for entry in archive.infolist())]
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(network.replace(b"TFLITE_METADATA", b"TFLITE_NOTHING!"))
    guess = read_card(bare)
    assert guess.source == "tensors"
    assert (guess.head, guess.spec.activation, guess.spec.layout) == (card.head, card.spec.activation, card.spec.layout)
    runner, raw = edge.Runner(path), np.asarray(model(PICTURE[None].astype("float32")))
    if card.head == "unknown":
        with pytest.raises(InputError, match="output="):
            runner(PICTURE)
        return
    expected = {
        "sigmoid, linear": lambda: raw[0, ..., 0] > 0.5,
        "softmax of H·W×C": lambda: raw[0].argmax(-1).reshape(SIDE, SIDE),
        "channels first": lambda: raw[0].argmax(0),
        "indices, last axis": lambda: raw[0, ..., 0],
        "threshold": lambda: raw[0, ..., 0],
    }[name]()
    assert np.array_equal(runner(PICTURE), expected) and len(np.unique(expected)) > 1
    assert converters.parity(model, path, np.stack([PICTURE, PICTURE[::-1]]))


def test_parity_holds_what_the_file_says_to_the_model(parts, tmp_path: Path) -> None:
    """The numbers are right, and the card calls them something else: a wrong answer, which parity does not let pass."""
    wide = L.Conv2D(1, 1, activation="sigmoid", kernel_initializer=keras.initializers.RandomNormal(0, 9), name="wide")
    model = keras.Model(parts["image"], wide(parts["features"]))
    path, samples = converters.to_tflite(model, tmp_path / "a.tflite").path, np.stack([PICTURE, PICTURE[::-1]])
    assert converters.parity(model, path, samples)
    spec = {**output_specs(model)[0].to_dict(), "activation": "linear"}
    amend(path, {"outputs": [spec]})
    result = converters.parity(model, path, samples)
    assert not result and "the file calls it class_scores (linear), the model's is class_scores (sigmoid)" in result.reason
    with edge.Runner(path) as runner:
        assert not converters.parity(model, runner.run, samples)


def test_both_names_of_a_single_channel(parts, tmp_path: Path) -> None:
    model = keras.Model(parts["image"], sigmoid(parts))
    for labels in (["nothing", "person"], ["person"]):
        (spec,) = output_specs(model, labels)
        assert spec.labels == ("nothing" if len(labels) > 1 else "background", "person")
    with pytest.raises(InputError, match="3 labels for 2 classes"):
        output_specs(model, ["a", "b", "c"])
