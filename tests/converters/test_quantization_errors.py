"""Where int8 hurts, and what mends it: per-layer errors, bias correction, equalisation, mixed precision."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest
from converter_models import LABELS, SIZE, pictures, segmenter

import converters
import edge
from converters import matrix
from converters.quantization.activation_ranges import Seen, everything, least_error
from zoo.errors import InputError
from zoo.layers import ModelOutput
from zoo.outputs.class_scores import class_output

L = keras.layers
IMAGES = pictures(16)


def bright() -> tuple[keras.Model, np.ndarray]:
    """A network of bright pictures: the mean of what its kernel sees is ten times what tells pictures apart."""
    keras.utils.set_random_seed(0)
    images = (215 + pictures(16) / 12).astype("uint8")
    image = keras.Input((*SIZE, 3), name="image")
    x = L.Conv2D(12, 3, padding="valid", name="first")(image)
    model = keras.Model(image, L.Conv2D(4, 1, name="second")(L.ReLU(name="relu")(x)))
    for name in ("first", "second"):
        scores = np.asarray(keras.Model(image, model.get_layer(name).output)(images.astype("float32")))
        model.get_layer(name).bias.assign(-scores.mean((0, 1, 2)))
    return model, images


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return segmenter()


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    path, options = tmp_path_factory.mktemp("errors") / "a.tflite", {"calibration": IMAGES, "correct_bias": False}
    return converters.to_tflite(model, path, "int8", SIZE, **options)


def test_the_layer_that_hurts_comes_first(model, file, tmp_path):
    found = converters.layer_errors(model, file, pictures(2, seed=3))
    assert found[0].own == min(row.own for row in found) and {"stem", "wide", "gate"} <= {row.layer for row in found}
    assert next(row.layer for row in found.in_order) in ("scale", "stem")
    assert abs(sum(row.share for row in found) - 1) < 1e-6
    assert found[0].layer in found.table(1) and "own dB" in str(found)
    assert found.draw(tmp_path / "errors.png").stat().st_size > 10_000


def test_a_file_with_corrected_biases_is_held_against_the_folded_model(model, tmp_path):
    made = converters.to_tflite(model, tmp_path / "a.tflite", "int8", SIZE, calibration=IMAGES, engine="tensorflow")
    found = converters.layer_errors(model, made, pictures(2, seed=3))
    assert {"stem_activation", "gate_relu6", "wide"} <= {row.layer for row in found} and min(row.own for row in found) > 15


def test_a_file_of_our_own_has_the_names_of_the_models_layers(model, tmp_path):
    made = converters.to_tflite(model, tmp_path / "a.tflite", "int8", SIZE, calibration=IMAGES)
    found = converters.layer_errors(model, made, pictures(2, seed=3))
    assert {"stem", "down_relu", "gate", "wide"} <= {row.layer for row in found} and min(row.own for row in found) > 15


def test_a_float_file_has_hardly_any_noise(model, tmp_path):
    made = converters.to_tflite(model, tmp_path / "a.tflite", input_size=SIZE)
    assert min(row.total for row in converters.layer_errors(model, made, pictures(2))) > 80


def test_errors_of_another_models_file(file):
    other = keras.Sequential([keras.Input((*SIZE, 3)), L.Conv2D(4, 1, name="elsewhere")])
    with pytest.raises(InputError, match="was not made of this model"):
        converters.layer_errors(other, file, pictures(2))


def test_bias_correction_takes_out_the_shift(tmp_path):
    model, images = bright()
    errors = []
    for correct in (False, True):
        path = tmp_path / f"{correct}.tflite"
        made = converters.to_tflite(model, path, "int8", calibration=images, correct_bias=correct)
        errors.append(converters.parity(model, made, images[:6]).outputs[0].measures["relative"])
    assert errors[1] < 0.5 * errors[0], errors
    with pytest.raises(InputError, match="correct_bias is for"):
        converters.to_tflite(model, tmp_path / "c.tflite", "float16", SIZE, correct_bias=True)


def test_equalisation_evens_channels_and_keeps_the_function():
    image = keras.Input((None, None, 3), name="image")
    x = L.Conv2D(6, 3, padding="same", name="write")(image)
    x = L.Add(name="sum")([x, L.Conv2D(6, 1, name="beside")(image)])
    model = keras.Model(image, L.Conv2D(2, 1, name="read")(L.ReLU(name="relu")(x)))
    for name in ("write", "beside"):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([kernel * np.geomspace(1, 30, 6), bias])
    even = converters.equalize(model, IMAGES)
    images = IMAGES[:2].astype("float32")
    np.testing.assert_allclose(np.asarray(even(images)), np.asarray(model(images)), rtol=1e-3, atol=0.1)

    def reach(net):
        inner = np.abs(np.asarray(keras.Model(net.inputs, net.get_layer("sum").output)(IMAGES.astype("float32"))))
        return inner.max((0, 1, 2)).max() / inner.max((0, 1, 2)).min()

    assert reach(even) < 1.5 < 10 < reach(model)


def test_layers_kept_in_float_mend_the_answer(tmp_path):
    model, images = bright()
    plan = converters.auto_mixed(model, images[:4], budget=0.05, correct_bias=False)
    assert list(plan.sensitivity.values()) == sorted(plan.sensitivity.values(), reverse=True)
    assert plan.keep_float == ("first",) and plan.expected <= 0.05 and "1 of 2 layers stay in float" in str(plan)
    errors = []
    for keep in ((), plan.keep_float):
        options = {"keep_float": keep, "correct_bias": False}  # as the plan was made for
        made = converters.to_tflite(model, tmp_path / "a.tflite", "int8", calibration=images, **options)
        errors.append(converters.parity(model, made, images[:6]).outputs[0].measures["relative"])
    assert [row.name for row in made.float_islands if row.name == "CONV_2D"] == ["CONV_2D"]
    made = converters.to_tflite(model, tmp_path / "a.tflite", "int8", calibration=images, keep_float="second")
    kinds = [row.inputs[0] for row in converters.operators(made.path) if row.name == "CONV_2D"]
    assert kinds == ["int8", "float32"], "the last layer's operator has the output's name, not its own"
    assert errors[1] < 0.5 * errors[0], errors


def lifted() -> keras.Model:
    """Its activations pass through values about 1,000, where a step of int8 is 5 and one of int16 0.04."""
    keras.utils.set_random_seed(0)
    image = keras.Input((*SIZE, 3), name="image")
    x = L.Rescaling(1 / 127.5, -1, name="scale")(image)
    x = L.Conv2D(8, 3, padding="same", activation="relu", name="stem")(x)
    x = L.ReLU(name="top")(L.Rescaling(1.0, 1000.0, name="lift")(x))
    x = L.ReLU(name="bottom")(L.Rescaling(1.0, -1000.0, name="lower")(x))
    return keras.Model(image, ModelOutput("segmentation", class_output(LABELS))(L.Conv2D(4, 1, name="score")(x)), name="lifted")


def test_layers_kept_in_int16_mend_the_answer(tmp_path):
    model, errors = lifted(), []
    for keep in ((), ("lift", "top", "lower", "bottom")):
        made = converters.to_tflite(model, tmp_path / "a.tflite", "int8", calibration=IMAGES, keep_int16=keep)
        errors.append(converters.parity(model, made, IMAGES[:6]).outputs[0].measures["relative"])
        kinds = [kind for row in converters.operators(made.path) for kind in row.outputs]
        assert ("int16" in kinds) == bool(keep) and "int8" in kinds and made.float_islands == ()
    assert errors[1] < 0.05 < 0.5 < errors[0], errors

def test_the_table_of_conversions_names_layers_that_mend_it(tmp_path):
    """In float the file is equal: that is tried before it is written."""
    model = lifted()
    path = matrix._convert("int8", model, IMAGES, tmp_path)
    passed, reason = matrix._cpu("int8", model, path, IMAGES)
    worst, kept = re.search(r"most at \w+ of layer (\w+) .*, equal with (.*) in float$", reason).groups()
    names = [worst] if kept == "it" else kept.split(", ")
    assert not passed and worst == names[0] and set(names) & {"lift", "top", "lower", "bottom"}, reason


def test_large_biases_beside_16_bits(tmp_path):
    """A folded lift by 1,000 is a bias of 2³¹ quanta: ours reaches further, the quantizer's wraps around and is refused."""
    options = {"calibration": IMAGES, "keep_int16": ("lift", "top", "lower", "bottom"), "correct_bias": True}
    model = lifted()
    made = converters.to_tflite(model, tmp_path / "a.tflite", "int8", **options)
    assert converters.parity(model, made, IMAGES[:6]).outputs[0].measures["relative"] < 0.05
    with pytest.raises(InputError, match=r"keep_int16: the bias .* does not fit into 32 bits"):
        converters.to_tflite(model, tmp_path / "b.tflite", "int8", engine="tensorflow", **options)


def test_int16_and_float_side_by_side(model, tmp_path):
    options = {"keep_int16": ["wide"], "keep_float": "score"}
    made = converters.to_tflite(model, tmp_path / "a.tflite", "int8", SIZE, calibration=IMAGES, **options)
    rows = {row.name: row for row in converters.operators(made.path)}
    assert rows["DEPTHWISE_CONV_2D"].inputs == ("int16",) and rows["RESIZE_BILINEAR"].inputs == ("int8",)
    assert "float32" in [row for row in converters.operators(made.path) if row.name == "CONV_2D"][-1].inputs
    with edge.Runner(made.path) as runner:
        assert converters.parity(model, runner.run, IMAGES[:6]).passed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep_float": ["nothing*"]}, "unknown layer or pattern"),
        ({"keep_int16": ["nothing*"]}, "pattern in keep_int16"),
        ({"keep_int16": ["wide"], "io": "uint8"}, "keep_int16 is for recipe='int8'"),
        ({"keep_float": ["wide"], "io": "uint8"}, "io='float32'"),
        ({"keep_float": ["wide"], "recipe": "int16x8"}, "recipe='int8'"),
    ],
    ids=["pattern", "int16 pattern", "int16 io", "io", "recipe"],
)
def test_bad_input(model, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        converters.to_tflite(
            model, tmp_path / "a.tflite", **{"recipe": "int8", "input_size": SIZE, "calibration": IMAGES, **options}
        )
    with pytest.raises(InputError, match="above 0"):
        converters.auto_mixed(model, IMAGES, budget=0.0)


def test_ranges_that_lose_least_cut_off_what_is_rare_and_far():
    counts = np.zeros(4096)
    counts[2048:2112] = 1e6  # between 0 and 3.1 of −100 … 100
    counts[-1] = 1
    low, high = least_error(Seen(-100.0, 100.0, counts))
    assert everything(Seen(-100.0, 100.0, counts)) == (-100.0, 100.0)
    assert -3 < low <= 0 and 2 < high < 10
