"""Training with the file's rounding on Keras 3: what it computes, what it learns, and that it is a model like any other."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
import training_toys
from converter_models import SIZE, pictures, segmenter
from training_toys import RUN, Blocks

import converters
import edge
import zoo
from converters.quantization.qat_direct import unrounded
from converters.quantization.rounding_layers import RoundedKernel, RoundedOutput
from edge.gpu.vulkan import driver

L = keras.layers
IMAGES = pictures(16)


class Batches(keras.utils.PyDataset):
    """The pictures in fours, and what a model says of them."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self._images = IMAGES.astype("float32")
        self._targets = keras.ops.convert_to_numpy(model(self._images))

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(4 * index, 4 * index + 4)
        return self._images[part], self._targets[part]


def squared(targets, logits):
    return keras.ops.mean(keras.ops.square(targets - logits))


def distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.sqrt(((ours - theirs) ** 2).mean()) / theirs.std())


def answers(path) -> np.ndarray:
    with edge.Runner(path) as runner:
        return runner.run(pictures(6, seed=3))


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return segmenter()


@pytest.fixture(scope="module")
def exact(model) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(pictures(6, seed=3).astype("float32")))


@pytest.fixture(scope="module")
def network(model) -> keras.Model:
    return converters.quantize_aware(model, IMAGES)


@pytest.fixture(scope="module")
def file(network, tmp_path_factory):
    return converters.to_tflite(network, tmp_path_factory.mktemp("qat") / "direct.tflite", "int8", SIZE)


def test_the_file_computes_what_the_network_computes(model, network, file, exact):
    assert file.float_islands == () and converters.unquantized_layers(network) == ()
    assert converters.parity(model, file, pictures(6, seed=3)).passed
    own = keras.ops.convert_to_numpy(network(pictures(6, seed=3).astype("float32")))
    assert 0.01 < distance(own, exact) < 0.04 and distance(answers(file.path), own) < 0.04


def test_it_is_the_file_that_tfmot_trains_for(model, file, exact, tmp_path):
    """The same weights by either engine: the same operators, and answers as near to the model's, or nearer."""
    other = converters.quantize_aware(model, IMAGES, engine="tensorflow")
    theirs = converters.to_tflite(other, tmp_path / "tfmot.tflite", "int8", SIZE)
    assert file.operators == theirs.operators
    errors = [distance(answers(each.path), exact) for each in (file, theirs)]
    assert errors[0] < 1.1 * errors[1] and distance(answers(file.path), answers(theirs.path)) < 0.05


def test_spans_and_weights_are_learnt(model, exact, tmp_path):
    network = converters.quantize_aware(model, IMAGES)
    before, starts = unrounded(network)
    losses = converters.fine_tune(network, Batches(model), squared, epochs=4, rate=2e-3, verbose=0)
    after, spans = unrounded(network)
    assert losses[-1] < 0.7 * losses[0]
    assert starts.keys() == spans.keys() and sum(starts[name] != spans[name] for name in spans) > 3
    assert not np.array_equal(before.get_layer("stem").kernel, after.get_layer("stem").kernel)
    made = converters.to_tflite(network, tmp_path / "a.tflite", "int8", SIZE)
    own = keras.ops.convert_to_numpy(network(pictures(6, seed=3).astype("float32")))
    assert distance(answers(made.path), own) < 0.05, "the file has the spans that were learnt"
    back = converters.to_keras(network, model)
    assert not any(isinstance(layer, (RoundedKernel, RoundedOutput)) for layer in back.layers)


def test_zeros_and_equal_weights_stay(model):
    few = keras.models.clone_model(model)
    weights = model.get_weights()
    for index, values in enumerate(weights):
        if values.ndim == 4:
            steps = np.round(values / np.abs(values).max() * 3)
            weights[index] = steps * np.abs(values).max() / 3  # seven different ones, zero among them
    few.set_weights(weights)
    folded = converters.fold(few)
    network = converters.quantize_aware(folded, IMAGES, keep=("sparsity", "clusters"))
    converters.fine_tune(network, Batches(model), squared, epochs=1, rate=1e-2, verbose=0)
    after = unrounded(network)[0]
    for name in ("stem", "excite", "score", "wide"):
        old, new = folded.get_layer(name).get_weights()[0], after.get_layer(name).get_weights()[0]
        assert not np.array_equal(old, new), name
        assert ((old == 0) <= (new == 0)).all() and len(np.unique(new)) <= len(np.unique(old)), name


def test_a_run_resumes_and_its_model_is_loaded(tmp_path):
    """`zoo.train`, stopped after an epoch and called again, ends with the weights and spans of a run in one go."""
    settings = {**RUN, "epochs": 2, "learning_rate": 1e-3}
    ends = []
    for folder, stops in (("whole", 0), ("parts", 1)):
        for seconds in [1e-9] * stops + [None]:
            toy = training_toys.network(size=training_toys.SIZE)
            images = np.stack([sample.image for sample in Blocks()])
            network = converters.quantize_aware(toy, images)
            zoo.train(network, Blocks(), Blocks(4, seed=1), folder=tmp_path / folder, max_seconds=seconds, **settings)
        ends.append(network.get_weights())
    assert all(np.array_equal(one, other) for one, other in zip(*ends, strict=True))
    loaded = zoo.load(tmp_path / "whole")
    assert [layer.span for layer in loaded.layers if isinstance(layer, RoundedOutput)] == [
        layer.span for layer in network.layers if isinstance(layer, RoundedOutput)
    ]
    assert converters.to_tflite(loaded, tmp_path / "a.tflite", "int8").float_islands == ()


def test_a_relu_behind_a_transposed_convolution_is_rounded_once(tmp_path):
    """The file keeps the two apart for the GPU's sake; what training rounds is what comes out of both."""
    keras.utils.set_random_seed(0)
    x = image = keras.Input((17, 21, 3), name="image")
    for name, kernel, strides, most in (("same", 3, 1, None), ("cropped", 3, 2, None), ("blocks", 4, 2, 6.0)):
        x = L.ReLU(most, name=f"{name}_relu")(L.Conv2DTranspose(6, kernel, strides, "same", name=name)(x))
        x = L.Conv2D(6, 3, 2, "same", name=f"after_{name}")(x)
    model, images = keras.Model(image, x), pictures(12, (17, 21))
    network = converters.quantize_aware(model, images)
    made = converters.to_tflite(network, tmp_path / "a.tflite", "int8")
    assert made.float_islands == () and dict(made.operators)["TRANSPOSE_CONV"] == 2
    own, (sample,) = keras.ops.convert_to_numpy(network(images[:1].astype("float32"))), images[:1]
    with edge.Runner(made.path) as runner:
        assert distance(runner.run(images[:1]), own) < 0.05
    if driver() is not None:
        verdict = edge.gpu_check(made.path, [sample])
        assert verdict.ok, verdict.report()


def test_layers_that_tfmot_refuses(tmp_path):
    """Every layer runs as it is; what has weights of its own and no kernel is said."""
    image = keras.Input((*SIZE, 3), name="image")
    x = L.Conv2D(8, 3, activation="swish", name="swish")(L.Rescaling([0.1, 0.2, 0.3], [1.0, 2.0, 3.0], name="scale")(image))
    x = L.Conv2DTranspose(8, 4, 2, "same", use_bias=False, name="up")(x)
    x = L.Conv2D(8, 3, dilation_rate=2, padding="same", activation="hard_silu", name="hard")(L.BatchNormalization()(x))
    x = L.Average(name="mean")([x, L.PReLU(shared_axes=[1, 2], name="prelu")(x)])
    x = L.Maximum(name="most")([x, L.ELU(name="elu")(x)])
    model = keras.Model(image, L.Conv2D(3, 1, name="score")(L.SeparableConv2D(8, 3, name="parts")(x)))
    with pytest.warns(UserWarning, match=r"not quantized: prelu \(PReLU\)"):
        network = converters.quantize_aware(model, IMAGES)
    made = converters.to_tflite(network, tmp_path / "hard.tflite", "int8")
    assert made.float_islands == (), made.float_islands
    exact = keras.ops.convert_to_numpy(model(pictures(6, seed=3).astype("float32")))
    assert distance(answers(made.path), exact) < 0.1


def test_pictures_start_the_spans(model):
    with pytest.warns(UserWarning, match="ranges start from noise"):
        converters.quantize_aware(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        cut = converters.quantize_aware(model, IMAGES, ranges="least error")
    spans = unrounded(cut)[1]
    assert spans["scale"][0] < -0.9 and all(low <= 0 < high for low, high in spans.values())
