"""The fully connected CRF against its definition over all pairs of pixels."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
import zoo.data
from zoo.cli.crf import parse_options
from zoo.errors import InputError
from zoo.layers import DenseCRF
from zoo.postprocessing.dense_crf import search

SHAPE = (36, 48)
GIVEN = {"iterations": 5, "bilateral_weight": 4.0, "position_width": 10.0, "colour_width": 15.0}
GIVEN |= {"spatial_weight": 2.0, "spatial_width": 3.0}


def scene(shape: tuple[int, int] = SHAPE, labels: int = 4, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """A picture with edges and textures, and smooth logits that know nothing of them: H×W×channels and H×W×labels."""
    image = zoo.data.Scenes(1, SHAPE, seed=5)[0].image.astype("float32")[: shape[0], : shape[1], :channels]
    coarse = np.random.default_rng(1).uniform(-4, 4, (1, 6, 8, labels)).astype("float32")
    return image, np.asarray(keras.ops.image.resize(coarse, shape, interpolation="bicubic"))[0]


def softmax(logits: np.ndarray) -> np.ndarray:
    exponent = np.exp(logits - logits.max(-1, keepdims=True))
    return exponent / exponent.sum(-1, keepdims=True)


def by_definition(image: np.ndarray, logits: np.ndarray, given: dict, penalties: np.ndarray | None = None) -> np.ndarray:
    """Equation 3 and algorithm 1 of Krähenbühl & Koltun 2011 with two dense matrices in float64."""
    height, width, labels = logits.shape
    places = np.stack(np.mgrid[:height, :width], -1).reshape(-1, 2).astype(float)
    colours = image.reshape(height * width, -1).astype(float)
    apart, unlike = (((x[:, None] - x[None]) ** 2).sum(-1) for x in (places, colours))
    nearby = apart / (2 * given["position_width"] ** 2) + unlike / (2 * given["colour_width"] ** 2)
    kernels = [np.exp(-nearby), np.exp(-apart / (2 * given["spatial_width"] ** 2))]
    kernels = [k / np.sqrt(k.sum(1)[:, None] * k.sum(1)[None]) for k in kernels]
    mix = given["bilateral_weight"] * kernels[0] + given["spatial_weight"] * kernels[1]
    penalties = 1 - np.eye(labels) if penalties is None else penalties
    unary = corrected = logits.reshape(-1, labels).astype(float)
    for _ in range(given["iterations"]):
        corrected = unary - mix @ softmax(corrected) @ penalties
    return corrected.reshape(logits.shape)


def run(image: np.ndarray, logits: np.ndarray, **options) -> np.ndarray:
    return np.asarray(DenseCRF(**options)([image[None], logits[None]]))[0]


def off(answer: np.ndarray, expected: np.ndarray) -> float:
    """Root mean square difference of the beliefs."""
    return float(np.sqrt(np.mean((softmax(answer) - softmax(expected)) ** 2)))


def test_every_pair_is_the_definition() -> None:
    image, logits = scene()
    expected = by_definition(image, logits, GIVEN)
    np.testing.assert_allclose(run(image, logits, sampling=None, **GIVEN), expected, atol=1e-4)
    assert off(logits, expected) > 0.1, "a CRF that changes nothing cannot be tested by its answer"


def test_the_spatial_kernel_alone_is_the_definition_without_any_grid() -> None:
    image, logits = scene()
    given = {**GIVEN, "bilateral_weight": 0.0}
    np.testing.assert_allclose(run(image, logits, **given), by_definition(image, logits, given), atol=1e-3)


def test_the_grid_nears_the_definition_as_it_gets_finer() -> None:
    image, logits = scene()
    expected = by_definition(image, logits, GIVEN)
    errors = [off(run(image, logits, sampling=sampling, palette=2048, **GIVEN), expected) for sampling in (1.0, 1.5, 2.0)]
    limits = (0.03, 0.01, 0.005)
    assert all(error < limit for error, limit in zip(errors, limits, strict=True)), errors
    assert errors[0] > errors[1] > errors[2]
    wrong = by_definition(image, logits, {**GIVEN, "colour_width": 1.5 * GIVEN["colour_width"]})
    assert off(expected, wrong) > limits[1], "a tolerance that a wrong width meets proves nothing"


@pytest.mark.parametrize("channels", [1, 2])
def test_other_channels_and_odd_sizes(channels: int) -> None:
    image, logits = scene((31, 43), 3, channels)
    expected = by_definition(image, logits, GIVEN)
    assert off(run(image, logits, sampling=2.0, palette=2048, **GIVEN), expected) < 0.005
    np.testing.assert_allclose(run(image, logits, sampling=None, **GIVEN), expected, atol=1e-4)


def test_penalties_are_given_from_neighbour_to_label() -> None:
    image, logits = scene((20, 24), 3)
    penalties = np.array([[0, 2, 1], [0.5, 0, 3], [1, 1, 0.2]])
    expected = by_definition(image, logits, GIVEN, penalties)
    answer = run(image, logits, sampling=None, compatibility=penalties.tolist(), **GIVEN)
    np.testing.assert_allclose(answer, expected, atol=1e-4)


def test_images_of_a_batch_do_not_hear_each_other() -> None:
    one, logits = scene((24, 31))
    two = 255 - one[::-1]
    crf = DenseCRF(**GIVEN)
    together = np.asarray(crf([np.stack([one, two]), np.stack([logits, logits])]))
    for picture, answer in zip((one, two), together, strict=True):
        np.testing.assert_allclose(answer, np.asarray(crf([picture[None], logits[None]]))[0], atol=1e-4)


def test_a_palette_too_small_is_still_finite_and_near() -> None:
    image, logits = scene()
    whole, few = (run(image, logits, palette=size, **GIVEN) for size in (2048, 128))
    assert np.isfinite(few).all() and off(few, whole) < off(logits, whole)


def test_edges_of_the_picture_become_edges_of_the_answer() -> None:
    """Two halves of different colour, labelled with a border four pixels off: the CRF moves it where the colours part."""
    image = np.full((24, 40, 3), 60, "float32")
    image[:, 20:] = 190
    truth = np.repeat((np.arange(40) >= 20)[None], 24, 0)
    logits = np.stack([np.zeros((24, 40)), np.repeat(np.clip(np.arange(40) - 24, -2, 2)[None] / 2, 24, 0)], -1)
    refined = run(image, logits.astype("float32"), bilateral_weight=8.0, position_width=20.0, colour_width=15.0)
    assert (logits.argmax(-1) == truth).mean() < 0.92
    assert (refined.argmax(-1) == truth).all()


def test_gradients_reach_logits_and_everything_learned() -> None:
    import tensorflow as tf

    image, logits = (tf.convert_to_tensor(x[None]) for x in scene((20, 24), 3))
    crf = DenseCRF(learned=("weights", "compatibility", "widths"), **GIVEN)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = tf.reduce_mean(tf.square(crf([image, logits])))
    gradients = tape.gradient(loss, [logits, *(v.value for v in crf.trainable_variables)])
    assert len(gradients) == 5
    assert all(np.isfinite(g).all() and np.abs(g).max() > 0 for g in gradients)
    assert not DenseCRF(**GIVEN).trainable_variables


def test_a_learned_width_moves_the_kernel_as_a_given_one_does() -> None:
    image, logits = scene()
    crf = DenseCRF(sampling=2.0, palette=2048, **GIVEN)
    crf.build([(None, *SHAPE, 3), (None, *SHAPE, 4)])
    crf.log_scales.assign(np.log([0.8, 1.2, 0.9]))
    scaled = {**GIVEN, "position_width": 8.0, "colour_width": 18.0, "spatial_width": 2.7}
    expected = by_definition(image, logits, scaled)
    answer = np.asarray(crf([image[None], logits[None]]))[0]
    assert off(answer, expected) < 0.01 < off(by_definition(image, logits, GIVEN), expected)


@pytest.fixture(scope="module")
def segmenter() -> keras.Model:
    keras.utils.set_random_seed(0)
    return zoo.build("fast_scnn", classes=6, width=0.25, output="class_map")


def test_behind_a_segmenter_it_is_a_model_like_any_other(segmenter: keras.Model, tmp_path) -> None:
    refined = zoo.with_crf(segmenter, colour_width=20.0, learned=("weights",))
    assert zoo.output_spec(refined) == zoo.output_spec(segmenter) and zoo.output_spec(refined).kind == "class_map"
    assert len(refined.trainable_variables) == len(segmenter.trainable_variables) + 2
    images = np.random.default_rng(0).uniform(0, 255, (2, 67, 43, 3)).astype("float32")
    before = np.asarray(refined(images))
    assert before.shape == (2, 67, 43)
    refined.save(tmp_path / "crf.keras")
    again = zoo.load(tmp_path / "crf.keras")
    np.testing.assert_array_equal(np.asarray(again(images)), before)
    assert again.get_layer("crf").colour_width == 20.0
    np.testing.assert_array_equal(again.predict_on_batch(images), before)  # traced with open sizes
    with pytest.raises(InputError, match="'crf' of type DenseCRF"):  # its work depends on the picture
        zoo.macs(refined, (64, 64))


def test_a_search_keeps_the_best_it_tried(segmenter: keras.Model) -> None:
    lines: list[str] = []
    found = search(segmenter, zoo.data.Scenes(2, (48, 56)), 2, start={"iterations": 1}, say=lines.append)
    scores = [score for _, score in found.tried]
    assert found.best == max(scores) and found.tried[scores.index(found.best)][0] == found.options
    assert found.options["iterations"] == 1 and len(lines) == 1 + len(scores) == 12


@pytest.mark.parametrize(
    "options, message",
    [
        ({"colour_width": 0}, "colour_width=0"),
        ({"color_width": 8}, "colour_width"),
        ({"learned": ("weight",)}, "weights"),
        ({"compatibility": [[0, 1], [1, 0]]}, "6×6"),
        ({"sampling": -1}, "sampling=-1"),
    ],
)
def test_bad_options_are_told(segmenter: keras.Model, options: dict, message: str) -> None:
    with pytest.raises(zoo.errors.InputError, match=message):
        zoo.with_crf(segmenter, **options)


def test_what_is_no_segmenter_is_refused(segmenter: keras.Model) -> None:
    with pytest.raises(zoo.errors.InputError, match="already"):
        zoo.with_crf(zoo.with_crf(segmenter))
    with pytest.raises(zoo.errors.InputError, match="no segmenter"):
        zoo.with_crf(zoo.build("lenet5"))


def test_options_on_the_command_line() -> None:
    assert parse_options(["iterations=10", "colour_width=7.5"]) == {"iterations": 10, "colour_width": 7.5}
    for bad in ("colour_width", "colour_width=wide", "=3x"):
        with pytest.raises(zoo.errors.InputError, match="NAME=NUMBER"):
            parse_options([bad])


def test_the_command_leaves_a_model_to_evaluate(segmenter: keras.Model, tmp_path, capsys) -> None:
    from zoo.cli.crf import crf

    segmenter.save(tmp_path / "model.keras")
    told = ["iterations=1", "bilateral_weight=0.5"]
    crf(tmp_path, options=told, data="scenes:count=2,size=48", split="val", count=2)
    assert "without a CRF" in capsys.readouterr().out
    refined = zoo.load(tmp_path / "model_crf.keras")
    assert refined.get_layer("crf").iterations == 1
    assert zoo.evaluate(refined, zoo.data.Scenes(2, (48, 56)), progress=False).metrics[0].matrix.pixels > 0
    with pytest.raises(zoo.errors.InputError, match="keras"):
        crf(tmp_path, out=tmp_path / "model.tflite")
    with pytest.raises(zoo.errors.InputError, match="--data"):
        crf(tmp_path, size="48x56")


def test_it_converts_for_the_cpu(segmenter: keras.Model, tmp_path) -> None:
    import converters
    import edge

    refined = zoo.with_crf(segmenter, iterations=1, palette=64, colour_width=40.0)
    with pytest.raises(InputError, match=r"layer 'crf'.*engine='tensorflow'"):  # a function of TensorFlow's
        converters.to_tflite(refined, tmp_path / "crf.tflite", input_size=(48, 48))
    converters.to_tflite(refined, tmp_path / "crf.tflite", input_size=(48, 48), engine="tensorflow")
    images = np.random.default_rng(0).uniform(0, 255, (1, 48, 48, 3)).astype("float32")
    with edge.Runner(tmp_path / "crf.tflite") as runner:
        assert (runner.run(images) == np.asarray(refined(images))).mean() > 0.99
