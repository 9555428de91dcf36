"""Auxiliary heads through `zoo.train`: they learn with the network, a run resumes with them, what is left has none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from interruption import Killed, dies
from quick_tensorflow import op_by_op
from tiny_models import ODD, answer, pictures, tiny
from training_toys import LABELS, Blocks

import converters
import zoo
from zoo import layers
from zoo.errors import InputError
from zoo.losses import SegmentationCrossEntropy
from zoo.training import callback
from zoo.training.checkpoints import Checkpoints

RUN = {"epochs": 3, "batch_size": 4, "learning_rate": 0.02, "seed": 3, "verbose": 0}
TOP = {"auxiliary_s1_score": 0.4, "auxiliary_s4_score": 0.4}


def network(auxiliary: tuple[int, ...] = (1, 4), **options) -> keras.Model:
    """A U-Net of 4 to 16 channels with a head on its finest and one on its third feature."""
    keras.utils.set_random_seed(0)
    shape = (None, None, 3)
    return zoo.build("unet", LABELS, shape, width=1 / 64, auxiliary=auxiliary, **options)


def go(folder: Path | None = None, **changed) -> tuple[keras.Model, zoo.training.trainer.Result]:
    model = network()
    return model, zoo.train(model, Blocks(), Blocks(4, seed=1), folder=folder, **{**RUN, "ema": 0.9, **changed})


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Nine steps a run, not worth tracing."""
    with op_by_op():
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[keras.Model, zoo.training.trainer.Result]:
    """A run that nothing interrupts."""
    return go(tmp_path_factory.mktemp("whole"))


def test_the_loss_is_the_weighted_sum() -> None:
    """At a rate of next to nothing, without dropout: of all data at once it is what the outputs say at the start."""
    model, data = network(), Blocks()
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    images = np.stack([data[i].image for i in range(len(data))]).astype("float32")
    targets = np.stack([data[i].target for i in range(len(data))])
    supervised, weights = layers.supervised(model)
    logits = supervised(images, training=False)
    parts = [float(SegmentationCrossEntropy(data.ignore)(targets, each)) for each in logits]
    assert weights == [1, *TOP.values()] and len(set(parts)) == 3

    told = {"epochs": 1, "batch_size": len(data), "learning_rate": 1e-12, "frozen_batchnorm": True, "verbose": 0}
    loss = zoo.train(model, data, **told).history["loss"][0]
    assert loss == pytest.approx(parts[0] + 0.4 * parts[1] + 0.4 * parts[2], rel=1e-5)


def test_heads_learn_and_are_not_in_what_is_left(whole) -> None:
    (model, result), start = whole, network()
    for name in (*TOP, "auxiliary_s4_conv", "down1_conv1", "score"):
        before, after = (m.get_layer(name).get_weights()[0] for m in (start, model))
        assert np.abs(after - before).max() > 1e-3, name
    left = zoo.load(result.folder / "model.keras")
    assert layers.auxiliary_heads(left) is None and len(left.outputs) == 1
    assert {layer.name for layer in left.layers} == {layer.name for layer in network(()).layers}
    assert zoo.output_spec(left).labels == LABELS
    images = pictures(tiny("vgg16"))[:, :32, :48]
    np.testing.assert_array_equal(answer(left, images), answer(model, images))
    kept = Checkpoints(result.folder).load().arrays
    assert sum(name.startswith("model/") for name in kept) == len(model.variables) > len(left.variables)


def test_the_best_epoch_is_chosen_by_the_answer_alone(whole) -> None:
    model, result = whole
    found = zoo.evaluate(model, Blocks(4, seed=1), progress=False)
    assert found.headline.value == result.best["score"] == max(result.history["val_miou"])


def test_killed_in_its_second_epoch_it_ends_with_the_same_weights(tmp_path, whole, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        dies(patch, callback.RunCallback, "on_train_batch_end", 5)
        with pytest.raises(Killed):
            go(tmp_path)
    model, result = go(tmp_path)
    for got, expected in zip(model.variables, whole[0].variables, strict=True):
        np.testing.assert_array_equal(got, expected, err_msg=got.path)
    assert result.history["loss"] == whole[1].history["loss"]


def test_without_its_heads_a_run_does_not_go_on(whole, tmp_path) -> None:
    folder = shutil.copytree(whole[1].folder, tmp_path / "run")
    with pytest.raises(InputError, match="the checkpoint is of another network"):
        zoo.train(network(()), Blocks(), Blocks(4, seed=1), folder=folder, **RUN, ema=0.9)


def test_googlenets_classifiers_train() -> None:
    class Flat(keras.utils.PyDataset):
        """Flat pictures of two greys."""

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            label = np.arange(4) % 2
            return np.full((4, 80, 80, 3), 60.0, "float32") + 120 * label[:, None, None, None], label

    keras.utils.set_random_seed(0)
    model = zoo.build("googlenet", classes=2, input_shape=(80, 80, 3), auxiliary=True, width=0.0625)
    names = ("auxiliary_4a_logits", "auxiliary_4d_logits", "fc", "conv1")
    before = [model.get_layer(name).get_weights()[0] for name in names]
    result = zoo.train(model, Flat(), epochs=3, learning_rate=0.01, verbose=0)
    assert result.history["loss"][-1] < result.history["loss"][0]
    for name, kernel in zip(names, before, strict=True):
        assert np.abs(model.get_layer(name).get_weights()[0] - kernel).max() > 0, name


@pytest.mark.parametrize("name", ["unet", "fcn8s"])
def test_any_encoder_can_be_supervised_at_any_stride(name: str) -> None:
    options = {"encoder": "mobilenet_v2", "encoder_options": {"width": 0.1}, "input_shape": (*ODD, 3), "classes": 3}
    plain = zoo.build(name, **options)
    model = zoo.build(name, auxiliary=(8, 16), **options)
    supervised, weights = layers.supervised(model)
    assert weights == [1, 0.4, 0.4]
    assert [output.shape for output in supervised.outputs] == [(None, *ODD, 3)] * 3
    bare = layers.inference(model)
    assert [layer.name for layer in bare.layers] == [layer.name for layer in plain.layers]
    images = pictures(model)
    np.testing.assert_array_equal(answer(bare, images), answer(model, images))


def test_a_converted_file_holds_nothing_that_only_trained(tmp_path) -> None:
    model = network()
    both = (layers.inference(model), model)
    sizes = [converters.to_tflite(m, tmp_path / "m.tflite", input_size=(32, 32)).path.stat().st_size for m in both]
    assert abs(sizes[0] - sizes[1]) < 100


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("unet", {"encoder": "mobilenet_v2", "auxiliary": (64,)}, "stride 64 was asked for"),
        ("unet_valid", {"auxiliary": (8,), "input_shape": (256, 256, 3)}, "leave out padding='valid'"),
        ("fcn8s", {"auxiliary": (8,), "padding": "caffe"}, "leave out padding='caffe'"),
    ],
)
def test_heads_that_have_no_place_are_refused(name: str, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        zoo.build(name, **options)
