"""Choices between values that tie but for rounding: forgiven, counted, few; and no fault hides behind them.

A processor that adds in another order stands here as a network whose first kernel takes in a millionth of its neighbours.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import converters
import edge
from edge.choices import inner_choices, taking
from edge.engines import Cpu
from edge.gpu import agreed_choices
from edge.gpu.vulkan import driver
from edge.graph import read_graph
from zoo.layers import MaxPoolIndices, MaxUnpooling2D, ModelOutput
from zoo.outputs import kind
from zoo.outputs.class_scores import class_output
from zoo.outputs.near_ties import FEW, NEAR, at_near_ties
from zoo.outputs.tolerances import OF_GPU

pytestmark = pytest.mark.usefixtures("workers")

L = keras.layers
SIZE = (24, 32)
TIES = 2  # a window has three channels: six choices of 576, of which the millionth turns about half


def network(noise: float = 0.0, offset: int = 0, output: str = "logits", roll: bool = False) -> keras.Model:
    """An image pooled, unpooled by its maxima and scored. The kernel before it takes in `noise` of the pixel on the right,
    or sits `offset` pixels off; what was unpooled comes a pixel late where it rolls."""
    image = keras.Input((*SIZE, 3), name="image")
    kernel = np.zeros((3, 3, 3, 1), "float32")
    kernel[1, 1 + offset], kernel[1, 2 - 2 * offset] = 1, noise
    x = L.DepthwiseConv2D(3, padding="same", use_bias=False, name="stem")(image)
    positions = MaxPoolIndices(name="positions")(x)
    x = MaxUnpooling2D(name="unpool")([L.MaxPooling2D(2, padding="same", name="pool")(x), positions])
    if roll:
        x = L.Cropping2D(((0, 0), (0, 1)))(L.ZeroPadding2D(((0, 0), (1, 0)))(x))
    x = L.Conv2D(4, 3, padding="same", kernel_initializer=keras.initializers.GlorotUniform(0), name="score")(x)
    model = keras.Model(image, ModelOutput("segmentation", class_output("abcd", output=output), name="answer")(x))
    model.get_layer("stem").set_weights([kernel])
    return model


def pictures(ties: int = TIES, count: int = 2) -> np.ndarray:
    """Noise in which so many windows have their maximum twice, at the top left and the bottom right."""
    drawn = np.random.default_rng(7).uniform(0, 255, (count, *SIZE, 3)).astype("float32")
    places = np.random.default_rng(8).permutation(SIZE[0] // 2 * SIZE[1] // 2)[:ties]
    for row, column in zip(*np.unravel_index(places, (SIZE[0] // 2, SIZE[1] // 2)), strict=True):
        drawn[:, 2 * row, 2 * column] = drawn[:, 2 * row + 1, 2 * column + 1] = 254
    return drawn


# ------------------------------------------------------------------------------------------------ the rule


def test_the_other_choice_is_taken_within_the_margin_and_not_beyond() -> None:
    scores = np.random.default_rng(0).standard_normal((1000, 5))
    own = scores.argmax(-1)
    scores[0], scores[1] = [9, 9 + 1e-6, 0, 0, 0], [9, 9.1, 0, 0, 0]
    other = own.copy()
    other[:2] = 0
    ties = at_near_ties(scores, other)
    assert (ties.chosen[0], ties.chosen[1], ties.otherwise) == (0, 1, 1)
    assert ties.margin == pytest.approx(NEAR * (scores - scores.mean(0)).std())
    assert at_near_ties(scores, np.full(1000, 7)).otherwise == 0, "no index of the axis"
    np.testing.assert_array_equal(at_near_ties(scores, other.astype("int32")).chosen[2:], own[2:])


def test_many_choices_that_differ_are_no_rounding() -> None:
    """Who takes the last of equal values, where half of all are equal, is wrong, though each is a tie."""
    scores = np.where(np.arange(4000).reshape(-1, 4) % 8 < 4, 0.0, [[3, 0, 1, 2]])
    last = 3 - scores[:, ::-1].argmax(-1)
    assert (last != scores.argmax(-1)).mean() == 0.5
    ties = at_near_ties(scores, last)
    assert ties.otherwise == 0 and np.array_equal(ties.chosen, scores.argmax(-1))
    few = np.where(np.arange(1000) < FEW * 1000 * 2, last, scores.argmax(-1))
    assert at_near_ties(scores, few).otherwise == FEW * 1000


def test_whole_numbers_tie_with_their_neighbours() -> None:
    scores = np.float32(0.5) * np.tile([[7, 6, 4]], (300, 1))
    other = np.zeros(300, int)
    other[:2] = 1, 2
    assert at_near_ties(scores, other).otherwise == 0
    assert at_near_ties(scores, other, step=0.5).otherwise == 1


# ------------------------------------------------------------------------------------------------ a model and its file


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The network of the other processor, as files."""
    folder, model = tmp_path_factory.mktemp("near_ties"), network(noise=1e-6)
    converters.to_tflite(model, folder / "noisy.tflite")
    converters.to_onnx(model, folder / "noisy.onnx", SIZE)
    return {".tflite": folder / "noisy.tflite", ".onnx": folder / "noisy.onnx"}


@pytest.mark.parametrize("suffix", [".tflite", ".onnx", "edge"])
def test_parity_counts_what_was_chosen_otherwise(noisy, suffix: str) -> None:
    model = network()
    if suffix == "edge":
        with edge.Runner(noisy[".tflite"]) as runner:
            found = converters.parity(model, runner.run, pictures(), recipe="float32")
    else:
        found = converters.parity(model, noisy[suffix], pictures())
    most = 2 * 3 * TIES  # pictures, channels
    assert found.passed and most / 4 < found.near_ties <= most, str(found)
    assert f"{found.near_ties} positions chosen otherwise at near ties" in found.reason
    assert found.reason in str(found)


def test_without_ties_nothing_is_chosen_otherwise(noisy) -> None:
    found = converters.parity(network(), noisy[".tflite"], pictures(ties=0))
    assert found.passed and not found.near_ties and "ties" not in str(found)


def test_who_does_not_tell_its_positions_fails(noisy) -> None:
    with edge.Runner(noisy[".tflite"]) as runner:
        found = converters.parity(network(), lambda image: runner.run(image), pictures(), recipe="float32")
    assert not found.passed and "of its spread" in found.reason


def test_more_than_few_fail(noisy) -> None:
    found = converters.parity(network(), noisy[".tflite"], pictures(ties=100))
    assert not found.passed and not found.near_ties


FAULTS = {
    "unpooled a pixel late": {"roll": True},
    "a kernel a pixel off": {"offset": 1},
    "a hundredth of a pixel": {"noise": 1e-2},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_all_the_same(fault: str, tmp_path: Path) -> None:
    converters.to_tflite(network(**FAULTS[fault]), tmp_path / "wrong.tflite")
    found = converters.parity(network(), tmp_path / "wrong.tflite", pictures())
    assert not found.passed and "of its spread" in found.reason, str(found)


def scores_with_ties() -> np.ndarray:
    """Scores of three classes, of which the first two are the largest and equal on five of 512 positions."""
    scores = np.random.default_rng(9).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    scores[0, 3, 2:6, :2] = scores[1, 8, 8, :2] = 255
    return scores


def turned(scores: np.ndarray) -> np.ndarray:
    """The same with the second of equal scores larger in its last digit."""
    return np.where(np.arange(3) == 1, np.nextafter(scores, np.float32(np.inf)), scores)


@pytest.mark.parametrize("output", ["logits", "probabilities", "class_map"])
def test_classes_that_tie_agree(output: str) -> None:
    image = keras.Input((16, 16, 3), name="image")
    x = L.Rescaling(1 / 255, name="scaled")(image)
    model = keras.Model(image, ModelOutput("segmentation", class_output("abc", output=output), name="answer")(x))
    found = converters.parity(model, lambda image: model(turned(image)), scores_with_ties())
    assert found.passed and found.agreement == 1.0 and found.near_ties == 5, str(found)
    wrong = converters.parity(model, lambda image: model(image + [0.0, 2.0, 0.0]), scores_with_ties())
    assert not wrong.passed and wrong.near_ties <= 5, str(wrong)


# ------------------------------------------------------------------------------------------------ the gate


def test_the_gates_class_maps_agree_where_they_tie() -> None:
    scores, spec = scores_with_ties(), class_output("abc")
    result = kind(spec).compare(scores, turned(scores), spec, OF_GPU["float32", False])
    assert result.passed and result.measures["iou"] == 1.0 and result.chosen_otherwise == 5
    same = kind(spec).compare(scores, scores, spec, OF_GPU["float32", False])
    assert same.passed and same.chosen_otherwise == 0


@pytest.mark.parametrize("output", ["logits", "class_map"])
def test_the_gates_reference_computes_on_with_the_other_sides_positions(output: str, tmp_path: Path, monkeypatch) -> None:
    """The other processor in the GPU's place: its positions are taken over, and all its numbers are then the CPU's."""
    right = converters.to_tflite(network(output=output), tmp_path / "right.tflite").path
    other = converters.to_tflite(network(noise=1e-6, output=output), tmp_path / "other.tflite").path
    feeds = [[image[None]] for image in pictures()]
    with edge.Runner(other) as runner:
        positions = [[runner.positions(feed)["positions"]] for (feed,) in feeds]
        got = [list(runner.outputs(feed).values()) for (feed,) in feeds]
    own = [Cpu(right).run(feed) for feed in feeds]
    monkeypatch.setattr(agreed_choices, "_chosen", lambda *_: positions)
    found = agreed_choices.reference(right, read_graph(right), feeds, own, got, "float32", 60.0)
    assert 6 * TIES / 4 < found.otherwise <= 6 * TIES
    spec = class_output("abcd", output=output)
    sides = [np.concatenate([y for (y,) in side]) for side in (own, found.outputs, got)]
    before, after = (kind(spec).compare(side, sides[2], spec, OF_GPU["float32", False]) for side in sides[:2])
    assert not before.passed and after.passed, (before, after)
    shifted = [[(place + 1) % 4 for place in sample] for sample in positions]
    monkeypatch.setattr(agreed_choices, "_chosen", lambda *_: shifted)
    found = agreed_choices.reference(right, read_graph(right), feeds, own, got, "float32", 60.0)
    assert found.otherwise <= 1 * len(feeds) and not np.array_equal(found.outputs[0][0], got[0][0])


@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_a_file_that_takes_its_own_positions_says_the_same(recipe: str, tmp_path: Path) -> None:
    calibration = pictures(count=8) if recipe == "int8" else None
    path = converters.to_tflite(network(), tmp_path / "a.tflite", recipe, calibration=calibration).path
    (choice,) = inner_choices(read_graph(path))
    assert (choice.layer, choice.axis) == ("positions", 2)
    with edge.Runner(path) as runner:
        positions = runner.positions(pictures())
    for image, chosen in zip(pictures(), positions["positions"], strict=True):
        feed = read_graph(path).inputs[0].store(image[None])
        taken = Cpu(taking(path, tmp_path / "taking.tflite", (choice,), ()))
        np.testing.assert_array_equal(taken.run([feed, chosen[None]])[0], Cpu(path).run([feed])[0])
        turned_round = taken.run([feed, (chosen[None] + 1) % 4])[0]
        assert not np.array_equal(turned_round, Cpu(path).run([feed])[0])


@pytest.mark.skipif(driver() is None, reason="no Vulkan driver for LiteRT's GPU accelerator")
def test_the_gpu_tells_its_positions(tmp_path: Path) -> None:
    path = converters.to_tflite(network(), tmp_path / "a.tflite").path
    with edge.Runner(path) as cpu, edge.Runner(path, "gpu") as gpu:
        np.testing.assert_array_equal(cpu.positions(pictures(0))["positions"], gpu.positions(pictures(0))["positions"])
    verdict = edge.gpu_check(path, list(pictures()))
    assert verdict.ok, verdict.report()
