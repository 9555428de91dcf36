"""Keras to ONNX: every architecture says the same in onnxruntime, at one size or any."""

from __future__ import annotations

import json

import keras
import onnx
import pytest
from broken_models import BREAKS
from converter_models import LABELS, SIZE, pictures, segmenter
from tiny_models import ARCHITECTURES
from tiny_models import pictures as noise
from typer.testing import CliRunner

import converters
from zoo.cli import app
from zoo.errors import InputError
from zoo.outputs.class_scores import OUTPUTS

L = keras.layers
HOW = ("bilinear", "nearest")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_architecture(untrained, untrained_of_any_size, tmp_path):
    """At an open size, wherever the network has one; what a fixed one changes is tested below."""
    model = untrained_of_any_size
    made = converters.to_onnx(model, tmp_path / "model.onnx")
    assert made.input_shape[1:3] == tuple(model.inputs[0].shape[1:3])
    found = converters.parity(model, made, noise(untrained))
    assert found.outputs[0].measures["relative"] < 1e-4, str(found)  # untrained: the classes themselves may be one and the same
    graph = onnx.load(made.path).graph
    constants = {value.name for value in graph.initializer}
    pairs = [node.input for node in graph.node if node.op_type in ("Add", "Mul")]
    assert not [list(pair) for pair in pairs if pair[0] in constants and pair[1] not in constants]  # MNN reads these wrongly


@pytest.mark.parametrize("size", [None, SIZE, (33, 47)], ids=str)
@pytest.mark.parametrize("kind", ["logits", "probabilities", "class_map"])
def test_the_file_describes_itself_and_passes_parity(tmp_path, kind, size):
    model = segmenter(kind)
    made = converters.to_onnx(model, tmp_path / "model.onnx", size, scores={"miou": 0.5})
    file = onnx.load(made.path)
    onnx.checker.check_model(file, full_check=True)
    assert [(entry.domain, entry.version) for entry in file.opset_import if entry.domain == ""] == [("", 18)]
    assert [value.name for value in (*file.graph.input, *file.graph.output)] == ["image", "answer"]
    card = json.loads({entry.key: entry.value for entry in file.metadata_props}["densezoo"])
    (answer,) = card["outputs"]
    assert (answer["kind"], answer["activation"]) == OUTPUTS[kind]
    assert (card["task"], tuple(answer["labels"])) == ("segmentation", LABELS)
    assert card["inputs"][0]["size"] == (list(size) if size else None) and card["scores"] == {"miou": 0.5}
    found = converters.parity(model, made.path, pictures(6, size or (40, 56), seed=3))
    assert found.passed and found.agreement > 0.999, str(found)


def test_resizes_to_sizes_that_floats_round_down(tmp_path):
    """33 · (n / 33) in float32 is below n for some n; and both ways of resizing pick what TensorFlow picks."""
    image = keras.Input((33, 33, 3), name="image")
    model = keras.Model(image, [L.Resizing(n, n, interpolation=how)(image) for n in (50, 64, 85, 92) for how in HOW])
    found = converters.parity(model, converters.to_onnx(model, tmp_path / "a.onnx"), noise(model, 3))
    assert max(output.measures["largest"] for output in found.outputs) < 2.5e-5, str(found)


def test_grouped_and_strided_layers(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            L.Conv2D(8, 3, 2, "same"),
            L.Conv2D(8, 3, padding="same", groups=4),
            L.UpSampling2D(2, interpolation="bilinear"),
            L.Conv2DTranspose(4, 4, 2, "same"),
            L.DepthwiseConv2D(3, dilation_rate=2),
        ]
    )
    made = converters.to_onnx(model, tmp_path / "a.onnx")
    found = converters.parity(model, made, pictures(4, (31, 45)))
    assert found.outputs[0].measures["relative"] < 1e-5, str(found)


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        converters.to_onnx(segmenter(), tmp_path / f"{name}.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


@pytest.mark.parametrize("what", ["channels", "padding"])
def test_a_broken_model_fails_parity(tmp_path, what):
    model = segmenter()
    made = converters.to_onnx(model, tmp_path / "a.onnx", SIZE)
    found = converters.parity(BREAKS[what](model), made, pictures(6, seed=3))
    assert not found.passed and "of its spread" in found.reason


class Strange(L.Layer):
    def call(self, x):
        return keras.ops.erfinv(keras.ops.tanh(x))


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (segmenter, {"path": "a.tflite"}, r"must end in \.onnx"),
        (segmenter, {"input_size": 64}, r"expected \(height, width\)"),
        (lambda: keras.Sequential([keras.Input((8, 8, 3)), Strange(name="odd")]), {}, "layer 'odd': its operation Erfinv"),
        (segmenter, {"labels": ["a"]}, "1 labels for 4 classes"),
    ],
    ids=["name", "size", "operation", "labels"],
)
def test_bad_input(tmp_path, make, options, message):
    options = {"path": "a.onnx", **options}
    with pytest.raises(InputError, match=message):
        converters.to_onnx(make(), tmp_path / options.pop("path"), **options)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"something else")
    with pytest.raises(InputError, match="onnxruntime does not take it"):
        converters.parity(segmenter(), tmp_path / "a.onnx", pictures(2))


def test_on_the_command_line(tmp_path):
    segmenter().save(tmp_path / "model.keras")
    result = CliRunner().invoke(app, ["convert", str(tmp_path / "model.keras"), "--format", "onnx"])
    assert result.exit_code == 0 and "ONNX opset 18, any×any" in result.output, result.output
    assert (tmp_path / "model.onnx").is_file()
    result = CliRunner().invoke(
        app, ["convert", str(tmp_path / "model.keras"), "-o", str(tmp_path / "b.onnx"), "--size", "32x48"]
    )
    assert result.exit_code == 0 and "32×48" in result.output, result.output
