"""Several outputs keep their names and the model's order through every recipe; TensorFlow's own order is by the alphabet."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import converters
import edge
from edge.gpu.vulkan import driver
from edge.tflite_file import read_card
from zoo.errors import InputError
from zoo.layers import ModelOutput
from zoo.outputs import InputSpec, OutputSpec
from zoo.outputs.class_scores import class_output

L = keras.layers
SIZE = (16, 16)
PICTURES = np.random.default_rng(0).integers(0, 256, (12, *SIZE, 3)).astype("uint8")


def several(form: str) -> keras.Model:
    """Three outputs of other widths, whose names by the alphabet are in another order than the model's."""
    keras.utils.set_random_seed(0)
    image = keras.Input((*SIZE, 3), name="image")
    x = L.Conv2D(8, 3, padding="same", activation="relu", name="stem")(L.Rescaling(1 / 127.5, -1)(image))
    main = ModelOutput("segmentation", class_output("abc"), name="main")(L.Conv2D(3, 1, name="score")(x))
    field = ModelOutput("flow", OutputSpec("vector_field", unit="px"), name="field")(L.Conv2D(2, 1, name="vectors")(x))
    extra = L.Conv2D(5, 1, name="extra")(x)
    outputs = {"dict": {"main": main, "field": field, "extra": extra}, "list": [main, field, extra]}
    return keras.Model(image, outputs[form], name="several")


def answers(model: keras.Model) -> dict[str, np.ndarray]:
    values = keras.tree.flatten(model(PICTURES[:1].astype("float32")))
    names = ("main", "field", "extra") if isinstance(model.output, list) else ("extra", "field", "main")
    return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}


@pytest.mark.parametrize("form", ["dict", "list"])
@pytest.mark.parametrize("recipe", [*converters.RECIPES, "int16 layers", "kept in float", "qat", "qat by tfmot"])
def test_every_recipe_keeps_names_and_order(form: str, recipe: str, tmp_path: Path) -> None:
    model, options = several(form), {}
    engines = {"qat": "direct", "qat by tfmot": "tensorflow"}
    network = converters.quantize_aware(model, PICTURES, engine=engines[recipe]) if recipe in engines else model
    if recipe == "int16 layers":
        options = {"keep_int16": ["extra"]}
    if recipe == "kept in float":
        options = {"keep_float": ["vectors"]}
    base = recipe if recipe in converters.RECIPES else "int8"
    calibration = PICTURES if converters.RECIPES[base].calibrated and recipe not in engines else None
    made = converters.to_tflite(network, tmp_path / "a.tflite", base, calibration=calibration, **options)
    with edge.Runner(made.path) as runner:
        outputs = runner.outputs(PICTURES[:1].astype("float32"))
        found = converters.parity(model, runner.outputs, PICTURES)
        assert np.array_equal(runner.run(PICTURES[:1].astype("float32")), next(iter(outputs.values())))
    expected = answers(model)
    assert list(outputs) == list(expected)
    for name, value in expected.items():
        assert np.abs(outputs[name] - value).max() < 0.2 * value.std(), name
    own = converters.parity(model, made, PICTURES)
    assert own.passed and found.passed and [row.output for row in own.outputs] == list(expected), str(own)
    kinds = {spec.name: spec.kind for spec in read_card(made.path).outputs}
    assert kinds == {"main": "class_scores", "field": "vector_field", "extra": "class_scores"}


def test_swapped_outputs_fail(tmp_path: Path) -> None:
    """The check by name sees what one by shape would not."""
    image = keras.Input((*SIZE, 3), name="image")
    x = L.Rescaling(1 / 255)(image)
    model = keras.Model(image, [L.Conv2D(3, 1, name="main")(x), L.Conv2D(3, 1, name="extra")(x)])
    made = converters.to_tflite(model, tmp_path / "a.tflite")
    assert converters.parity(model, made, PICTURES).passed
    with edge.Runner(made.path) as runner:
        swapped = converters.parity(model, lambda batch: list(runner.outputs(batch).values())[::-1], PICTURES)
    assert not swapped.passed


def test_onnx_keeps_names_and_order(tmp_path: Path) -> None:
    model = several("list")
    found = converters.parity(model, converters.to_onnx(model, tmp_path / "a.onnx"), PICTURES)
    assert found.passed and [row.output for row in found.outputs] == ["main", "field", "extra"], str(found)


@pytest.mark.skipif(driver() is None, reason="no Vulkan driver for LiteRT's GPU accelerator")
def test_the_gate_compares_every_output_by_its_kind(tmp_path: Path) -> None:
    made = converters.to_tflite(several("list"), tmp_path / "a.tflite")
    verdict = edge.gpu_check(made.path, list(PICTURES[:2]))
    assert verdict.ok, verdict.report()
    rows = {row.output: row.measures for row in verdict.comparisons["float32"]}
    assert list(rows) == ["main", "field", "extra"] and "end_point_error" in rows["field"] and "iou" in rows["main"]


def test_several_frames_are_one_input_of_more_channels(tmp_path: Path) -> None:
    """Two pictures along the channels go through calibration, the file's description, the runner and parity."""
    keras.utils.set_random_seed(0)
    frames = InputSpec("frames", channels=6, frames=2)
    image = keras.Input((*SIZE, 6), name="frames")
    x = L.Conv2D(2, 3, padding="same", name="vectors")(L.Rescaling(1 / 127.5, -1)(image))
    spec = OutputSpec("vector_field", name="flow", unit="px")
    model = keras.Model(image, ModelOutput("flow", spec, inputs=[frames], name="answer")(x))
    pairs = np.concatenate([PICTURES, PICTURES[::-1]], -1)
    for recipe in ("float32", "int8"):
        made = converters.to_tflite(model, tmp_path / "a.tflite", recipe, calibration=pairs if recipe == "int8" else None)
        found = converters.parity(model, made, pairs)
        assert found.passed and "end_point_error" in found.outputs[0].measures, str(found)
        card = read_card(made.path)
        assert (card.inputs[0].name, card.inputs[0].frames, card.spec.name, card.spec.unit) == ("frames", 2, "flow", "px")
        answer = edge.Runner(made.path)([PICTURES[0], PICTURES[-1]])
        expected = np.asarray(model(pairs[:1].astype("float32")))[0]
        assert answer.shape == (*SIZE, 2) and np.abs(answer - expected).max() < 0.2 * expected.std()


def test_outputs_that_say_the_same_are_kept_or_named(tmp_path: Path) -> None:
    image = keras.Input((*SIZE, 3), name="image")
    x = L.Conv2D(4, 1, name="stem")(image)
    model = keras.Model(image, [L.ReLU(name=name)(x) for name in ("one", "other")])
    path = converters.to_tflite(model, tmp_path / "twins.tflite").path
    assert [spec.name for spec in read_card(path).outputs] == ["one", "other"]
    with pytest.raises(InputError, match=r"leaves output .* out, which says the same as another"):
        converters.to_tflite(model, tmp_path / "twins.tflite", engine="tensorflow")
