"""What is special about SegNet, DeconvNet and FC-DenseNet: the way back up, and what weights fit."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_models import answer, pictures, tiny

import converters
import edge
import zoo
from edge.gpu.remote import PRECISIONS
from edge.gpu.vulkan import driver
from zoo.errors import InputError
from zoo.layers import MaxPoolIndices

pytestmark = pytest.mark.usefixtures("workers")

SMALL = {  # odd sizes, and few layers: shaders are slow to compile
    "segnet": {"size": (37, 50)},
    "segnet_basic": {"size": (37, 50), "depth": 3},
    "deconvnet": {"size": (193, 201)},
    "fcdensenet56": {"size": (37, 50), "depths": (1, 2, 1)},
}


@pytest.mark.skipif(driver() is None, reason="no Vulkan driver for the GPU accelerator")
@pytest.mark.parametrize("recipe", ["float32", "int8"])
@pytest.mark.parametrize("name", SMALL)
def test_files_are_whole_on_the_gpu(name: str, recipe: str, tmp_path: Path, precisions: tuple[str, ...]) -> None:
    model, path = tiny(name, **SMALL[name]), tmp_path / "model.tflite"
    converters.to_tflite(model, path, recipe=recipe, calibration=pictures(model, 8) if recipe == "int8" else None)
    tried = precisions if recipe == "float32" else PRECISIONS[1:]  # every graph in both, another file as a phone runs it
    verdict = edge.gpu_check(path, list(pictures(model)), precisions=tried)
    assert verdict.whole and (verdict.ok or recipe == "int8"), verdict.report()
    assert recipe == "float32" or not converters.float_islands(path)


@pytest.mark.parametrize("name", ["segnet", "deconvnet"])
def test_a_classifiers_weights_come_in(name: str, tmp_path: Path) -> None:
    """Convolutions, and for DeconvNet fc6 and fc7, are the classifier's; batch normalisation starts anew."""
    options = {"width": 0.125, "fc": ((7, 32), (1, 32))}
    classifier = zoo.build("vgg16", classes=4, input_shape=(224, 224, 3), **options)
    classifier.save(tmp_path / "vgg16.keras")
    model = zoo.build(name, classes=3, encoder_weights=tmp_path / "vgg16.keras", encoder_options=options)
    shared = [f"conv{stage}_{conv}" for stage, depth in enumerate((2, 2, 3, 3, 3), 1) for conv in range(1, depth + 1)]
    for layer in [*shared, *(("fc6", "fc7") if name == "deconvnet" else ())]:
        for ours, theirs in zip(model.get_layer(layer).get_weights(), classifier.get_layer(layer).get_weights(), strict=True):
            np.testing.assert_array_equal(ours.ravel(), theirs.ravel())
    assert model.get_layer("conv1_1_bn").get_weights()[0].tolist() == [1.0] * 8


def test_every_pooling_is_answered_by_its_own_positions() -> None:
    model = tiny("segnet")
    for stage in range(1, 6):
        seen = model.get_layer(f"pool{stage}").input
        positions = model.get_layer(f"up{stage}_positions")
        assert isinstance(positions, MaxPoolIndices) and positions.input is seen
        assert model.get_layer(f"up{stage}_fit").output.shape == seen.shape


def test_segnet_sees_where_in_a_window_a_maximum_was() -> None:
    """Pooled maps alone cannot tell: two windows that differ by their maximum's place come out differently."""
    model = tiny("segnet_basic", (16, 16), depth=1, kernel=1)
    image = np.zeros((2, 16, 16, 3), "float32")
    image[0, 4, 4], image[1, 5, 5] = 255, 255
    pooled = np.asarray(keras.Model(model.input, model.get_layer("pool1").output)(image))
    np.testing.assert_array_equal(pooled[0], pooled[1])
    assert not np.array_equal(*answer(model, image))


def test_only_what_unpoolings_can_answer_is_turned_round() -> None:
    with pytest.raises(InputError, match="resnet18 cannot be turned round"):
        zoo.build("segnet", encoder="resnet18", classes=3)
    wide = zoo.build("deconvnet", classes=3, encoder="vgg19", encoder_options={"width": 0.125, "fc": ((7, 8), (1, 8))})
    assert wide.get_layer("up3_conv4").filters == 32


def test_a_tiramisu_carries_up_only_what_a_block_found() -> None:
    model = zoo.build("fcdensenet103", classes=11)
    transitions = [model.get_layer(f"up{scale}_transition").filters for scale in (5, 4, 3, 2, 1)]
    assert transitions == [16 * depth for depth in (15, 12, 10, 7, 5)]
    # Table 2 of the paper: channels of the stack after each block on the way down, and before the scores
    stacks = [model.get_layer(f"down{scale}_transition_conv").filters for scale in range(1, 6)]
    assert stacks == [112, 192, 304, 464, 656]
    assert model.get_layer("score").input.shape[-1] == 256
