"""Unpooling is bit-exact: against its definition written out, with ties and odd sizes, in every file and on the GPU."""

from __future__ import annotations

import itertools
from pathlib import Path

import keras
import numpy as np
import pytest

import converters
import edge
import zoo
from edge.gpu.vulkan import driver
from zoo.layers import BedOfNails2D, CropLike, MaxPoolIndices, MaxUnpooling2D

pytestmark = pytest.mark.usefixtures("workers")

SIZES = [(8, 12), (7, 12), (8, 11), (7, 11), (1, 1)]


def definition(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of each window's first largest number, and the values put back there, one by one."""
    positions, restored = np.zeros(values.shape, np.int32), np.zeros_like(x)
    for n, row, column, channel in itertools.product(*map(range, values.shape)):
        window = x[n, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2, channel]
        down, right = np.unravel_index(window.argmax(), window.shape)  # NumPy too gives the first of equals
        positions[n, row, column, channel] = 2 * down + right
        restored[n, 2 * row + down, 2 * column + right, channel] = values[n, row, column, channel]
    return positions, restored


def numbers(size: tuple[int, int], kind: str) -> np.ndarray:
    drawn = np.random.default_rng(1).standard_normal((2, *size, 5)).astype("float32")
    return {
        "different": drawn,
        "tied": np.round(drawn),  # five values or so: most windows have equal maxima
        "rectified": np.maximum(drawn - 1, 0),  # windows of nothing but zeros
        "signed zeros": np.copysign(0, drawn),
        "close": np.float32(1) + np.random.default_rng(2).integers(0, 3, drawn.shape) * np.float32(2**-23),
    }[kind]


@pytest.mark.parametrize("kind", ["different", "tied", "rectified", "signed zeros", "close"])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_what_the_definition_says(size: tuple[int, int], kind: str) -> None:
    x = numbers(size, kind)
    values = np.random.default_rng(3).standard_normal((2, -(-size[0] // 2), -(-size[1] // 2), 5)).astype("float32")
    positions = MaxPoolIndices()(x)
    restored = CropLike()([MaxUnpooling2D()([values, positions]), x])
    expected_positions, expected = definition(x, values)
    np.testing.assert_array_equal(positions, expected_positions)
    np.testing.assert_array_equal(restored, expected)


def test_what_was_pooled_comes_back_in_its_place() -> None:
    x = np.abs(numbers((7, 11), "different")) + 1
    pooled = keras.layers.MaxPooling2D(2, padding="same")(x)
    restored = np.asarray(CropLike()([MaxUnpooling2D()([pooled, MaxPoolIndices()(x)]), x]))
    kept = restored != 0
    np.testing.assert_array_equal(restored[kept], x[kept])
    assert kept.sum() == np.prod(pooled.shape)


def picture_model(size: tuple[int | None, int | None]) -> keras.Model:
    """An image pooled and unpooled by its own maxima: integers 0–255, which 8 bits hold exactly, so nothing may differ."""
    image = keras.Input((*size, 3), name="image")
    pooled = keras.layers.MaxPooling2D(2, padding="same")(image)
    restored = MaxUnpooling2D(name="unpool")([pooled, MaxPoolIndices(name="positions")(image)])
    return keras.Model(image, CropLike(name="crop")([restored, image]))


def tied_pictures(size: tuple[int, int]) -> np.ndarray:
    """Grey levels in steps of 85: three windows of four have equal maxima. The corners hold both ends of the range."""
    levels = np.random.default_rng(4).integers(0, 4, (2, *size, 3)) * 85
    levels[:, 0, 0], levels[:, -1, -1] = 0, 255
    return levels.astype("float32")


def expected_of(pictures: np.ndarray) -> np.ndarray:
    pooled = np.asarray(keras.layers.MaxPooling2D(2, padding="same")(pictures))
    return definition(pictures, pooled)[1]


def test_models_reload_and_take_any_size(tmp_path: Path) -> None:
    model = picture_model((None, None))
    model.save(tmp_path / "model.keras")
    for size in [(8, 12), (7, 11)]:
        pictures = tied_pictures(size)
        np.testing.assert_array_equal(zoo.load(tmp_path / "model.keras")(pictures), expected_of(pictures))
        np.testing.assert_array_equal(model.predict(pictures, verbose=0), expected_of(pictures))


@pytest.mark.parametrize("accelerator", ["cpu", "gpu"])
@pytest.mark.parametrize("recipe", ["float32", "float16", "int8"])
@pytest.mark.parametrize("size", [(16, 24), (17, 23)])
def test_files_are_bit_exact(size: tuple[int, int], recipe: str, accelerator: str, tmp_path: Path) -> None:
    if accelerator == "gpu" and driver() is None:
        pytest.skip("no Vulkan driver for the GPU accelerator")
    pictures, path = tied_pictures(size), tmp_path / "unpool.tflite"
    calibration = pictures if recipe == "int8" else None
    converters.to_tflite(picture_model(size), path, recipe=recipe, calibration=calibration, task="segmentation")
    assert recipe != "int8" or not converters.float_islands(path)
    with edge.Runner(path, accelerator) as runner:
        for picture, expected in zip(pictures, expected_of(pictures), strict=True):
            np.testing.assert_array_equal(runner.run(picture[None])[0], expected)


def test_eight_bits_count_ties_by_their_own_numbers(tmp_path: Path) -> None:
    """A scale above 1 and one far below, where TFLite's own comparison of 8-bit numbers fails."""
    for gain in (4.0, 1 / 4096):
        image = keras.Input((16, 24, 3), name="image")
        x = keras.layers.Rescaling(gain, name="scaled")(image)
        pooled = keras.layers.MaxPooling2D(2, padding="same")(x)
        model = keras.Model(image, MaxUnpooling2D(name="unpool")([pooled, MaxPoolIndices(name="positions")(x)]))
        pictures = tied_pictures((16, 24))
        path = tmp_path / f"{gain}.tflite"
        converters.to_tflite(model, path, recipe="int8", calibration=pictures, task="segmentation")
        with edge.Runner(path) as runner:
            expected = gain * expected_of(pictures)
            np.testing.assert_allclose(runner.run(pictures[:1]), expected[:1], atol=gain)


def test_gradients_flow_to_the_values_and_only_through_their_places() -> None:
    import tensorflow as tf

    x = numbers((8, 12), "tied")
    values = tf.constant(np.asarray(keras.layers.MaxPooling2D(2)(x)))
    weights = np.random.default_rng(5).standard_normal(x.shape).astype("float32")
    positions = MaxPoolIndices()(x)
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(MaxUnpooling2D()([values, positions]) * weights)
    expected = np.zeros(values.shape, "float32")
    for index in np.ndindex(*values.shape):
        n, row, column, channel = index
        down, right = divmod(int(positions[index]), 2)
        expected[index] = weights[n, 2 * row + down, 2 * column + right, channel]
    np.testing.assert_array_equal(tape.gradient(total, values), expected)


def test_positions_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one position for each value"):
        MaxUnpooling2D()([keras.Input((4, 4, 3)), keras.Input((4, 4, 5), dtype="int32")])


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_bed_of_nails_is_zeros_around_each_value(factor: int) -> None:
    x = numbers((5, 6), "different")
    expected = np.zeros((2, 5 * factor, 6 * factor, 5), "float32")
    expected[:, ::factor, ::factor] = x
    np.testing.assert_array_equal(BedOfNails2D(factor)(x), expected)


def test_the_receptive_field_is_the_windows() -> None:
    from zoo.analysis.receptive_field import receptive_field

    model = picture_model((16, 24))
    assert receptive_field(model, layer="positions") == receptive_field(model, layer="unpool") == (2, 2)
