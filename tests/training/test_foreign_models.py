"""Models and data of others in `zoo.train`: taken as what they are, or refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import zoo
import zoo.data
from zoo.errors import InputError
from zoo.training.foreign_models import ending_of, functional, without_activation

QUIET = {"epochs": 1, "verbose": 0, "tensorboard": False, "jit": False}


class Halves(keras.utils.PyDataset):
    """Batches whose bright half is class 1; `change` makes others of them."""

    def __init__(self, change: Callable[..., Any] = lambda images, targets: (images, targets), channels: int = 3) -> None:
        super().__init__()
        self._change, self._channels = change, channels

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        images = np.random.default_rng(index).uniform(0, 255, (2, 8, 12, self._channels)).astype("float32")
        return self._change(images, (images[..., 0] > 128).astype("int32"))


def network(end: Callable[[Any], Any], channels: int = 3) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, channels))
    return keras.Model(image, end(layers.Conv2D(4, 3, padding="same")(layers.Rescaling(1 / 255)(image))))


def conv(activation: Any = None, channels: int = 2) -> layers.Layer:
    return layers.Conv2D(channels, 1, activation=activation, kernel_initializer=keras.initializers.GlorotUniform(seed=1))


def nested(x: Any) -> Any:
    inside = keras.Input(x.shape[1:])
    return keras.Model(inside, conv("softmax")(inside))(x)


ENDINGS = {
    "inside the layer": lambda x: conv("softmax")(x),
    "a layer": lambda x: layers.Softmax()(conv()(x)),
    "an activation": lambda x: layers.Activation("softmax")(conv()(x)),
    "an operation": lambda x: keras.ops.softmax(conv()(x)),
    "a model within": nested,
    "cast afterwards": lambda x: layers.Activation("linear", dtype="float32")(conv("softmax")(x)),
    "doubled in size": lambda x: layers.UpSampling2D(1)(conv("softmax")(x)),
}


@pytest.mark.parametrize("end", ENDINGS)
def test_a_softmax_is_left_out_and_put_back(end: str):
    model, logits = network(ENDINGS[end]), network(conv())
    model.set_weights(logits.get_weights())
    images = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3)).astype("float32")
    with without_activation(model, ending_of(model)) as trained:
        np.testing.assert_allclose(trained(images), logits(images), atol=1e-5)
    np.testing.assert_allclose(np.sum(model(images), axis=-1), 1, atol=1e-5)


def test_training_through_a_softmax_is_training_on_logits():
    """Two steps each; by a loss of Keras's name too, which leaves out what is ignored, and as a Sequential."""

    def ignoring(images: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return images, np.where(images[..., 1] > 200, 255, targets)

    stack = [keras.Input((None, None, 3)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, padding="same"), conv("softmax")]
    runs = {}
    for name, model, more in (
        ("logits", network(conv()), {}),
        ("named", network(conv()), {"loss": "sparse_categorical_crossentropy"}),
        ("sequential", keras.Sequential(stack), {}),
    ):
        model.set_weights(network(conv()).get_weights())
        result = zoo.train(model, Halves(ignoring), **QUIET, **more)
        runs[name] = [result.rows[0]["loss"], *(weight.sum() for weight in model.get_weights())]
    np.testing.assert_allclose(runs["sequential"], runs["logits"], rtol=1e-5)
    assert runs["named"][0] == pytest.approx(runs["logits"][0], rel=0.2), "a mean over other pixels, of the same loss"


class OwnStep(keras.Model):
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


class OwnLoss(keras.Model):
    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        return super().compute_loss(*args, **kwargs)


def patched() -> keras.Model:
    model = network(conv())
    model.train_step = lambda data: {}
    return model


def of_class(kind: type[keras.Model]) -> keras.Model:
    plain = network(conv())
    return kind(plain.inputs, plain.outputs, name="theirs")


REFUSED_MODELS = {
    "own step": (lambda: of_class(OwnStep), "theirs has its own train_step, which zoo.train does not call"),
    "own loss": (lambda: of_class(OwnLoss), "theirs has its own compute_loss"),
    "a step that was set": (patched, "has its own train_step"),
    "a class over that": (lambda: of_class(type("Further", (OwnStep,), {})), "has its own train_step"),
    "a Sequential without input": (lambda: keras.Sequential([conv()]), "Sequential of unknown input; begin it"),
    "smoothed probabilities": (
        lambda: network(lambda x: layers.UpSampling2D(2, interpolation="bilinear")(conv("softmax")(x))),
        "the softmax of conv2d.* is not the last that it computes",
    ),
    "over rows": (lambda: network(lambda x: layers.Softmax(axis=1)(conv()(x))), "the softmax of softmax.* is not the last"),
    "sigmoids": (lambda: network(conv("sigmoid")), "ends in a sigmoid, each channel for itself"),
    "softmax over one channel": (lambda: network(conv("softmax", 1)), "one channel, over which a softmax is always 1"),
    "one channel": (lambda: network(conv(None, 1)), "one channel, over which a softmax is always 1"),
}


@pytest.mark.parametrize("case", REFUSED_MODELS)
def test_a_model_is_refused_by_name(case: str):
    make, says = REFUSED_MODELS[case]
    with pytest.raises(InputError, match=says):
        zoo.train(make(), Halves(), **QUIET)


def test_graphs_of_keras_pass():
    for model in (network(conv()), keras.Sequential([keras.Input((8, 8, 3)), conv()])):
        assert type(functional(model)).__name__ == "Functional"


def arrays() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((2, 8, 8, 3), "float32"), np.zeros((2, 8, 8), "int32")


def of_tensorflow() -> Any:
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(arrays()).batch(2)


class Endless(keras.utils.PyDataset):
    def __getitem__(self, index: int) -> Any:
        return arrays()


REFUSED_DATA: dict[str, tuple[Callable[[], Any], str]] = {
    "arrays": (arrays, "train_data is a tuple; expected a data set .* or a keras.utils.PyDataset"),
    "an array": (lambda: arrays()[0], "train_data is a ndarray of numpy"),
    "a generator": (lambda: iter([arrays()]), "train_data is a list_iterator"),
    "tf.data": (of_tensorflow, "train_data is a _BatchDataset of tensorflow"),
    "batches without end": (Endless, "Endless has no __len__"),
    "weights of samples": (lambda: Halves(lambda x, y: (x, y, y * 0 + 1.0)), "a batch is 3 parts; expected .images, targets"),
    "no targets": (lambda: Halves(lambda x, y: x), "a batch is a ndarray; expected"),
    "fractions": (lambda: Halves(lambda x, y: (x, y * np.float32(0.5))), "the targets hold 0.5; expected class indices"),
    "foreground of 255": (lambda: Halves(lambda x, y: (x, y * 255)), "are of class 0 alone, .* 255 is ignored"),
    "one class": (lambda: Halves(lambda x, y: (x, y * 0 + 1)), "are of class 1 alone"),
}


@pytest.mark.parametrize("case", REFUSED_DATA)
def test_data_are_refused_in_a_sentence(case: str):
    make, says = REFUSED_DATA[case]
    with pytest.raises(InputError, match=says):
        zoo.train(network(conv()), make(), **QUIET)


def test_data_to_choose_by_and_to_score_are_data_sets():
    model = network(conv())
    with pytest.raises(InputError, match="val_data is a tuple"):
        zoo.train(model, Halves(), arrays(), **QUIET)
    with pytest.raises(InputError, match="val_data is a Halves"):
        zoo.train(model, Halves(), Halves(), **QUIET)
    with pytest.raises(InputError, match="dataset is a tuple"):
        zoo.evaluate(model, arrays(), progress=False)
    with pytest.raises(InputError, match="says nothing of its inputs"):
        zoo.evaluate(keras.Sequential([conv()]), Grey(3), progress=False)
    with pytest.raises(InputError, match="expected a list, in the classes' order"):
        zoo.train(model, Halves(), class_weights={0: 1.0, 1: 2.0}, **QUIET)


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        ("dice", "class indices are learnt by 'sparse_categorical_crossentropy'"),
        ("sparse_crossentropy", "Keras has no loss of that name"),
        (keras.losses.SparseCategoricalCrossentropy, "expected a keras.losses.Loss, made"),
        (keras.losses.SparseCategoricalCrossentropy(), "from_logits is False, and training is on logits"),
        (3, "expected a keras.losses.Loss, made"),
    ],
)
def test_a_loss_is_refused(loss: Any, says: str):
    with pytest.raises(InputError, match=says):
        zoo.train(network(conv()), Halves(), loss=loss, **QUIET)


class Grey(zoo.data.Dataset):
    """Pictures of one channel, or of four, whose first says the class."""

    name, classes, palette = "grey", ("dark", "light"), ((0, 0, 0), (255, 255, 255))

    def __init__(self, channels: int) -> None:
        self.channels = channels

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> zoo.data.Sample:
        image = np.random.default_rng(index).integers(0, 256, (16, 16, self.channels), np.uint8)
        return zoo.data.Sample(image, (image[..., 0] > 128).astype(np.uint8), str(index))


@pytest.mark.parametrize("channels", [1, 4])
def test_data_of_other_channels_feed_networks_of_them(channels: int):
    data, model = Grey(channels), network(conv(), channels)
    result = zoo.train(model, data, data, **QUIET, batch_size=2, augment=zoo.data.Augment(scale=(0.5, 1.0)))
    assert result.best is not None
    assert zoo.evaluate(model, zoo.data.CachedDataset(data), progress=False, size=(8, 8)).images == 4
    with pytest.raises(InputError, match=f"takes images of 3 channels and grey has .*None, None, {channels}"):
        zoo.evaluate(network(conv()), data, progress=False)


class TwoHalves(zoo.data.Dataset):
    """Pictures of which one half is class 1."""

    name, classes, palette = "halves", ("dark", "light"), ((0, 0, 0), (255, 255, 255))

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> zoo.data.Sample:
        image = np.random.default_rng(index).integers(0, 256, (16, 16, 3), np.uint8)
        return zoo.data.Sample(image, (image[..., 0] > 128).astype(np.uint8), str(index))


def test_shares_are_not_taken_for_scores():
    """A softmax's answer averaged over views is a mean of shares, and a sigmoid says yes from a half on."""
    from zoo.evaluation.evaluate import NetworkScorer
    from zoo.evaluation.predictor import TestTimeAugmentation

    data, tta = TwoHalves(), TestTimeAugmentation(flip=True)
    logits, shares = network(conv()), network(conv("softmax"))
    picture = data[0].image
    outputs = [NetworkScorer(each, data, None, tta=tta)._predictor.predict([picture]) for each in (logits, shares)]
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-6)
    answers = [
        next(iter(NetworkScorer(network(conv(end, 1)), data, None).answers([data[0]], []))) for end in (None, "sigmoid")
    ]
    np.testing.assert_array_equal(answers[0], answers[1])
    assert set(np.unique(answers[0])) == {0, 1}
