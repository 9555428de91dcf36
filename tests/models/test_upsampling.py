"""Every way up in every decoder that offers it: sizes, weights, files, and what is refused."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_models import answer_at_near_ties

import converters
import edge
import zoo
from edge.gpu.remote import PRECISIONS
from edge.gpu.vulkan import driver
from zoo.errors import InputError
from zoo.layers import CropLike
from zoo.models.blocks.upsampling import UPSAMPLERS, Step, upsample

pytestmark = pytest.mark.usefixtures("workers")

FCN = {"encoder_options": {"width": 0.125, "fc": ((7, 16), (1, 16))}}
VGG = {"encoder": "vgg16", "encoder_options": {"width": 0.125}, "input_shape": (None, None, 3)}
DECODERS = {"unet": {"width": 0.0625}, "unet over vgg16": VGG, "fcn8s": FCN}
CASES = [
    (decoder, upsampler)
    for decoder in DECODERS
    for upsampler in UPSAMPLERS
    if (decoder, upsampler) != ("fcn8s", "unpool")
]


def build(decoder: str, upsampler: str, **options) -> keras.Model:
    keras.utils.set_random_seed(0)
    return zoo.build(decoder.split()[0], classes=3, upsampler=upsampler, **{**DECODERS[decoder], **options})


@pytest.mark.parametrize("decoder, upsampler", CASES)
def test_each_goes_up_to_any_size(decoder: str, upsampler: str, tmp_path: Path) -> None:
    model = build(decoder, upsampler)
    image = np.random.default_rng(0).uniform(0, 255, (1, 67, 98, model.inputs[0].shape[-1])).astype("float32")
    answer = np.asarray(model(image))
    assert answer.shape == (1, 67, 98, 3) and answer.std() > 0
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(zoo.load(tmp_path / "model.keras")(image), answer)
    assert zoo.macs(model, (67, 98)) > 0


@pytest.mark.parametrize("decoder", DECODERS)
def test_the_default_is_the_papers(decoder: str) -> None:
    papers = build(decoder, {"unet": "transposed", "fcn8s": "bilinear"}[decoder.split()[0]])
    default = zoo.build(decoder.split()[0], classes=3, **DECODERS[decoder])
    assert [layer.name for layer in default.layers] == [layer.name for layer in papers.layers]


def one_step(upsampler: str, x: np.ndarray, factor: int, **options) -> np.ndarray:
    coarse = keras.Input(x.shape[1:])
    return np.asarray(keras.Model(coarse, upsample(coarse, upsampler, Step(factor, name="up", **options)))(x))


@pytest.mark.parametrize("factor", [2, 3])
def test_what_learns_nothing_is_exact(factor: int) -> None:
    x = np.random.default_rng(0).standard_normal((1, 3, 4, 2)).astype("float32")
    np.testing.assert_array_equal(one_step("nearest", x, factor, channels=2), x.repeat(factor, 1).repeat(factor, 2))
    nails = one_step("bed_of_nails", x, factor, channels=2)
    np.testing.assert_array_equal(nails[:, ::factor, ::factor], x)
    assert np.count_nonzero(nails) == x.size


def test_a_transposed_convolution_is_nails_and_a_convolution() -> None:
    """What the lectures say of it: zeros between the values, then the kernel turned round."""
    x = np.random.default_rng(0).standard_normal((1, 4, 5, 2)).astype("float32")
    kernel = np.random.default_rng(1).standard_normal((3, 3, 6, 2)).astype("float32")
    transposed = keras.ops.conv_transpose(x, kernel, strides=2, padding="valid")
    nails = np.pad(one_step("bed_of_nails", x, 2, channels=2), ((0, 0), (2, 1), (2, 1), (0, 0)))
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    np.testing.assert_allclose(keras.ops.conv(nails, turned, padding="valid"), transposed, atol=1e-5)


def up_twice(upsampler: str, size: tuple[int, int]) -> keras.Model:
    """By 2, where there is a pooling to answer, then by 3; both times to more than is wanted."""
    keras.utils.set_random_seed(0)
    image = keras.Input((*size, 3), name="image")
    seen = keras.layers.Conv2D(4, 5, 3, padding="same", activation="relu", name="down")(image)
    x = keras.layers.MaxPooling2D(2, padding="same", name="pool")(seen)
    x = upsample(x, upsampler, Step(2, 4, "up2", "relu", pooled=seen))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="between")(CropLike(name="fit2")([x, seen]))
    if upsampler != "unpool":
        x = CropLike(name="fit3")([upsample(x, upsampler, Step(3, 2, "up3")), image])
    return keras.Model(image, keras.layers.Conv2D(3, 3, padding="same", name="score")(x))


@pytest.mark.parametrize("recipe", ["float32", "int8"])
@pytest.mark.parametrize("upsampler", UPSAMPLERS)
def test_files_say_the_same(upsampler: str, recipe: str, tmp_path: Path, precisions: tuple[str, ...]) -> None:
    """On the CPU and the GPU, 8-bit ones without float in between. 37×50 is odd on every scale."""
    model, path = up_twice(upsampler, (37, 50)), tmp_path / "up.tflite"
    images = np.random.default_rng(0).uniform(0, 255, (8, 37, 50, 3)).astype("float32")
    converters.to_tflite(model, path, recipe=recipe, calibration=images if recipe == "int8" else None, task="segmentation")
    with edge.Runner(path) as runner:
        answer, recorded = runner.run(images[:1]), runner.positions(images[:1])
    expected = answer_at_near_ties(model, images[:1], recorded)
    error = np.abs(answer - expected)
    assert error.max() < 1e-4 * expected.std() if recipe == "float32" else error.mean() < 0.1 * expected.std()
    assert recipe == "float32" or not converters.float_islands(path)
    if driver() is not None:
        tried = precisions if recipe == "float32" else PRECISIONS[1:]  # every graph in both, another file as a phone runs it
        verdict = edge.gpu_check(path, list(images[:2]), input_range=(0, 255), precisions=tried)
        assert verdict.ok, verdict.report()


def test_what_does_not_go_together_is_told() -> None:
    with pytest.raises(InputError, match=r"upsampler.*nearst.*nearest"):
        build("unet", "nearst")
    wide = {"encoder_options": {"width": 0.125, "window": 3}}
    for decoder, options in (("fcn8s", {}), ("unet over vgg16", {"encoder": "googlenet"}), ("unet over vgg16", wide)):
        with pytest.raises(InputError, match="2×2 max pooling"):
            build(decoder, "unpool", **{"encoder_options": {}, **options})
    with pytest.raises(InputError, match="released crops"):
        build("fcn8s", "resize", padding="caffe")


def test_the_word_of_0_1_for_a_bed_of_nails_is_understood() -> None:
    x = np.random.default_rng(0).standard_normal((1, 3, 4, 2)).astype("float32")
    with pytest.warns(DeprecationWarning, match="bed_of_nails"):
        old = one_step("nails", x, 2, channels=2)
    np.testing.assert_array_equal(old, one_step("bed_of_nails", x, 2, channels=2))


def test_the_command_names_a_networks_own_options() -> None:
    from zoo.cli.arguments import parse_values
    from zoo.cli.train import _network_options

    told = _network_options(16, [16], ["upsampler=resize", "skip_scales=[0.01, 0.0001]", 'encoder_options={"width": 0.5}'])
    assert told == {
        "auxiliary": (16,),
        "upsampler": "resize",
        "skip_scales": (0.01, 0.0001),
        "encoder_options": {"width": 0.5, "output_stride": 16},
    }
    assert parse_values(["dropout=0.1", "mirror=false", "encoder=null"]) == {"dropout": 0.1, "mirror": False, "encoder": None}
    for wrong in ("upsampler", "=resize"):
        with pytest.raises(InputError, match="NAME=VALUE"):
            parse_values([wrong])
