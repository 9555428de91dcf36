"""Tasks whose answer is no class: restoration, optical flow, an answer larger than its picture, and several outputs."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import pytest
from picture_tasks import TwoMasks, WarmAndBright, doubling_network, two_outputs

import zoo
import zoo.data
import zoo.losses
from zoo import tasks
from zoo.analysis.tiny_models import tiny_model, toy_batch
from zoo.data import Augment, Dataset, Sample
from zoo.data.targets import FlowField
from zoo.errors import InputError
from zoo.evaluation.predictor import TestTimeAugmentation, Tiling

RUN = {"batch_size": 8, "seed": 1, "verbose": 0}


def opened(spec: str, count: int = 64, size: int = 32) -> tuple[Dataset, Dataset]:
    return tuple(zoo.data.open(f"{spec}:count={count},size={size}", split) for split in ("train", "val"))


def scores(data: Dataset, answers: list[np.ndarray]) -> dict[str, float]:
    """What these answers to all samples come to."""
    metrics = tasks.get(data.task).metrics(data)
    for sample, answer in zip(data, answers, strict=True):
        for metric in metrics:
            metric.update(sample.target, answer)
    return {score.name: score.value for metric in metrics for score in metric.scores()}


def test_a_denoiser_makes_pictures_better() -> None:
    train, val = opened("scenes_denoising")
    noisy = scores(val, [sample.image for sample in val])
    keras.utils.set_random_seed(0)
    model = zoo.build("tiny_denoiser", width=0.5)
    result = zoo.train(model, train, val, epochs=12, learning_rate=4e-3, augment=Augment(scale=(1, 1)), **RUN)
    assert result.best["metric"] == "val_psnr" and result.best["score"] == max(result.history["val_psnr"])
    assert result.best["score"] > noisy["psnr"] + 0.5
    found = zoo.evaluate(model, val, progress=False)
    assert found.headline.value == result.best["score"] and found.headline.text.endswith(" dB")
    assert found.scores["ssim"] > noisy["ssim"]


def test_a_picture_s_colours_change_with_its_target_alone() -> None:
    train, _ = opened("scenes_denoising", 8)
    sample, change = train[0], Augment(flip=0, scale=(1, 1), brightness=1, hue=180, noise=50)
    image, target = change(sample.image, sample.target, np.random.default_rng(0))
    np.testing.assert_array_equal(image, sample.image)
    np.testing.assert_array_equal(target.values, sample.target.values)


def test_a_flow_network_says_where_things_go() -> None:
    train, val = opened("scenes_flow", 256, 64)
    still = scores(val, [np.zeros_like(sample.target.values) for sample in val])
    keras.utils.set_random_seed(0)
    model = zoo.build("tiny_flow", width=0.5)
    flips = Augment(flip=0.5, flip_vertical=0.5, scale=(1, 1), brightness=0, contrast=0, saturation=0)
    result = zoo.train(model, train, val, epochs=12, learning_rate=2e-3, augment=flips, **RUN)
    assert result.best["metric"] == "val_end_point_error" and result.best["score"] == min(result.history["val_end_point_error"])
    assert result.best["score"] < 0.95 * still["end_point_error"]
    found = zoo.evaluate(model, val, progress=False)
    assert found.headline.value == result.best["score"] and found.headline.text.endswith(" px")
    assert not found.headline.higher_is_better


def test_a_flow_network_follows_a_texture() -> None:
    """Taught and asked on toy pictures: an answer that does not look at both frames is off by two pixels."""
    model = tiny_model("tiny_flow", (48, 48))
    toy, unseen = toy_batch(model, 128), toy_batch(model, 16, seed=1)
    model.compile(keras.optimizers.Adam(2e-3, clipnorm=1.0), tasks.get("optical_flow").loss(zoo.output_spec(model)))
    model.fit(toy.images, toy.targets, 8, 12, verbose=0)
    still = np.hypot(*np.moveaxis(unseen.targets, -1, 0)).mean()
    error = np.hypot(*np.moveaxis(model.predict(unseen.images, verbose=0) - unseen.targets, -1, 0)).mean()
    assert error < 0.7 * still


def test_an_answer_larger_than_its_picture_is_trained_and_scored() -> None:
    train, val = opened("scenes_superres", 32)
    model = doubling_network()
    before = zoo.evaluate(model, val, progress=False)
    result = zoo.train(model, train, val, epochs=3, learning_rate=2e-3, **RUN)
    assert result.best["score"] > before.headline.value
    tiles = zoo.evaluate(model, val, tiling=Tiling((32, 32), 0), tta=TestTimeAugmentation(flip=True), progress=False)
    assert tiles.headline.value > before.headline.value and tiles.procedure.startswith("mirrored too; tiles")


@pytest.fixture
def two_masks() -> Iterator[None]:
    tasks.register(TwoMasks())
    yield
    tasks.withdraw("two_masks")


@pytest.mark.usefixtures("two_masks")
class TestSeveralOutputs:
    def test_each_learns_from_its_own_target(self, tmp_path) -> None:
        train, val = WarmAndBright(16), WarmAndBright(8, "val")
        model = two_outputs()
        before = zoo.evaluate(model, val, progress=False).scores
        result = zoo.train(model, train, val, epochs=12, learning_rate=0.02, folder=tmp_path, **RUN)
        assert result.best["metric"] == "val_mean_accuracy"
        assert min(result.rows[-1][f"val_{name}"] for name in ("warm", "bright")) > 0.85 > before["mean_accuracy"]
        again = zoo.load(tmp_path / "model.keras")
        assert zoo.evaluate(again, val, progress=False).headline.value == result.best["score"]
        assert set(again.output) == {"warm", "bright"}

    def test_a_loss_may_be_given_for_each(self) -> None:
        losses = {name: zoo.losses.DiceLoss(255) for name in ("warm", "bright")}
        result = zoo.train(two_outputs(), WarmAndBright(16), epochs=3, learning_rate=0.01, loss=losses, **RUN)
        assert result.history["loss"][-1] < result.history["loss"][0]
        losses["loud"] = losses.pop("bright")
        with pytest.raises(InputError, match=r"losses for \['loud', 'warm'\], and the outputs are \['bright', 'warm'\]"):
            zoo.train(two_outputs(), WarmAndBright(16), epochs=1, loss=losses, **RUN)

    def test_views_and_tiles_are_of_one_output(self) -> None:
        with pytest.raises(InputError, match="two_outputs has 2 outputs; views and tiles"):
            zoo.evaluate(two_outputs(), WarmAndBright(4), tta=TestTimeAugmentation(flip=True), progress=False)


class Broken(Dataset):
    """Two frames with a vector that is no number, where it counts or where it does not."""

    name, task, target = "broken", "optical_flow", FlowField

    def __init__(self, valid: bool) -> None:
        self._valid = valid

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Sample:
        vectors, valid = np.zeros((32, 32, 2), np.float32), np.ones((32, 32), bool)
        vectors[0, 0], valid[0, 0] = np.nan, self._valid
        image = np.random.default_rng(index).integers(0, 255, (32, 32, 6), np.uint8)
        return Sample(image, FlowField(vectors, valid), f"broken {index}")


def test_a_vector_that_is_no_number_stops_the_run_only_where_it_counts() -> None:
    with pytest.warns(RuntimeWarning, match="its targets hold NaN or infinity where they are valid"):
        zoo.train(zoo.build("tiny_flow", width=0.25), Broken(valid=True), epochs=1, **RUN)
    result = zoo.train(zoo.build("tiny_flow", width=0.25), Broken(valid=False), epochs=1, **RUN)
    assert result.stopped is None and np.isfinite(result.rows[0]["loss"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"class_weights": "median"}, "class_weights='median': that is for tasks of classes, and restoration has none"),
        ({"class_weights": [1, 2, 3]}, "that is for tasks of classes, and restoration has none"),
        ({"teacher": "a network"}, "teacher: that is for tasks of classes, and restoration has none"),
    ],
)
def test_what_is_of_classes_is_refused(settings, message: str) -> None:
    train, _ = opened("scenes_denoising", 8)
    if "teacher" in settings:
        settings = {"teacher": zoo.build("tiny_denoiser", width=0.25)}
    with pytest.raises(InputError, match=message):
        zoo.train(zoo.build("tiny_denoiser", width=0.25), train, epochs=1, **RUN, **settings)


def test_a_network_of_others_takes_the_task_of_its_data() -> None:
    _, val = opened("scenes_flow", 8)
    frames = keras.Input((None, None, 6))
    still = keras.Model(frames, keras.layers.Conv2D(2, 1, kernel_initializer="zeros")(frames))
    found = zoo.evaluate(still, val, limit=4, progress=False)
    expected = np.mean([np.hypot(*np.moveaxis(val[i].target.values, -1, 0)).mean() for i in range(4)])
    assert found.task.name == "optical_flow" and found.headline.value == pytest.approx(expected, rel=1e-6)
    image = keras.Input((None, None, 3))
    one_frame = keras.Model(image, keras.layers.Conv2D(2, 1)(image), name="one_frame")
    with pytest.raises(InputError, match=r"one_frame takes images of 3 channels and .* has two frames in RGB"):
        zoo.evaluate(one_frame, val, progress=False)
