"""`zoo.train`: what it learns, what it leaves, and what it refuses."""

from __future__ import annotations

import csv
import gc
import weakref

import keras
import numpy as np
import pytest
from training_toys import LABELS, RUN, Blocks, network

import zoo
import zoo.data
import zoo.losses
from zoo.data import Sample
from zoo.errors import InputError
from zoo.losses import class_weights_from
from zoo.outputs.class_scores import class_output
from zoo.training.optimizers import WarmUp, make_optimizer, warmup_steps


def values(model: keras.Model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(v) for v in model.variables]


def same(model: keras.Model, other: keras.Model) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(values(model), values(other), strict=True))


def trained(model: keras.Model | None = None, **changed) -> keras.Model:
    model = network() if model is None else model
    zoo.train(model, Blocks(), **{**RUN, "epochs": 2, **changed})
    return model


@pytest.fixture(scope="module")
def plain() -> keras.Model:
    return trained()


def test_it_learns_and_leaves_the_best_epoch(tmp_path):
    model, val = network(dropout=0), Blocks(4, seed=1)
    before = zoo.evaluate(model, val, progress=False).headline.value
    result = zoo.train(model, Blocks(24), val, **{**RUN, "epochs": 20}, folder=tmp_path)
    after = zoo.evaluate(model, val, progress=False).headline.value
    assert before < 0.5 < 0.8 < after
    assert result.stopped is None
    assert after == result.best["score"] == max(result.history["val_miou"])
    assert result.rows[result.best["epoch"] - 1]["val_miou"] == after
    assert result.history["loss"][-1] < 0.5 * result.history["loss"][0]
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert same(again, model)
    assert zoo.output_spec(again).labels == LABELS


def test_a_run_leaves_neither_its_data_nor_its_network_in_memory():
    model, data = network(), Blocks(4)
    kept = weakref.ref(model), weakref.ref(data)
    zoo.train(model, data, **{**RUN, "epochs": 1})
    del model, data
    gc.collect()
    assert [each() for each in kept] == [None, None]


def test_the_best_need_not_be_the_last():
    model, val = network(), Blocks(4, seed=1)
    ruin = {**RUN, "epochs": 4, "learning_rate": 100, "clipnorm": None, "warmup": 3, "schedule": "constant"}
    result = zoo.train(model, Blocks(), val, **ruin)
    assert result.best["epoch"] < 4
    assert zoo.evaluate(model, val, progress=False).headline.value == result.best["score"]


@pytest.mark.parametrize("output", ["probabilities", "class_map", None])
def test_whatever_the_head_it_trains_on_the_logits(output, plain):
    assert same(trained(network(output)), plain)


def test_the_seed_decides_everything(plain):
    assert same(trained(), plain)
    assert not same(trained(seed=4), plain)


def test_an_augmented_run_is_as_reproducible(plain):
    one, two = (trained(augment=zoo.data.Augment()) for _ in range(2))
    assert same(one, two)
    assert not same(one, plain)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("schedule", ["cosine", "poly", "constant"])
def test_every_optimiser_and_schedule_learns(optimizer, schedule):
    result = zoo.train(network(), Blocks(), **{**RUN, "optimizer": optimizer, "schedule": schedule, "epochs": 3})
    assert result.history["loss"][-1] < result.history["loss"][0]


def test_warm_up_and_cosine_are_their_formulas():
    rate = WarmUp(0.1, steps=100, warmup=10)
    steps = np.arange(101)
    expected = np.where(steps < 10, 0.1 * (steps + 1) / 10, 0.05 * (1 + np.cos(np.pi * (steps - 10) / 90)))
    got = [float(rate(step)) for step in steps]
    np.testing.assert_allclose(got, expected, atol=1e-7)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate))
    assert float(again(37)) == float(rate(37))


@pytest.mark.parametrize(("warmup", "steps"), [(0, 0), (0.05, 10), (0.5, 100), (1, 20), (3, 60)])
def test_warm_up_is_a_share_below_one_and_epochs_from_one_on(warmup, steps):
    assert warmup_steps(warmup, steps_per_epoch=20, epochs=10) == steps


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_weight_decay_leaves_biases_and_normalisation_alone(name):
    model = network()
    before = {v.path: keras.ops.convert_to_numpy(v) for v in model.trainable_variables}
    optimizer = make_optimizer(name, WarmUp(0.1, 10), 0.5, None, None, model.trainable_variables, scaled=False)
    optimizer.apply([keras.ops.zeros(v.shape) for v in model.trainable_variables])
    for v in model.trainable_variables:
        factor = 1 - 0.1 * 0.5 if len(v.shape) > 1 else 1
        np.testing.assert_allclose(keras.ops.convert_to_numpy(v), factor * before[v.path], rtol=1e-6)


def test_clipping_bounds_all_gradients_together():
    model = network()
    optimizer = make_optimizer("sgd", WarmUp(1, 10, shape="constant"), 0, 1.0, None, model.trainable_variables, False)
    before = [keras.ops.convert_to_numpy(v) for v in model.trainable_variables]
    optimizer.apply([7 * keras.ops.ones(v.shape) for v in model.trainable_variables])
    steps = [keras.ops.convert_to_numpy(v) - b for v, b in zip(model.trainable_variables, before, strict=True)]
    length = np.sqrt(sum((step**2).sum() for step in steps))
    assert length == pytest.approx(1.9, rel=1e-4)  # 1 + Nesterov's 0.9


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_put_on_for_the_run_only(precision, plain):
    model = network()
    result = zoo.train(model, Blocks(), Blocks(4, seed=1), **{**RUN, "precision": precision})
    assert result.history["loss"][-1] < result.history["loss"][0]
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert {keras.backend.standardize_dtype(v.dtype) for v in model.weights} == {"float32"}
    assert np.isfinite(model.predict(np.zeros((1, 16, 16, 3)), verbose=0)).all()
    half = trained(precision=precision)
    apart = [np.abs(a - b).max() for a, b in zip(values(half)[:3], values(plain)[:3], strict=True)]
    assert 0 < max(apart) < 0.1  # it did compute in half precision, and to much the same end


def test_a_layer_with_a_policy_of_its_own_keeps_it():
    model = network()
    model.get_layer("classifier").dtype_policy = "mixed_float16"
    trained(model, precision="bfloat16")
    assert model.get_layer("classifier").dtype_policy.name == "mixed_float16"


@pytest.mark.parametrize("which", [True, "encoder*", "stem*,encoder_n*"])
def test_batch_normalisation_can_stand_still(which, plain):
    model = network()
    norm, before = model.get_layer("encoder_norm"), values(network().get_layer("encoder_norm"))
    trained(model, frozen_batchnorm=which)
    assert all(np.array_equal(a, b) for a, b in zip(values(norm), before, strict=True))
    assert norm.trainable
    moved = values(plain.get_layer("encoder_norm"))
    assert not any(np.array_equal(a, b) for a, b in zip(moved, before, strict=True))


def test_a_moving_average_of_no_memory_is_the_weights_themselves(plain):
    barely = trained(ema=1e-12)
    for a, b in zip(values(barely), values(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert not same(trained(ema=0.9), plain)


def test_class_weights_by_rule_are_those_counted(plain):
    counted = class_weights_from(Blocks(), "sqrt_median")
    by_rule, by_hand = trained(class_weights="sqrt_median"), trained(class_weights=counted)
    assert same(by_rule, by_hand)
    assert not same(by_rule, plain)


def test_a_loss_of_ones_own():
    model = trained(loss=zoo.losses.DiceLoss(255))
    assert same(model, trained(loss=zoo.losses.DiceLoss(255)))


def test_a_loss_gets_the_targets_that_it_prepares():
    pair = [zoo.losses.SegmentationCrossEntropy(255), zoo.losses.BoundaryLoss(255)]
    result = zoo.train(network(), Blocks(), **{**RUN, "loss": zoo.losses.WeightedSum(pair, [1, 0.1])})
    assert result.history["loss"][-1] < result.history["loss"][0]


def test_a_data_set_that_is_all_ignored_changes_nothing_and_is_not_nan():
    class Nothing(Blocks):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            return Sample(sample.image, np.full_like(sample.target, 255), sample.name)

    model = network()
    result = zoo.train(model, Nothing(), **{**RUN, "epochs": 2, "weight_decay": 0, "frozen_batchnorm": True})
    assert result.stopped is None
    assert result.history["loss"] == [0, 0]
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), network().get_weights(), strict=True))


def test_validation_may_be_rarer_than_epochs():
    result = zoo.train(network(), Blocks(), Blocks(4, seed=1), **{**RUN, "epochs": 5, "validate_every": 2})
    assert [row["epoch"] for row in result.rows if "val_miou" in row] == [2, 4, 5]


def test_classification_trains_by_the_same_code():
    class Colours(keras.utils.PyDataset):
        """Flat pictures of three colours."""

        def __len__(self):
            return 4

        def __getitem__(self, index):
            label = np.random.default_rng(index).integers(0, 3, 8)
            return (np.eye(3)[label] * 200)[:, None, None] * np.ones((1, 4, 4, 1)), label

    image = keras.Input((4, 4, 3), name="image")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x))
    ending = zoo.layers.ModelOutput("classification", class_output(("r", "g", "b"), output="probabilities"))
    model = keras.Model(image, ending(x))
    result = zoo.train(model, Colours(), epochs=30, learning_rate=0.1, verbose=0)
    images, label = Colours()[0]
    assert (model.predict(images, verbose=0).argmax(-1) == label).all()
    assert result.best["metric"] == "loss"


def test_logs_and_curves(tmp_path):
    import tensorflow as tf
    from PIL import Image

    result = zoo.train(network(), Blocks(), Blocks(4, seed=1), **{**RUN, "epochs": 3}, folder=tmp_path)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [{k: float(v) for k, v in row.items()} for row in rows] == result.rows
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 3 * 300
    (events,) = (tmp_path / "tensorboard").iterdir()
    seen = {}
    for record in tf.data.TFRecordDataset(str(events)):  # checks both checksums of each record
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            seen[event.step, value.tag] = value.simple_value
    for row in result.rows:
        for tag in ("loss", "val_miou", "learning_rate"):
            assert seen[row["epoch"], tag] == np.float32(row[tag])


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained()
    assert not list(tmp_path.iterdir())


class Spoilt(Blocks):
    """One sample has what `target` says at a corner."""

    def __init__(self, image=None, target=None):
        super().__init__()
        sample = self._samples[5]
        if target is not None:
            sample.target.values[-1, -1] = target
        self.error = image

    def __getitem__(self, index):
        if index == 5 and self.error is not None:
            raise self.error
        return super().__getitem__(index)


def test_a_target_out_of_range_stops_the_run_and_is_named(tmp_path):
    model = network()
    with pytest.warns(
        RuntimeWarning, match=r"epoch 1, batch \d; its targets hold \[9\], which are no classes of 0\.\.2"
    ):
        result = zoo.train(model, Spoilt(target=9), **RUN, folder=tmp_path)
    assert "nan_batch.npz" in result.stopped
    assert result.best is None
    batch = np.load(tmp_path / "nan_batch.npz")
    assert (batch["targets"] == 9).sum() == 1
    assert batch["images"].shape == (4, 16, 16, 3)
    start = network()
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), start.get_weights(), strict=True))


class Burst(keras.utils.PyDataset):
    """Good batches, until one of epoch 3 has a NaN in its images."""

    epoch = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        batch = zoo.data.Batches(Blocks(), 4).batch(self.epoch, index)
        if (self.epoch, index) == (2, 1):
            batch[0][0, 0, 0, 0] = np.nan
        return batch


def test_nan_stops_the_run_with_the_best_weights(tmp_path):
    model = network()
    with pytest.warns(RuntimeWarning, match="epoch 3, batch 2; its images hold NaN"):
        result = zoo.train(model, Burst(), epochs=6, verbose=0, learning_rate=0.02, folder=tmp_path)
    assert len(result.rows) == 2
    assert result.best["epoch"] == 2
    assert np.isfinite(np.concatenate([w.ravel() for w in model.get_weights()])).all()
    images = np.load(tmp_path / "nan_batch.npz")["images"]
    assert np.isnan(images).sum() == 1
    with pytest.warns(RuntimeWarning, match="epoch 3, batch 2"):  # going on runs into it again, and says so again
        zoo.train(network(), Burst(), epochs=6, verbose=0, learning_rate=0.02, folder=tmp_path)


def test_weights_that_diverge_are_told_from_bad_data():
    with pytest.warns(RuntimeWarning, match="in order, so the weights diverged: try a lower learning_rate"):
        zoo.train(network(), Blocks(), **{**RUN, "learning_rate": 1e30, "optimizer": "sgd", "clipnorm": None})


@pytest.mark.parametrize("workers", [1, 3])
def test_what_a_data_set_finds_wrong_arrives_as_it_was_said(workers):
    with pytest.raises(InputError, match=r"^camvid/7\.png: cannot be read$"):
        trained_on = Spoilt(image=InputError("camvid/7.png: cannot be read"))
        zoo.train(network(), trained_on, **RUN, workers=workers)


BAD = [
    ({"epochs": 0}, "epochs=0"),
    ({"epochs": 2.5}, "epochs=2.5"),
    ({"batch_size": 0}, "batch_size=0"),
    ({"workers": 0}, "workers=0; expected a number of threads"),
    ({"workers": 2.5}, "workers=2.5; expected a number of threads"),
    ({"optimizer": "adamm"}, "unknown optimizer 'adamm'; did you mean adamw"),
    ({"schedule": "step"}, "unknown schedule"),
    ({"precision": "int8"}, "unknown precision"),
    ({"learning_rate": -1}, "learning_rate=-1"),
    ({"learning_rate": float("nan")}, "learning_rate=nan"),
    ({"weight_decay": -1}, "weight_decay=-1"),
    ({"warmup": 7}, "warmup=7 epochs is longer"),
    ({"clipnorm": 0}, "clipnorm=0"),
    ({"ema": 1.0}, "ema=1.0"),
    ({"seed": -1}, "seed=-1"),
    ({"size": (8,)}, "size"),
    ({"learning_rat": 1}, "did you mean learning_rate"),
    ({"class_weights": "medain"}, "did you mean median"),
    ({"class_weights": [1, 2]}, "2 class weights for a network of 3"),
    ({"class_weights": "median", "loss": zoo.losses.DiceLoss()}, "both loss and class_weights"),
    ({"frozen_batchnorm": "decoder*"}, "matches no BatchNormalization; their names begin encoder_norm"),
    ({"max_seconds": 0}, "max_seconds=0"),
]


@pytest.mark.parametrize(("changed", "message"), BAD, ids=[message[:30] for _, message in BAD])
def test_bad_settings_are_refused(changed, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        zoo.train(network(), Blocks(), **{**RUN, **changed})


def test_epochs_must_be_given():
    with pytest.raises(InputError, match="epochs is missing"):
        zoo.train(network(), Blocks())


def test_another_number_of_classes_is_refused():
    with pytest.raises(InputError, match="toy tells 5 classes apart and blocks has 3; build it with classes=3"):
        zoo.train(network(classes=5), Blocks(), **RUN)


def test_another_number_of_channels_is_refused():
    image = keras.Input((None, None, 1))
    model = keras.Model(image, keras.layers.Conv2D(3, 1)(image), name="grey")
    with pytest.raises(InputError, match="grey takes images of 1 channels and blocks has RGB"):
        zoo.train(model, Blocks(), **RUN)


def test_learning_from_crops_is_judged_on_whole_pictures():
    val, model = Blocks(3, seed=1, size=32), network(dropout=0)
    crops = {"size": (16, 16), "augment": zoo.data.Augment(native=True)}
    result = zoo.train(model, Blocks(size=32), val, **{**RUN, "epochs": 2}, **crops)
    assert result.best["score"] == zoo.evaluate(model, val, progress=False).headline.value
    result = zoo.train(network(), Blocks(size=32), val, **{**RUN, "epochs": 2}, **crops, val_size=(8, 8))
    assert result.best["score"] != zoo.evaluate(model, val, progress=False).headline.value


def test_another_size_than_the_model_was_built_for_is_refused():
    with pytest.raises(InputError, match="built for 16×16"):
        zoo.train(network(size=16), Blocks(), **RUN, size=(32, 32))


def test_a_model_with_nothing_to_train_is_refused():
    model = network()
    model.trainable = False
    with pytest.raises(InputError, match="nothing to train"):
        zoo.train(model, Blocks(), **RUN)


def test_what_is_no_model_is_refused():
    with pytest.raises(InputError, match=r"functional keras\.Model"):
        zoo.train("fcn8s", Blocks(), **RUN)
