"""A classifier slid over a larger image gives what it gives on each window."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from converters import convolutionalize
from zoo.errors import InputError
from zoo.layers import ModelOutput
from zoo.outputs.class_scores import class_output

L = keras.layers


def wake(model: keras.Model, images: np.ndarray) -> keras.Model:
    """Sets the batch normalisation to what the images give, so that an untrained network tells images apart."""
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.momentum = 0.0
    model(images, training=True)
    return model


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Smooth random pictures, 0–255: white noise would average away to the same answer everywhere."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (shape[0], -(-shape[1] // 8), -(-shape[2] // 8), shape[3]))
    return coarse.repeat(8, axis=1).repeat(8, axis=2)[:, : shape[1], : shape[2]].astype("float32")


def lenet(head: str = "flatten", classes: int = 7) -> keras.Model:
    image = keras.Input((28, 36, 1), name="image")
    x = L.Rescaling(1 / 255)(image)
    x = L.Conv2D(6, 5, activation="tanh")(x)
    x = L.AveragePooling2D(2)(x)
    x = L.Conv2D(16, 5, activation="tanh", name="c3")(x)
    x = L.MaxPooling2D(2)(x)  # 4×6: a window that is not square
    x = HEADS[head](x)
    return keras.Model(image, L.Dense(classes, activation="softmax", name="scores")(x), name=f"lenet_{head}")


def two_branches(x):
    flat = L.Dense(20, activation="relu")(L.Flatten()(x))
    return L.Concatenate(axis=1)([flat, L.GlobalMaxPooling2D()(x), L.GlobalAveragePooling2D()(x)])


def torch_like(x):
    return L.Dense(30, activation="relu")(L.Flatten()(L.Permute((3, 1, 2))(x)))


def normalised(x):
    return L.Dense(30, use_bias=False)(L.Dropout(0.5)(L.BatchNormalization()(L.Flatten()(x))))


def deep(x):
    x = L.Dense(40)(L.Dropout(0.3)(L.ReLU()(L.Flatten()(x))))
    return L.Activation("gelu")(L.LayerNormalization()(L.BatchNormalization()(x)))


def pointwise(x):
    x = L.GlobalAveragePooling2D(keepdims=True)(x)
    return L.Flatten()(L.Conv2D(12, 1, activation="hard_swish")(x))


def squeezed(x):
    gate = L.Dense(16, activation="sigmoid")(L.GlobalAveragePooling2D()(x))
    return L.Flatten()(L.Multiply()([x, L.Reshape((1, 1, 16))(gate)]))


HEADS = {
    "flatten": lambda x: L.Dense(30, activation="relu")(L.Flatten()(x)),
    "reshape": lambda x: L.Dense(30, activation="relu")(L.Reshape((-1,))(x)),
    "torch_order": torch_like,
    "channels_first_flatten": lambda x: L.Dense(30)(L.Flatten(data_format="channels_first")(x)),
    "keras_ops": lambda x: L.Dense(30)(keras.ops.relu(keras.ops.reshape(x, (-1, 4 * 6 * 16)))),
    "average": lambda x: L.GlobalAveragePooling2D()(x),
    "largest": lambda x: L.Dropout(0.2)(L.GlobalMaxPooling2D()(x)),
    "pooled_by_hand": lambda x: L.Flatten()(L.AveragePooling2D((4, 6))(x)),
    "normalised": normalised,
    "deep": deep,
    "pointwise": pointwise,
    "two_branches": two_branches,
}


@pytest.mark.parametrize("head", HEADS)
def test_every_window_of_a_valid_padded_network(head):
    classifier = wake(lenet(head), noise(8, 28, 36, 1, seed=1))
    sliding = convolutionalize(classifier)
    image = noise(2, 28 + 4 * 3, 36 + 4 * 5, 1)
    answers = sliding(image).numpy()
    assert answers.shape == (2, 4, 6, 7)
    windows = np.stack([image[:, 4 * i : 4 * i + 28, 4 * j : 4 * j + 36] for i in range(4) for j in range(6)])
    expected = np.stack([classifier(window).numpy() for window in windows]).reshape(4, 6, 2, 7).transpose(2, 0, 1, 3)
    assert np.ptp(expected, axis=(0, 1, 2)).max() > 1e-3, "the windows must differ for this to prove anything"
    np.testing.assert_allclose(answers, expected, atol=1e-5)
    np.testing.assert_allclose(
        sliding(image[:, :28, :36]).numpy()[:, 0, 0], classifier(image[:, :28, :36]).numpy(), atol=1e-5
    )


APPLICATIONS = {
    "VGG16": {},
    "ResNet50": {},
    "MobileNetV2": {"alpha": 0.35},
    "DenseNet121": {},
    "EfficientNetB0": {},
    "MobileNetV3Small": {},
}


@pytest.mark.parametrize("name", APPLICATIONS)
def test_classifiers_of_keras_applications(name):
    build = getattr(keras.applications, name)
    images = noise(4, 64, 64, 3)
    classifier = wake(
        build(weights=None, classes=5, input_shape=(64, 64, 3), classifier_activation=None, **APPLICATIONS[name]),
        images,
    )
    sliding = convolutionalize(classifier)
    expected = classifier(images).numpy()
    scale = 1 / expected.std()
    assert np.ptp(expected, axis=0).max() * scale > 0.1
    answers = sliding(images).numpy()
    assert answers.shape == (4, 1, 1, 5)
    np.testing.assert_allclose(answers[:, 0, 0] * scale, expected * scale, atol=2e-5)
    assert sliding.count_params() == classifier.count_params()
    assert sliding(noise(1, 128, 96, 3)).shape == (1, 3, 2, 5)


@pytest.mark.parametrize(("name", "side"), [("alexnet", 67), ("vgg16", 32), ("mobilenet_v2", 64)])
def test_classifiers_of_this_zoo(name, side):
    images = noise(4, side, side, 3)
    classifier = wake(zoo.build(name, classes=5, input_shape=(side, side, 3)), images)
    sliding = convolutionalize(classifier)
    expected = classifier(images).numpy()
    assert np.ptp(expected, axis=0).max() > 0.1 * expected.std() > 0
    np.testing.assert_allclose(sliding(images).numpy()[:, 0, 0] / expected.std(), expected / expected.std(), atol=2e-5)
    assert zoo.output_spec(sliding).labels == zoo.output_spec(classifier).labels


def test_the_weights_are_copied_not_shared():
    classifier = lenet()
    sliding = convolutionalize(classifier)
    image = noise(1, 28, 36, 1)
    before = sliding(image).numpy()
    for weight in classifier.weights:
        weight.assign(weight * 0)
    np.testing.assert_array_equal(sliding(image).numpy(), before)


def test_a_nested_frozen_base_is_opened_up():
    base = keras.Sequential([keras.Input((32, 32, 3)), L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU()], name="base")
    image = keras.Input((32, 32, 3))
    x = L.Conv2D(3, 1, name="conv2d")(image)
    model = keras.Model(image, L.Dense(3)(L.GlobalAveragePooling2D()(base(x, training=False))))
    sliding = convolutionalize(keras.Sequential([model, L.Activation("relu"), L.Dense(2)]))
    assert not any(isinstance(layer, keras.Model) for layer in sliding.layers)
    assert sliding(noise(1, 40, 33, 3)).shape == (1, 9, 2, 2)


def test_squeeze_and_excite_stays_in_the_body():
    classifier = lenet()
    image = keras.Input((28, 36, 1))
    feature = keras.Model(classifier.inputs, classifier.layers[-5].output)(image)
    model = keras.Model(image, L.Dense(3)(squeezed(L.Conv2D(16, 1)(feature))))
    sliding = convolutionalize(model)
    images = noise(2, 28, 36, 1)
    np.testing.assert_allclose(sliding(images).numpy()[:, 0, 0], model(images).numpy(), atol=1e-5)


def test_a_network_that_is_one_by_one_already():
    model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 8, activation="tanh"), L.Flatten(), L.Dense(3)])
    assert convolutionalize(model)(noise(1, 10, 9, 3)).shape == (1, 3, 2, 3)


def test_open_size_needs_the_native_one():
    image = keras.Input((None, None, 3))
    model = keras.Model(
        image, L.Dense(4)(L.GlobalAveragePooling2D()(L.Conv2D(8, 3, strides=2)(L.Rescaling(1 / 255)(image))))
    )
    with pytest.raises(InputError, match="input_size"):
        convolutionalize(model)
    sliding = convolutionalize(model, input_size=(17, 21))
    images = noise(2, 17, 21, 3)
    np.testing.assert_allclose(sliding(images).numpy()[:, 0, 0], model(images).numpy(), atol=1e-5)


@pytest.mark.parametrize("output", ["logits", "probabilities", "class_map"])
def test_the_answer_keeps_its_meaning(output, tmp_path):
    backbone = lenet()
    answer = ModelOutput("classification", class_output([f"c{i}" for i in range(7)], output=output))
    model = keras.Model(backbone.inputs, answer(backbone.output))
    sliding = convolutionalize(model)
    last = sliding.layers[-1]
    assert isinstance(last, ModelOutput) and last.spec.labels == answer.spec.labels
    assert last.spec.kind == answer.spec.kind and last.spec.dense
    image = noise(1, 32, 36, 1)
    sliding.save(tmp_path / "sliding.keras")
    np.testing.assert_allclose(
        keras.models.load_model(tmp_path / "sliding.keras")(image).numpy(), sliding(image).numpy(), atol=1e-6
    )


# ------------------------------------------------------------------------------------------------ bad input


class Doubled(L.Layer):
    def call(self, x):
        return x * 2


class Subclassed(keras.Model):
    def call(self, x):
        return x


def sequential(*layers: L.Layer, shape=(8, 8, 3)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *layers])


def two_inputs() -> keras.Model:
    a, b = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    return keras.Model([a, b], L.Dense(2)(L.Flatten()(L.Add()([a, b]))))


def two_grids() -> keras.Model:
    image = keras.Input((8, 8, 3))
    small = L.MaxPooling2D()(image)
    return keras.Model(
        image, L.Dense(2)(L.Concatenate()([L.GlobalMaxPooling2D()(image), L.GlobalMaxPooling2D()(small)]))
    )


BAD = {
    "not a model": (lambda: "vgg16", "expected a keras.Model"),
    "subclassed": (Subclassed, "functional API"),
    "no weights": (lambda: keras.Sequential([L.Flatten(), L.Dense(2)]), "no weights yet"),
    "two inputs": (two_inputs, "2 inputs"),
    "not an image": (lambda: sequential(L.Dense(2), shape=(8,)), "N×H×W×C"),
    "fully convolutional already": (lambda: sequential(L.Conv2D(2, 1)), "fully convolutional already"),
    "no flatten": (lambda: sequential(L.Conv2D(2, 1), L.Reshape((64, 2)), L.LSTM(3)), "LSTM"),
    "nothing after": (lambda: sequential(L.Conv2D(2, 1), L.Flatten()), "before a Dense"),
    "unknown layer": (
        lambda: sequential(L.Flatten(), Doubled(name="twice"), L.Dense(2)),
        r"'twice' \(Doubled\).*supported: Dense",
    ),
    "softmax on features": (lambda: sequential(L.Flatten(), L.Softmax(name="early"), L.Dense(2)), "'early'"),
    "activation on normalised features": (
        lambda: sequential(L.Flatten(), L.BatchNormalization(), L.ReLU(name="late"), L.Dense(2)),
        "'late'",
    ),
    "a map of another shape": (
        lambda: sequential(L.Flatten(), L.Reshape((2, 96)), L.Dense(2, name="odd"), L.Flatten()),
        "'odd'",
    ),
    "pinned by resizing": (
        lambda: sequential(L.Resizing(4, 4, name="fixed"), L.Flatten(), L.Dense(2)),
        "'fixed'.*pins the size",
    ),
    "pinned by reshape": (
        lambda: sequential(L.Reshape((4, 16, 3), name="fold"), L.Conv2D(2, 3), L.Flatten(), L.Dense(2)),
        "'fold'.*pins the size",
    ),
    "weights per position": (lambda: sequential(L.PReLU(name="own"), L.Flatten(), L.Dense(2)), "'own'"),
    "two grids": (two_grids, "4×4 and 8×8"),
    "channels first": (
        lambda: sequential(L.ZeroPadding2D(1, data_format="channels_first", name="nchw"), L.Flatten(), L.Dense(2)),
        "'nchw'.*channels_last",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    make, message = BAD[case]
    with pytest.raises(InputError, match=message):
        convolutionalize(make())


def test_a_size_the_model_is_not_built_for():
    with pytest.raises(InputError, match="28×36"):
        convolutionalize(lenet(), input_size=(224, 224))
