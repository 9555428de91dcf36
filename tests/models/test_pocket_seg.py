"""PocketSeg and U-Net Lite: what they promise beside what every network is tested for."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import converters
import edge
import zoo
from edge.gpu.vulkan import driver
from zoo.errors import InputError
from zoo.layers import Downscale


def test_pocket_seg_has_fewer_than_a_million_parameters() -> None:
    model = zoo.build("pocket_seg", classes=11)
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) < 1_000_000


def test_own_networks_join_maps_by_sums_alone() -> None:
    """Concatenation and gates are what int8 pays for: see the docstrings of both files."""
    for name in ("pocket_seg", "unet_lite"):
        kinds = {type(layer).__name__ for layer in zoo.build(name, classes=3).layers}
        assert "Add" in kinds and not kinds & {"Concatenate", "Multiply"}


def test_pocket_seg_sees_the_whole_picture() -> None:
    """A change in one corner reaches the other: through dilation, and through the average that lies under everything."""
    keras.utils.set_random_seed(0)
    model = zoo.build("pocket_seg", classes=3, width=0.25)
    image = np.full((1, 160, 160, 3), 100, np.float32)
    changed = image.copy()
    changed[:, :16, :16] = 250
    difference = np.abs(np.asarray(model(changed)) - np.asarray(model(image)))[0, -16:, -16:]
    assert difference.max() > 0


@pytest.mark.parametrize(("size", "share", "smaller"), [((256, 256), 0.625, (160, 160)), ((97, 131), 0.75, (73, 99))])
def test_shrinking_is_bilinear_and_rounds_up(size: tuple[int, int], share: float, smaller: tuple[int, int]) -> None:
    ramp = np.broadcast_to(np.arange(size[1], dtype=np.float32)[None, None, :, None], (1, *size, 1))
    image = keras.Input((None, None, 1))
    open_size, fixed = keras.Model(image, Downscale(share)(image)), Downscale(share)
    small = np.asarray(open_size(ramp))
    assert small.shape == (1, *smaller, 1) == tuple(fixed(keras.Input((*size, 1), batch_size=1)).shape)
    step = size[1] / smaller[1]
    np.testing.assert_allclose(small[0, 0, :, 0], (np.arange(smaller[1]) + 0.5) * step - 0.5, atol=1e-3)


def test_the_encoder_sees_the_share_that_was_asked_for() -> None:
    whole, part = (zoo.build("unet_lite", classes=2, shrink=shrink) for shrink in (1.0, 0.5))
    assert zoo.macs(part, (256, 256)) == pytest.approx(zoo.macs(whole, (128, 128)), rel=1e-6)
    with pytest.raises(InputError, match=r"shrink=1\.5"):
        zoo.build("unet_lite", shrink=1.5)


def test_the_answer_can_come_from_any_stride() -> None:
    for finest in (2, 4, 8):
        model = zoo.build("unet_lite", classes=2, finest=finest, input_shape=(64, 64, 3))
        assert model.get_layer("score").output.shape[1] == 64 // finest


@pytest.mark.parametrize("share", [0.625, 0.75])
def test_a_shrunk_image_is_the_same_in_a_file(share: float, tmp_path: Path) -> None:
    image = keras.Input((97, 131, 3), name="image")
    model = keras.Model(image, Downscale(share, name="answer")(image))
    picture = np.random.default_rng(0).uniform(0, 255, (1, 97, 131, 3)).astype("float32")
    for recipe, tolerance in (("float32", 0.01), ("int8", 1.1)):  # grey levels: rounding of the taps, and of the answer
        path = tmp_path / f"{recipe}.tflite"
        converters.to_tflite(model, path, recipe=recipe, calibration=picture.repeat(8, axis=0) if recipe == "int8" else None)
        np.testing.assert_allclose(edge.Runner(path).run(picture), np.asarray(model(picture)), atol=tolerance)
        if driver() is not None:
            verdict = edge.gpu_check(path, list(picture[None]))
            assert verdict.ok, verdict.report()
