"""Models of others: trained in half precision, of integer inputs, with layers of layers. Right in every conversion, or refused
by name. One tiny network stands for each, and one conversion for each road."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from converter_models import pictures

import converters
from converters.graph import distance, evaluate, trace
from converters.single_precision import in_float32
from zoo.errors import InputError

L = keras.layers
SIZE = (16, 16)
IMAGES = pictures(8, SIZE)
HALF = ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64")


def network(policy: str = "float32", dtype: str = "float32", flat: bool = False) -> keras.Model:
    """Scaled inside, normalized, with one layer of a precision of its own and a cast in the graph, answers differ."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    try:
        image = keras.Input((*SIZE, 3), dtype=dtype, name="image")
        x = L.Rescaling(1 / 127.5, -1.0)(image)
        x = L.BatchNormalization()(L.Conv2D(6, 3)(x))
        x = L.SeparableConv2D(6, 3, activation="hard_silu", dtype="mixed_bfloat16")(L.ReLU()(x))
        cast = keras.ops.cast(x, policy.removeprefix("mixed_"))
        x = L.Dense(4)(L.Flatten()(x)) if flat else L.Conv2D(4, 1, name="score")(cast)
        return keras.Model(image, L.Activation("softmax", dtype="float32")(x))
    finally:
        keras.config.set_dtype_policy("float32")


def off(model: keras.Model, answer) -> float:
    """How far an answer to the first picture is from the model's own, computed in whatever it computes in."""
    own = model(IMAGES[:1].astype(model.inputs[0].dtype), training=False)
    return distance(np.asarray(own, "float32"), np.asarray(answer, "float32"))


@pytest.mark.parametrize("policy", HALF)
def test_every_precision_becomes_float32_with_the_same_weights(policy) -> None:
    model = network(policy)
    single = in_float32(model)
    assert [layer.name for layer in single.layers] == [layer.name for layer in model.layers if "cast" not in layer.name]
    assert {str(weight.dtype) for weight in single.weights} == {layer.dtype for layer in single.weights} == {"float32"}
    assert off(model, single(IMAGES[:1])) < 0.05
    for name, convert in {"fold": converters.fold, "bridge": converters.to_tf_keras}.items():
        assert distance(np.asarray(single(IMAGES[:1])), np.asarray(convert(model)(IMAGES[:1].astype("float32")))) < 1e-4, name


def test_a_float32_model_is_left_alone() -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3)])
    assert in_float32(model) is model


def test_conversions_are_float32_under_any_global_policy() -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), L.Rescaling(0.1), L.Conv2D(2, 3)])
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        folded = converters.fold(model)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in folded.layers} == {"float32"}


@pytest.mark.parametrize("recipe", ["float32", "int8"])
@pytest.mark.parametrize(("policy", "dtype"), [("mixed_float16", "float32"), ("float32", "uint8"), ("bfloat16", "int32")])
def test_files_of_half_precision_and_of_integer_inputs(tmp_path, policy, dtype, recipe) -> None:
    model = network(policy, dtype)
    images = IMAGES if recipe == "int8" else None
    file = converters.to_tflite(model, tmp_path / "a.tflite", recipe, calibration=images)
    assert converters.parity(model, file.path, IMAGES).outputs[0].measures["relative"] < (0.1 if images is not None else 1e-4)


@pytest.mark.parametrize(("policy", "dtype"), [("mixed_float16", "float32"), ("float32", "uint8"), ("bfloat16", "int32")])
def test_onnx_of_half_precision_and_of_integer_inputs(tmp_path, policy, dtype) -> None:
    model = network(policy, dtype)
    file = converters.to_onnx(model, tmp_path / "a.onnx")
    assert converters.parity(model, file.path, IMAGES).outputs[0].measures["relative"] < 1e-4


def test_a_type_that_the_input_has_not_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="takes uint8, and io='int8' was given"):
        converters.to_tflite(network(dtype="uint8"), tmp_path / "a.tflite", "int8", calibration=IMAGES, io="int8")


@pytest.mark.parametrize(("policy", "dtype"), [("mixed_float16", "float32"), ("float32", "uint8")])
def test_classifiers_of_half_precision_and_of_bytes_slide(policy, dtype) -> None:
    model = network(policy, dtype, flat=True)
    sliding = converters.convolutionalize(model)
    assert off(model, sliding(IMAGES[:1].astype(dtype))[:, 0, 0]) < 0.05


@pytest.mark.filterwarnings("ignore:not quantized", "ignore:ranges start")
def test_rounding_aware_training_of_bytes() -> None:
    model = network("mixed_float16", "uint8")
    aware = converters.quantize_aware(model, IMAGES)
    assert off(model, aware(IMAGES[:1], training=False)) < 0.3


def test_a_nested_model_casts_what_it_is_called_with() -> None:
    inner = keras.Sequential([keras.Input((*SIZE, 3)), L.Conv2D(4, 3)], name="inner")
    image = keras.Input((*SIZE, 3), dtype="uint8")
    model = keras.Model(image, inner(image))
    for convert in (converters.fold, converters.to_tf_keras):
        assert off(model, convert(model)(IMAGES[:1])) < 1e-4


@keras.saving.register_keras_serializable("densezoo_tests")
class Pooled(L.Layer):
    """Resizing before a normalization, and a `call` that has no `training`: alone, Keras would train it."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.resize, self.norm = L.Resizing(8, 8), L.BatchNormalization()

    def build(self, shape) -> None:
        self.norm.build((None, 8, 8, shape[-1]))

    def call(self, x):
        return self.norm(self.resize(x))


def test_layers_of_layers_are_never_trained(tmp_path) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((*SIZE, 3)), L.Rescaling(1 / 255), L.Conv2D(4, 3), Pooled(), L.Conv2D(3, 1)])
    graph = trace(model)
    assert off(model, evaluate(graph, IMAGES[:1])[graph.outputs[0]]) == 0
    for file in (converters.to_onnx(model, tmp_path / "a.onnx"), converters.to_tflite(model, tmp_path / "a.tflite")):
        assert converters.parity(model, file.path, IMAGES).outputs[0].measures["relative"] < 1e-4
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx", "a.tflite"] or len(list(tmp_path.iterdir())) == 2


class Product(L.Layer):
    """A product of two tensors and a ReLU, which TensorFlow's converter loses."""

    def call(self, x):
        first, second = keras.ops.reshape(x, (16, 48)), keras.ops.reshape(x[..., ::-1], (48, 16))
        return keras.ops.reshape(keras.ops.relu(keras.ops.matmul(first, second)), (1, 16, 16, 1))


def test_a_lost_activation_is_seen_and_named(tmp_path) -> None:
    image = keras.Input((*SIZE, 3), batch_size=1)
    model = keras.Model(image, L.Conv2D(2, 1)(Product(name="product")(L.Rescaling(1 / 127.5, -1.0)(image))))
    with pytest.raises(InputError, match=r"layer 'product' \(Product\): .* off by .* of the spread"):
        converters.to_tflite(model, tmp_path / "a.tflite", engine="tensorflow")
    assert not list(tmp_path.iterdir())


class Strange(L.Layer):
    """A layer that keeps its factor to itself."""

    def __init__(self, factor: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self) -> dict:
        return {**super().get_config(), **({"factor": 1.0} if self.factor == 2 else {})}


@pytest.mark.parametrize("factor", [2.0, 3.0])
def test_layers_that_do_not_survive_their_configuration_are_named(factor) -> None:
    layers = [keras.Input((*SIZE, 3)), L.Conv2D(4, 3), Strange(factor, name="odd"), L.Flatten(), L.Dense(3)]
    model = keras.Sequential(layers)
    with pytest.raises(InputError, match=r"layer 'odd' \(Strange\)"):
        converters.fold(model)
    with pytest.raises(InputError, match=r"layer 'odd' \(Strange\)|get_config\(\) and weights do not hold"):
        converters.convolutionalize(model)


@pytest.mark.parametrize(("method", "argument"), [("quantize", "int8"), ("enable_lora", 2)])
def test_what_keras_has_made_of_a_layer_is_refused_by_name(method, argument) -> None:
    model = keras.Sequential([keras.Input((*SIZE, 3)), L.Flatten(), L.Dense(4, name="last")])
    getattr(model.layers[-1], method)(argument)
    with pytest.raises(InputError, match=r"'last' \(Dense\)"):
        converters.fold(model)


def test_an_adapted_normalization_asks_for_nothing_further(tmp_path) -> None:
    normalize = L.Normalization()
    normalize.adapt(IMAGES)
    model = keras.Sequential([keras.Input((*SIZE, 3)), normalize, L.Conv2D(3, 3, activation="gelu")])
    file = converters.to_onnx(model, tmp_path / "a.onnx")
    assert converters.parity(model, file.path, IMAGES).outputs[0].measures["relative"] < 1e-4
