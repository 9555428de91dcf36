"""Training for int8, pruning and clustering by tfmot, and their combinations: what is in the file at the end."""

from __future__ import annotations

import gzip

import keras
import numpy as np
import pytest
import tf_keras
from ai_edge_litert import schema_py_generated as schema
from converter_models import SIZE, pictures, segmenter

import converters
from converters.tflite import inspection
from zoo.errors import InputError

L = keras.layers
IMAGES = pictures(16)
KERNELS = {"stem": (8, 3, 3, 3), "down": (12, 3, 3, 8), "excite": (12, 1, 1, 12), "score": (4, 1, 1, 20)}


def kernels(path) -> dict[str, np.ndarray]:
    """The convolutions' kernels as the file stores them, O×H×W×I."""
    model, found = inspection.load(path), {}
    kinds = {schema.TensorType.INT8: np.int8, schema.TensorType.FLOAT32: np.float32}
    for name, shape in KERNELS.items():
        fits = [t for t in model.subgraphs[0].tensors if tuple(t.shape) == shape and model.buffers[t.buffer].data is not None]
        assert len(fits) == 1, (name, [t.name for t in fits])
        found[name] = np.frombuffer(bytes(model.buffers[fits[0].buffer].data), kinds[fits[0].type]).reshape(shape)
    return found


def train(network: tf_keras.Model, model: keras.Model, steps: int = 4, rate: float = 1e-3) -> tf_keras.Model:
    """A few steps towards what the model says already: the ordinary compile and fit."""
    images = IMAGES.astype("float32")
    network.compile(tf_keras.optimizers.legacy.Adam(rate), loss="mse")
    network.fit(images, np.asarray(model(images)), batch_size=4, epochs=steps // 4, verbose=0,
                callbacks=converters.callbacks(network))  # fmt: skip
    return network


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return segmenter()


@pytest.fixture(scope="module")
def aware(model) -> tf_keras.Model:
    return train(converters.quantize_aware(model, IMAGES, engine="tensorflow"), model, rate=1e-5)


@pytest.fixture(scope="module")
def pruned(model) -> keras.Model:
    with pytest.warns(UserWarning, match=r"not pruned: wide \(DepthwiseConv2D\): a depthwise kernel"):
        network = converters.prune(model, 0.5, "constant", every=1)
    return converters.to_keras(train(network, model, 8), model)


def test_a_quantize_aware_file_is_integer_and_says_the_same(model, aware, tmp_path):
    made = converters.to_tflite(aware, tmp_path / "qat.tflite", "int8", SIZE)
    assert made.float_islands == ()
    found = converters.parity(model, made, pictures(6, seed=3))
    assert found.passed, str(found)
    assert converters.unquantized_layers(aware) == ()
    with pytest.raises(InputError, match="trained for int8"):
        converters.to_tflite(aware, tmp_path / "no.tflite", "float16", SIZE)


def test_what_it_computes_in_training_is_what_the_file_computes(aware, tmp_path):
    """The rounding that was trained with is the file's: their difference is of single quanta."""
    made = converters.to_tflite(aware, tmp_path / "qat.tflite", "int8", SIZE)
    images = pictures(4, seed=3)
    run = converters.parity(segmenter(), made, images)
    trained = aware(images.astype("float32"), training=False).numpy()
    own = converters.parity(segmenter(), lambda image: aware(image, training=False).numpy(), images)
    errors = [found.outputs[0].measures["relative"] for found in (run, own)]
    assert abs(errors[0] - errors[1]) < 0.02 and trained.shape == (4, *SIZE, 4)


def test_trained_weights_travel_back_into_a_folded_model(model, aware):
    back = converters.to_keras(aware, model)
    assert not any(isinstance(layer, L.BatchNormalization) for layer in back.layers)
    images = pictures(4, seed=3).astype("float32")
    expected, got = np.asarray(model(images)), np.asarray(back(images))
    assert 1e-6 < np.std(got - expected) / np.std(expected) < 0.3


def hard(x):
    x = L.Conv2D(8, 3, activation="swish", name="swish")(x)
    x = L.Conv2DTranspose(8, 4, 2, "same", use_bias=False, name="up")(x)
    x = L.BatchNormalization(name="after_up")(x)
    x = L.Conv2D(8, 3, dilation_rate=2, padding="same", activation="hard_silu", name="hard")(x)
    x = L.BatchNormalization(name="alone")(x)
    x = L.Average(name="mean")([x, L.PReLU(shared_axes=[1, 2], name="prelu")(x)])
    x = L.Maximum(name="most")([x, L.ELU(name="elu")(x)])
    return L.Conv2D(3, 1, name="score")(L.SeparableConv2D(8, 3, name="parts")(x))


def test_no_float_islands_from_layers_that_tfmot_refuses(tmp_path):
    image = keras.Input((*SIZE, 3), name="image")
    model = keras.Model(image, hard(L.Rescaling([0.1, 0.2, 0.3], [1.0, 2.0, 3.0], name="scale")(image)))
    with pytest.warns(UserWarning, match=r"not quantized: prelu \(PReLU\)"):
        network = converters.quantize_aware(model, IMAGES, engine="tensorflow")
    made = converters.to_tflite(network, tmp_path / "hard.tflite", "int8")
    assert {row.name for row in made.float_islands} <= {"DEQUANTIZE", "QUANTIZE", "PRELU", "ELU"}, made.float_islands
    assert [row.layer for row in converters.unquantized_layers(network)] == ["prelu"]


def test_folding_keeps_the_function_and_finds_out_what_does_not():
    image = keras.Input((None, None, 3), name="image")
    shared, norm = L.Conv2D(4, 3, padding="same", name="shared"), L.BatchNormalization(name="norm")
    twice = L.Add()([norm(shared(image)), norm(shared(L.MaxPooling2D(1)(image)))])
    model = keras.Model(image, L.BatchNormalization(name="dw_norm")(L.DepthwiseConv2D(3, depth_multiplier=2)(twice)))
    for layer in (norm, model.get_layer("dw_norm")):
        layer.set_weights([np.random.default_rng(1).uniform(0.5, 2, w.shape) for w in layer.get_weights()])
    folded = converters.fold(model)
    assert "dw_norm" not in [layer.name for layer in folded.layers]
    images = pictures(2).astype("float32")
    np.testing.assert_allclose(np.asarray(folded(images)), np.asarray(model(images)), rtol=1e-3, atol=1e-2)


# ------------------------------------------------------------------------------------------------ sparsity in the file


def test_half_of_the_weights_are_zero_in_the_file(model, pruned, tmp_path):
    sizes = {}
    for name, each in (("dense", model), ("pruned", pruned)):
        made = converters.to_tflite(each, tmp_path / f"{name}.tflite", "int8", SIZE, calibration=IMAGES)
        sizes[name] = len(gzip.compress(made.path.read_bytes(), mtime=0))
        zeros = {kernel: float((values == 0).mean()) for kernel, values in kernels(made.path).items()}
        assert (min(zeros.values()) >= 0.5) == (name == "pruned"), zeros
    assert sizes["pruned"] < sizes["dense"]


def test_two_in_four_input_channels(model, tmp_path):
    with pytest.warns(UserWarning, match=r"not pruned: stem \(Conv2D\): its input channels do not divide by 4"):
        network = converters.prune(model, schedule="2:4", every=1)
    made = converters.to_tflite(converters.to_keras(train(network, model), model), tmp_path / "a.tflite", input_size=SIZE)
    stored = kernels(made.path)
    for name in ("down", "excite", "score"):
        assert (np.count_nonzero(stored[name].reshape(-1, 4), axis=1) <= 2).all(), name
    assert np.count_nonzero(stored["stem"]) == stored["stem"].size


@pytest.mark.parametrize("keep", [(), "sparsity"], ids=["plain", "kept"])
def test_quantize_aware_training_keeps_zeros_if_told_to(pruned, tmp_path, keep):
    network = train(converters.quantize_aware(pruned, IMAGES, keep=keep, engine="tensorflow"), pruned, 8, 1e-2)
    made = converters.to_tflite(network, tmp_path / "a.tflite", "int8", SIZE)
    zeros = min(float((values == 0).mean()) for values in kernels(made.path).values())
    assert (zeros >= 0.5) == bool(keep)


@pytest.mark.parametrize("sparse", [False, True], ids=["clusters", "sparse clusters"])
def test_clusters_stay_through_quantize_aware_training(model, pruned, tmp_path, sparse):
    base = pruned if sparse else model
    clustered = converters.to_keras(train(converters.cluster(base, 6, sparse=sparse), base), base)
    keep = ("clusters", "sparsity") if sparse else "clusters"
    network = converters.quantize_aware(clustered, IMAGES, keep=keep, engine="tensorflow")
    network = train(network, clustered, 8, 1e-2)
    made = converters.to_tflite(network, tmp_path / "a.tflite", "int8", SIZE)
    for name, stored in kernels(made.path).items():
        most = max(len(np.unique(channel)) for channel in stored.reshape(len(stored), -1))
        assert most <= 7, (name, most)  # six, and the zeros
        assert not sparse or (stored == 0).mean() >= 0.5, name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: converters.quantize_aware(m, IMAGES, keep="everything"), "unknown thing to keep"),
        (lambda m: converters.quantize_aware(m, np.zeros((4, 8, 8, 1), "uint8")), "the model takes"),
        (lambda m: converters.quantize_aware(m, IMAGES, engine="magic"), "unknown engine"),
        (lambda m: converters.prune(m, 1.5), "between 0 and 1"),
        (lambda m: converters.prune(m, schedule="sudden"), "unknown schedule"),
        (lambda m: converters.prune(m, steps=0), "1 or more"),
        (lambda m: converters.cluster(m, 1), "2 or more"),
        (lambda m: converters.unquantized_layers(m), "expected what quantize_aware"),
    ],
    ids=["keep", "pictures", "engine", "sparsity", "schedule", "steps", "clusters", "another model"],
)
def test_bad_input(model, call, message):
    with pytest.raises(InputError, match=message):
        call(model)
