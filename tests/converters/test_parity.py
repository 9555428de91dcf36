"""The parity check passes what is right and catches what was broken on purpose."""

from __future__ import annotations

import flatbuffers
import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from broken_models import BREAKS
from converter_models import SIZE, pictures, segmenter

import converters
import edge
from converters.tflite import inspection
from zoo.errors import InputError
from zoo.layers import ModelOutput
from zoo.outputs.class_scores import class_output

pytestmark = pytest.mark.usefixtures("workers")

L = keras.layers
SAMPLES = pictures(6, seed=3)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return segmenter()


@pytest.fixture(scope="module")
def files(model, tmp_path_factory) -> dict[str, converters.Converted]:
    folder = tmp_path_factory.mktemp("parity")
    return {
        recipe: converters.to_tflite(
            model, folder / f"{recipe}.tflite", recipe, SIZE, calibration=pictures(16) if "int" in recipe else None
        )
        for recipe in converters.RECIPES
    }


@pytest.mark.parametrize("recipe", converters.RECIPES)
def test_a_right_file_passes(model, files, recipe):
    found = converters.parity(model, files[recipe].path, SAMPLES)
    assert found.passed and bool(found), str(found)
    assert found.recipe == recipe and found.accelerator == "cpu" and found.samples == 6 and found.classes == 4
    row = found.outputs[0]
    assert row.measures["cosine"] > 0.99 and row.measures["mean_abs"] <= row.measures["max_abs"]
    assert "classes agree" in found.reason and "parity of" in str(found)


# ------------------------------------------------------------------------------------------------ broken on purpose


@pytest.mark.parametrize("recipe", converters.RECIPES)
@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_model_fails(model, files, what, recipe):
    """The file is right and the model beside it is not: the same as the other way round, and needs no conversion."""
    found = converters.parity(BREAKS[what](model), files[recipe].path, SAMPLES)
    assert not found.passed and "of its spread" in found.reason, str(found)
    assert found.outputs[0].measures["relative"] > 1.5 * found.tolerance.bounds["relative"], str(found)


def twice(path, target, shape: tuple[int, ...], channels: slice) -> None:
    """Writes a copy in which the weights of that shape have scales twice what they were.

    Weights only: an activation's scale is read by the operator that writes it and by the one that reads it, so that
    doubling it costs a bit of precision and breaks nothing.
    """
    data = inspection.load(path)
    tensors = [tensor for tensor in data.subgraphs[0].tensors if tensor.type == schema.TensorType.INT8]
    chosen = [tensor for tensor in tensors if tuple(tensor.shape) == shape]
    assert len(chosen) == 1, [tensor.name for tensor in chosen]
    scale = np.array(chosen[0].quantization.scale, np.float32)
    scale[channels] *= 2
    chosen[0].quantization.scale = scale
    builder = flatbuffers.Builder(1024)
    builder.Finish(data.Pack(builder), b"TFL3")
    target.write_bytes(builder.Output())


@pytest.mark.parametrize("channels", [slice(None), slice(0, 1)], ids=["all channels", "one channel"])
@pytest.mark.parametrize("kernel", [(8, 3, 3, 3), (12, 3, 3, 8), (1, 3, 3, 12), (4, 1, 1, 20)], ids=str)
@pytest.mark.parametrize("recipe", ["int8", "int16x8"])
def test_a_weight_scale_off_by_two_fails(model, files, tmp_path, recipe, kernel, channels):
    twice(files[recipe].path, tmp_path / "broken.tflite", kernel, channels)
    found = converters.parity(model, tmp_path / "broken.tflite", SAMPLES, recipe=recipe)
    assert not found.passed, str(found)


def test_nan_fails(model):
    def run(image):
        answer = model(image).numpy()
        answer[0, 3, 4, 1] = np.nan
        return answer

    found = converters.parity(model, run, SAMPLES)
    assert not found.passed and "NaN" in found.reason


def test_a_shift_of_all_scores_fails(model):
    """The cosine of the centred answers would forgive it."""
    found = converters.parity(model, lambda image: model(image).numpy() + 2.0, SAMPLES)
    assert not found.passed and found.agreement == 1.0


# ------------------------------------------------------------------------------------------------ what proves nothing


def one_class(output: str = "logits", varied: bool = True) -> keras.Model:
    """Says one class everywhere, a little more here than there (or nowhere)."""
    image = keras.Input((16, 16, 3), name="image")
    spread = keras.initializers.RandomNormal(stddev=1e-3, seed=0) if varied else "zeros"
    x = L.Conv2D(3, 1, kernel_initializer=spread, name="score")(image)
    model = keras.Model(image, ModelOutput("segmentation", class_output(("a", "b", "c"), output=output))(x))
    model.get_layer("score").bias.assign([100.0, 0.0, 0.0])
    return model


@pytest.mark.parametrize("output", ["logits", "class_map"])
@pytest.mark.parametrize("varied", [True, False])
def test_a_model_that_only_says_background_does_not_pass(output, varied):
    model = one_class(output, varied)
    found = converters.parity(model, lambda image: model(image).numpy(), pictures(4, (16, 16)))
    assert not found.passed and "proves nothing" in found.reason
    assert found.agreement is None and found.classes == 1


def test_a_class_on_a_few_pixels_is_no_second_class():
    model = one_class("class_map")

    class Speck:
        def __call__(self, image):
            answer = model(image).numpy()
            answer[0, 0, 0] = 1
            return answer

    found = converters.parity(model, Speck(), pictures(8, (16, 16)))
    assert not found.passed and "proves nothing" in found.reason


def test_agreement_counts_each_class_alike():
    """A file that loses a class on a tenth of the picture is right on nine tenths of the pixels, and fails."""
    model = segmenter("class_map")

    def run(image):
        answer = model(image).numpy()
        rare = np.bincount(expected.ravel(), minlength=4).argmin()
        return np.where(answer == rare, (rare + 1) % 4, answer)

    expected = model(SAMPLES.astype("float32")).numpy()
    found = converters.parity(model, run, SAMPLES, recipe="int8")
    assert not found.passed and found.agreement == pytest.approx(0.75)


# ------------------------------------------------------------------------------------------------ scores and other ends


def test_miou_where_labels_are_given(model, files):
    truth = model(SAMPLES.astype("float32")).numpy().argmax(-1).astype(np.uint8)
    truth[:, :4] = 255
    found = converters.parity(model, files["float32"].path, SAMPLES, labels=truth)
    assert found.passed and found.miou == (1.0, pytest.approx(1.0, abs=1e-3)) and "mIoU 1.0000" in str(found)
    flipped = converters.parity(model, lambda image: model(image).numpy()[..., [1, 0, 2, 3]], SAMPLES, labels=truth)
    assert not flipped.passed and flipped.miou[1] < 0.7


def test_a_function_that_runs_the_file_elsewhere(model, files):
    class Runner:  # what edge.Runner looks like from here
        card = type("Card", (), {"size": SIZE, "recipe": "float16"})()

        def run(self, image):
            assert image.dtype == np.float32 and image.shape == (1, *SIZE, 3)
            return model(image).numpy()

    found = converters.parity(model, Runner().run, SAMPLES, accelerator="gpu")
    assert found.passed and found.accelerator == "gpu" and found.recipe == "float16"


@pytest.mark.parametrize("recipe", converters.RECIPES)
def test_the_edge_package_reads_the_file_and_says_the_same(model, files, recipe):
    with edge.Runner(files[recipe].path) as runner:
        assert (runner.card.source, runner.card.recipe, runner.card.size) == ("densezoo.json", recipe, SIZE)
        found = converters.parity(model, runner.run, SAMPLES)
    assert found.passed and found.recipe == recipe, str(found)


def test_samples_of_a_dataset_and_a_classifier(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            L.Rescaling(1 / 255),
            L.Conv2D(16, 5, activation="relu"),
            L.GlobalMaxPooling2D(),
            L.Dense(3),
        ]
    )
    images = pictures(40, (16, 16))
    scores = model(images.astype("float32")).numpy()
    model.layers[-1].bias.assign(model.layers[-1].bias - scores.mean(axis=0))
    dataset = [type("Sample", (), {"image": image, "target": None})() for image in images]
    made = converters.to_tflite(model, tmp_path / "a.tflite", "int8", calibration=dataset)
    found = converters.parity(model, made, dataset)
    assert found.passed and found.classes == 3, str(found)


BAD = {
    "no such file": (lambda files: "none.tflite", {}, "no such file"),
    "the accelerator alone": (lambda files: files["float32"].path, {"accelerator": "gpu"}, "edge.Runner"),
    "samples of another size": (lambda files: files["float32"].path, {"samples": pictures(2, (32, 32))}, "32×32×3"),
    "no samples": (lambda files: files["float32"].path, {"samples": []}, "no image"),
    "unknown recipe": (lambda files: files["float32"].path, {"recipe": "int4"}, "unknown recipe"),
    "labels of another size": (
        lambda files: files["float32"].path,
        {"labels": np.zeros((6, 8, 8), int)},
        "one label per",
    ),
    "another model's answer": (lambda files: lambda image: np.zeros((1, 8, 8, 4), "float32"), {}, "was not made from"),
    "two outputs for one": (
        lambda files: lambda image: [np.zeros((1, *SIZE, 4), "float32")] * 2,
        {},
        "1 outputs, the file 2",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(model, files, case):
    path, options, message = BAD[case]
    options = {"samples": SAMPLES, **options}
    with pytest.raises(InputError, match=message):
        converters.parity(model, path(files), **options)
