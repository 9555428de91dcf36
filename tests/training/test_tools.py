"""Rates by layer, progressive resolution and batch normalisation measured anew: each against what it should come to."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from command import says
from training_toys import RUN, Blocks, network

import zoo
from zoo.data import Augment
from zoo.errors import InputError
from zoo.training import trainer
from zoo.training.batchnorm import recalibrate_batchnorm
from zoo.training.optimizers import make_optimizer, shares_of


@pytest.fixture(autouse=True)
def no_curves(monkeypatch) -> None:
    monkeypatch.setattr(trainer, "draw_curves", lambda *args: None)


def values(model: keras.Model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(v) for v in model.variables]


def same(model: keras.Model, other: keras.Model) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(values(model), values(other), strict=True))


def go(model: keras.Model | None = None, **changed) -> tuple[keras.Model, trainer.Result]:
    model = model or network()
    return model, zoo.train(model, Blocks(), Blocks(4, seed=1), **{**RUN, **changed})


# ---- Rates by layer ---------------------------------------------------------------------------------------------


def optimizer_of(name: str, shares: list[float] | None, weight_decay: float, rate: float = 0.1, ema: float | None = None):
    start = [np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([0.3, -0.7])]
    variables = [keras.Variable(value, dtype="float32") for _ in "ab" for value in start]  # two layers of kernel and bias
    schedule = keras.optimizers.schedules.PolynomialDecay(rate, 10, rate / 2)
    return make_optimizer(name, schedule, weight_decay, None, ema, variables, False, shares), variables


def three_steps(optimizer, variables) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    gradients = [rng.normal(0, 1, v.shape).astype(np.float32) for v in variables[:2]]
    for factor in (1.0, -0.3, 2.0):
        optimizer.apply([keras.ops.convert_to_tensor(factor * g) for g in (*gradients, *gradients)], variables)
    return [keras.ops.convert_to_numpy(v) for v in variables]


@pytest.mark.parametrize("name", ["adamw", "sgd"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.2])
def test_a_share_of_the_rate_is_a_run_at_that_rate(name: str, weight_decay: float):
    """The second layer learns as it would alone at a tenth of the rate, the first as if nothing had been said."""
    mixed = three_steps(*optimizer_of(name, [1.0, 1.0, 0.1, 0.1], weight_decay))
    whole = three_steps(*optimizer_of(name, None, weight_decay))
    tenth = three_steps(*optimizer_of(name, None, weight_decay, rate=0.01))
    for got, expected in zip(mixed, [*whole[:2], *tenth[2:]], strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)
    assert np.abs(whole[2] - tenth[2]).max() > 0.01


def test_adam_s_first_step_by_hand():
    """Its size is the rate whatever the gradient's: scaling gradients would have changed nothing."""
    optimizer, variables = optimizer_of("adamw", [1.0, 1.0, 0.25, 0.25], weight_decay=0.2)
    start = [keras.ops.convert_to_numpy(v) for v in variables]
    gradients = [np.full(v.shape, 3.0, np.float32) for v in variables]
    optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
    for share, decay, before, variable in zip([1, 1, 0.25, 0.25], [0.2, 0, 0.2, 0], start, variables, strict=True):
        expected = before * (1 - 0.1 * share * decay) - 0.1 * share
        np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), expected, rtol=1e-5)


def test_the_first_globs_that_match_count():
    model = network()
    variables = model.trainable_variables
    shares = shares_of({"encoder_conv": 0.5, "encoder*,nothing": 0.1}, model, variables)
    found = dict(zip([v.path for v in variables], shares, strict=True))
    assert found == {
        "encoder_conv/kernel": 0.5,
        "encoder_norm/gamma": 0.1,
        "encoder_norm/beta": 0.1,
        "classifier/kernel": 1.0,
        "classifier/bias": 1.0,
    }


def test_training_with_rates_moves_the_encoder_less():
    start = network()
    usual, _ = go(epochs=1, warmup=0, schedule="constant")
    careful, _ = go(epochs=1, warmup=0, schedule="constant", lr_scale={"encoder*": 0.01})
    moved = [
        np.abs(keras.ops.convert_to_numpy(model.get_layer("encoder_conv").kernel - start.get_layer("encoder_conv").kernel))
        for model in (usual, careful)
    ]
    assert 0 < moved[1].max() < 0.02 * moved[0].max()


@pytest.mark.parametrize("settings", [{"precision": "float16"}, {"ema": 0.5, "optimizer": "sgd"}], ids=str)
def test_rates_go_with_the_other_settings(settings):
    _, result = go(epochs=2, lr_scale={"encoder*": 0.1}, **settings)
    assert result.rows[1]["loss"] < result.rows[0]["loss"]


# ---- Progressive resolution -------------------------------------------------------------------------------------


class Seen(Augment):
    """Notes the sizes that were asked for."""

    asked: list[tuple[int, int]] = []  # noqa: RUF012

    def __call__(self, image, target, rng, size=None, padding=255):
        self.asked.append(size)
        return super().__call__(image, target, rng, size, padding)


def test_sizes_grow_as_told_and_validation_is_at_the_last():
    Seen.asked.clear()
    _, result = go(epochs=4, progressive_size={0: (8, 8), 1: (12, 16), 3: (16, 16)}, augment=Seen(), validate_every=4)
    assert sorted(set(Seen.asked)) == [(8, 8), (12, 16), (16, 16)]
    counts = [Seen.asked.count(size) for size in ((8, 8), (12, 16), (16, 16))]
    assert counts[1] - counts[0] == counts[1] - counts[2] == 12  # Keras looks at some batches more, once for each size
    assert len(result.rows) == 4


def test_an_epoch_at_one_size_is_as_if_it_had_always_been():
    plain, _ = go(epochs=1, size=(8, 8), warmup=0, schedule="constant")
    _, result = go(epochs=2, progressive_size={0: (8, 8), 1: (16, 16)}, val_size=(8, 8), warmup=0, schedule="constant")
    _, small = go(epochs=2, size=(8, 8), warmup=0, schedule="constant")
    assert small.rows[0]["loss"] == result.rows[0]["loss"] and small.rows[1]["loss"] != result.rows[1]["loss"]
    again, only = go(epochs=1, progressive_size={0: (8, 8)}, warmup=0, schedule="constant")
    assert same(plain, again) and only.rows[0]["loss"] == result.rows[0]["loss"]


def test_interrupted_with_all_of_it_the_run_ends_the_same(tmp_path, monkeypatch):
    told = {
        "epochs": 4,
        "progressive_size": {0: (8, 8), 2: (16, 16)},
        "lr_scale": {"encoder*": 0.3},
        "recalibrate_batchnorm": 6,
        "ema": 0.8,
        "augment": Augment(elastic=1.0),
    }
    whole, expected = go(folder=tmp_path / "whole", **told)
    for seconds in (1e-9, 1e-9, 1e-9, None):  # an epoch each time
        model, result = go(folder=tmp_path / "parts", max_seconds=seconds, **told)
    assert same(model, whole) and result.best == expected.best
    assert [row["loss"] for row in result.rows] == [row["loss"] for row in expected.rows]
    left = [zoo.load(tmp_path / name).get_weights() for name in ("parts", "whole")]
    assert all(np.array_equal(a, b) for a, b in zip(*left, strict=True))
    with pytest.raises(InputError, match="progressive_size was"):
        go(folder=tmp_path / "parts", **{**told, "progressive_size": {0: (8, 8), 3: (16, 16)}})


# ---- Batch normalisation measured anew --------------------------------------------------------------------------


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (count, 8, 8, 3)).astype(np.float32)


def statistics(model: keras.Model) -> list[np.ndarray]:
    norm = model.get_layer("encoder_norm")
    return [keras.ops.convert_to_numpy(v) for v in (norm.moving_mean, norm.moving_variance)]


def test_statistics_are_those_of_all_pictures_together():
    """In numpy, of what the convolution before gives; pooled over batches of unlike sizes; dropout draws nothing."""
    model, pictures = network(dropout=0.5), images(7)
    before = keras.Model(model.input, model.get_layer("encoder_conv").output)
    maps = keras.ops.convert_to_numpy(before(pictures)).astype(np.float64)
    recalibrate_batchnorm(model, [pictures[:4], pictures[4:6], pictures[6:]])
    mean, variance = statistics(model)
    np.testing.assert_allclose(mean, maps.mean(axis=(0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(variance, maps.var(axis=(0, 1, 2)), rtol=1e-4)
    assert model.get_layer("encoder_norm").momentum == 0.99
    assert next(layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)).rate == 0.5


def test_dropout_before_a_normalisation_is_left_out_of_its_statistics():
    image = keras.Input((8, 8, 3))
    x = keras.layers.SpatialDropout2D(0.5, seed=1)(image)
    model = keras.Model(image, keras.layers.BatchNormalization(name="encoder_norm")(x))
    pictures = images(5)
    recalibrate_batchnorm(model, [pictures])
    np.testing.assert_allclose(statistics(model)[1], pictures.var(axis=(0, 1, 2)), rtol=1e-4)


def test_settling_at_the_end_is_kept_only_where_validation_is_no_worse(monkeypatch):
    usual, before = go(epochs=1)
    settled, result = go(epochs=1, recalibrate_batchnorm=12)
    assert result.best["recalibrated"] > before.best["score"]  # a moving average of 3 steps is far off
    assert result.best["recalibration_kept"]
    plain = network(dropout=0)
    for variable, value in zip(plain.trainable_variables, usual.trainable_variables, strict=True):
        variable.assign(value)
    recalibrate_batchnorm(plain, [np.stack([sample.image for sample in Blocks()]).astype(np.float32)])
    for got, expected in zip(statistics(settled), statistics(plain), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3)

    def spoil(model: keras.Model, batches) -> None:
        model.get_layer("encoder_norm").moving_mean.assign(np.full(4, 1e3))

    monkeypatch.setattr("zoo.training.batchnorm.recalibrate_batchnorm", spoil)
    spoilt, result = go(epochs=1, recalibrate_batchnorm=12)
    assert same(spoilt, usual) and not result.best["recalibration_kept"]


def test_normalisation_that_stands_still_is_not_settled():
    model, _ = go(epochs=1, frozen_batchnorm=True, recalibrate_batchnorm=12)
    np.testing.assert_array_equal(statistics(model), statistics(network()))


# ---- What cannot be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr_scale": {"stem*": 0.1}}, "matches no layer that learns; their names begin encoder_conv, encoder_norm"),
        ({"lr_scale": {}}, "lr_scale={}; expected names"),
        ({"lr_scale": {"encoder*": 0}}, "shares above 0"),
        ({"progressive_size": {1: (8, 8)}}, "the first 0"),
        ({"progressive_size": {0: (8, 8), 6: (16, 16)}}, "epochs from 0 to 5"),
        ({"progressive_size": {0: (8, 0)}}, r"\(H, W\) in pixels"),
        ({"progressive_size": {0: (8, 8)}, "size": (16, 16)}, "both size="),
        ({"recalibrate_batchnorm": 0}, "recalibrate_batchnorm=0"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        go(**settings)


def test_a_network_of_one_size_takes_no_others():
    with pytest.raises(InputError, match="was built for 16×16 and takes no other"):
        go(network(size=16), progressive_size={0: (8, 8), 1: (16, 16)})


# ---- On the command line ----------------------------------------------------------------------------------------


def test_the_command_line_passes_them_on(monkeypatch, capsys, tmp_path):
    asked: list[dict] = []
    monkeypatch.setattr(
        zoo, "train", lambda *_, **told: asked.append(told) or trainer.Result([], None, None, tmp_path, 0.0)
    )
    start = ["train", "pocket_seg_small", "--data", "scenes:count=8,size=32", "--option", "width=0.125", "--out", tmp_path]
    sizes = ["--progressive-size", "0=32", "--progressive-size", "2=48x64"]
    tools = ["--lr-scale", "stem*,block*=0.1", *sizes, "--recalibrate-batchnorm", "4"]
    assert says(monkeypatch, capsys, *start, *tools)[0] == 0
    told = asked[0]
    assert told["lr_scale"] == {"stem*,block*": 0.1} and told["recalibrate_batchnorm"] == 4
    assert told["progressive_size"] == {0: (32, 32), 2: (48, 64)} and told["size"] == told["val_size"] == (48, 64)
    for bad, message in (
        (["--lr-scale", "0.1"], "expected GLOBS=SHARE"),
        (["--progressive-size", "soon=32"], "expected EPOCH=HxW"),
        (["--progressive-size", "0=32", "--size", "32"], "--size and --progressive-size"),
    ):
        status, _, error = says(monkeypatch, capsys, *start, *bad)
        assert status == 2 and message in error
