"""A trained network teaches another: the loss is the published formula, and the run is resumed like any other."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from command import says
from training_toys import LABELS, RUN, Blocks, network

import zoo
from zoo import tasks
from zoo.errors import InputError
from zoo.layers import ModelOutput
from zoo.losses import BorderWeightedCrossEntropy, Distillation, SegmentationCrossEntropy
from zoo.outputs.class_scores import class_output
from zoo.training import callback, trainer
from zoo.training.teacher import Teacher

CLASSES = len(LABELS)


@pytest.fixture(autouse=True)
def no_curves(monkeypatch) -> None:
    monkeypatch.setattr(trainer, "draw_curves", lambda *_: None)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def arrays(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets of which some are ignored, logits, and a teacher's."""
    random = np.random.default_rng(seed)
    targets = random.choice([0, 1, 2, 255], (2, 5, 6)).astype("float32")
    return targets, *(random.normal(0, 3, (2, 5, 6, CLASSES)).astype("float32") for _ in range(2))


def formula(targets, logits, taught, temperature: float, weight: float) -> float:
    """Hinton, Vinyals, Dean 2015, in float64 and pixel by pixel."""
    hard, soft = [], []
    for where in np.ndindex(targets.shape):
        p, q = softmax(taught[where].astype("float64") / temperature), softmax(logits[where].astype("float64") / temperature)
        soft.append((p * np.log(p / q)).sum())
        if targets[where] != 255:
            hard.append(-np.log(softmax(logits[where].astype("float64"))[int(targets[where])]))
    return (1 - weight) * np.mean(hard) + weight * temperature**2 * np.mean(soft)


@pytest.mark.parametrize(("temperature", "weight"), [(1.0, 0.5), (2.0, 0.3), (4.0, 1.0)])
def test_the_loss_is_the_formula(temperature, weight):
    targets, logits, taught = arrays()
    loss = Distillation(SegmentationCrossEntropy(255), temperature, weight)
    given = np.concatenate([targets[..., None], taught], axis=-1)
    expected = formula(targets, logits, taught, temperature, weight)
    assert float(loss(given, logits)) == pytest.approx(expected, rel=1e-5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert float(again(given, logits)) == float(loss(given, logits))


def test_a_pupil_that_says_what_the_teacher_says_has_nothing_to_learn():
    targets, logits, _ = arrays()
    given = np.concatenate([np.full_like(targets, 255)[..., None], logits + 7.0], axis=-1)
    assert float(Distillation(SegmentationCrossEntropy(255), 3.0, 1.0)(given, logits)) == pytest.approx(0, abs=1e-6)


def test_a_hard_loss_that_prepares_its_targets_still_does():
    targets, logits, taught = arrays()
    hard = BorderWeightedCrossEntropy()
    ready = hard.prepare(targets.astype("int32"), CLASSES)
    loss = Distillation(hard, 2.0, 0.25)
    np.testing.assert_array_equal(loss.prepare(targets.astype("int32"), CLASSES), ready)
    ready = ready if ready.ndim == logits.ndim else ready[..., None]
    got = loss(np.concatenate([ready, taught], axis=-1), logits)
    soft = Distillation(hard, 2.0, 1.0)(np.concatenate([ready, taught], axis=-1), logits)
    assert float(got) == pytest.approx(0.75 * float(hard(ready, logits)) + 0.25 * float(soft), rel=1e-5)


def test_the_teacher_sees_the_batch_and_stays_as_it_is():
    model, teacher = network(), network(seed=5, dropout=0.5)
    before = [np.array(v) for v in teacher.get_weights()]
    images = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    targets = np.zeros((2, 16, 16), "int32")
    given = Teacher(teacher, model, tasks.get("segmentation")).add(targets, images)
    np.testing.assert_allclose(given[..., 1:], keras.ops.convert_to_numpy(teacher(images, training=False)), atol=1e-5)
    zoo.train(model, Blocks(), teacher=teacher, **{**RUN, "epochs": 1})
    for one, other in zip(teacher.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_teacher_teaches():
    """Without a single label: what the pupil learns is the teacher's."""
    teacher = network(dropout=0.0)
    zoo.train(teacher, Blocks(24), **{**RUN, "epochs": 12})

    class Unlabelled(Blocks):
        def _make(self, *args):
            sample = super()._make(*args)
            sample.target.values[:] = self.ignore
            return sample

    pupil = network(seed=1, dropout=0.0)
    zoo.train(pupil, Unlabelled(24), teacher=teacher, teacher_weight=1.0, **{**RUN, "epochs": 24})
    images = np.stack([sample.image for sample in Blocks(8, seed=4)]).astype("float32")
    said = [keras.ops.convert_to_numpy(model(images)).argmax(-1) for model in (teacher, pupil, network(seed=1))]
    assert len(np.unique(said[0])) == CLASSES
    assert (said[1] == said[0]).mean() > 0.85 > 0.6 > (said[2] == said[0]).mean()


class Killed(BaseException):
    """Stands for the process ending here."""


def test_interrupted_it_ends_as_the_run_that_was_not(tmp_path, monkeypatch):
    teacher = network(seed=5)

    def go(folder) -> tuple[list[np.ndarray], trainer.Result]:
        model, told = network(), {**RUN, "epochs": 4, "augment": zoo.data.Augment()}
        result = zoo.train(model, Blocks(), Blocks(4, seed=1), teacher=teacher, folder=folder, **told)
        return [keras.ops.convert_to_numpy(v) for v in model.variables], result

    whole = go(tmp_path / "whole")
    original, calls = callback.RunCallback.on_train_batch_end, []

    def dies(self, *args, **kwargs):
        calls.append(args)
        if len(calls) == 8:
            raise Killed
        return original(self, *args, **kwargs)

    monkeypatch.setattr(callback.RunCallback, "on_train_batch_end", dies)
    with pytest.raises(Killed):
        go(tmp_path / "cut")
    monkeypatch.undo()
    again = go(tmp_path / "cut")
    for got, expected in zip(again[0], whole[0], strict=True):
        np.testing.assert_array_equal(got, expected)
    assert again[1].best == whole[1].best
    with pytest.raises(InputError, match="teacher was"):
        zoo.train(network(), Blocks(), Blocks(4, seed=1), teacher=network(seed=6), folder=tmp_path / "cut",
                  augment=zoo.data.Augment(), **{**RUN, "epochs": 4})  # fmt: skip


def renamed() -> keras.Model:
    model = network(None)
    ending = ModelOutput("segmentation", class_output(("dark", "blue", "green")))
    return keras.Model(model.input, ending(model.output), name="other")


BAD = {
    "other number of classes": ({"teacher": lambda: network(classes=4)}, "knows 4 classes"),
    "other classes": ({"teacher": renamed}, "'blue' where it has 'red'"),
    "another size": ({"teacher": lambda: network(size=32)}, "sees 32×32 only"),
    "no such file": ({"teacher": lambda: "nowhere.keras"}, "nowhere.keras"),
    "temperature": ({"teacher": network, "temperature": 0}, "temperature=0"),
    "weight": ({"teacher": network, "teacher_weight": 1.5}, "teacher_weight=1.5"),
    "temperature without a teacher": ({"temperature": 2.0}, "none was given"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    told, message = BAD[case]
    told = {**told, **({"teacher": told["teacher"]()} if "teacher" in told else {})}
    with pytest.raises(InputError, match=message):
        zoo.train(network(), Blocks(), **told, **{**RUN, "epochs": 1})


def test_nothing_teaches_itself():
    model = network()
    with pytest.raises(InputError, match="cannot teach itself"):
        zoo.train(model, Blocks(), teacher=model, **{**RUN, "epochs": 1})


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    network(classes=5).save(tmp_path / "large.keras")
    asked = []
    monkeypatch.setattr(zoo, "train", lambda *_, **told: asked.append(told) or trainer.Result([], None, None, None, 0.0))
    told = ["train", "pocket_seg_small", "--data", "scenes:count=8,size=32", "--option", "width=0.125"]
    told += ["--out", tmp_path / "run"]
    for given, code, message in (
        (["--teacher", tmp_path / "large.keras", "--temperature", "3", "--teacher-weight", "0.3"], 0, "model.keras is ready"),
        (["--teacher", "nowhere.keras"], 2, "nowhere.keras"),
        (["--teacher", "unet_lite"], 2, "unet_lite.ccp"),
    ):
        status, said, complaint = says(monkeypatch, capsys, *told, *given)
        assert status == code and message in said + complaint, said + complaint
    (only,) = asked
    assert (only["teacher"].name, only["temperature"], only["teacher_weight"]) == ("toy", 3.0, 0.3)
