"""The writer of `.tflite` files, beside Keras and TensorFlow's converter; on other backends: test_backends.py."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from writer_run import answers, codes, distance, expected, inputs_of, written

import converters
import zoo
from converters.tflite import inspection
from converters.tflite.writer import lowering
from converters.tflite.writer.flatbuffer import Writer
from converters.tflite.writer.graph import KERNELS, Graph
from converters.tflite.writer.registry import lowers
from converters.tflite.writer.versions import version
from converters.tflite.writer.weights import Weights
from zoo.errors import InputError

L, ops = keras.layers, keras.ops
ROOT = Path(__file__).parents[2]
SWEEP = 40

# ------------------------------------------------------------------------------------------------ beside TensorFlow's


@pytest.mark.parametrize(
    ("name", "operators"),
    [("unet_lite.ccp", 91), ("pocket_seg.camvid", 84), ("deeplab_v3plus_mobilenet_v2.camvid", 85), ("unet.isbi", 41)],
)
def test_shipped_networks_have_no_more_operators_than_tensorflows_files(
    name: str, operators: int, tmp_path: Path
) -> None:
    """The counts are of the files that engine="tensorflow" of TensorFlow 2.21 makes.

    XNNPACK takes those in one part, U-Net's in five.
    """
    model = zoo.build(name)
    size = None if None not in model.input_shape[1:3] else (96, 128)
    made = converters.to_tflite(model, tmp_path / "a.tflite", input_size=size)
    assert sum(made.operators.values()) <= operators
    shape = (1, *(size or model.input_shape[1:3]), model.input_shape[-1])
    image = np.random.default_rng(0).uniform(0, 255, shape).astype("float32")
    truth = keras.ops.convert_to_numpy(model(image, training=False))
    interpreter = Interpreter(str(made.path))
    ours = interpreter.get_signature_runner()(image=image)["answer"]
    assert distance(ours, truth) < 2e-5  # TensorFlow's file: up to 1.4e-5
    assert [row["op_name"] for row in interpreter._get_ops_details()].count("DELEGATE") == 1


def test_both_engines_write_the_same_network(tmp_path: Path) -> None:
    """Operators, versions and numbers, of what TensorFlow's converter gets right."""
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="image")
    x = L.Conv2D(32, 3, padding="same", use_bias=False)(L.Rescaling(1 / 127.5, -1)(image))
    x = L.ReLU(6.0)(L.BatchNormalization(moving_mean_initializer="normal", beta_initializer="normal")(x))
    x = L.DepthwiseConv2D(3, padding="same", dilation_rate=2)(x)
    x = L.Multiply()([x, L.Activation("hard_sigmoid")(L.Conv2D(32, 1)(L.GlobalAveragePooling2D(keepdims=True)(x)))])
    x = L.Conv2D(64, 1, activation="hard_silu")(L.UpSampling2D(2, interpolation="bilinear")(x))
    model = keras.Model(image, L.Softmax()(L.Conv2D(5, 1)(x)))
    picture = np.random.default_rng(0).uniform(0, 255, (1, 16, 16, 3)).astype("float32")
    for recipe, bound in (("float32", 1e-5), ("float16", 1e-5), ("dynamic", 0.05)):
        counts, versions, outputs = [], [], []
        for engine in ("direct", "tensorflow"):
            made = converters.to_tflite(model, tmp_path / f"{engine}.tflite", recipe, engine=engine)
            counts.append(dict(made.operators))
            codes = inspection.load(made.path).operatorCodes
            versions.append({max(code.builtinCode, code.deprecatedBuiltinCode): code.version for code in codes})
            outputs.append(Interpreter(str(made.path)).get_signature_runner()(image=picture)["answer"])
        assert counts[0] == counts[1] and versions[0] == versions[1], recipe
        assert distance(*outputs) < bound, recipe


# ------------------------------------------------------------------------------------------------ random graphs


def test_random_graphs_say_in_a_file_what_they_say_in_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many, in float64; `python benchmarks/writer_sweep.py` has thousands."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import writer_sweep

    right = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras thinks that nobody means a softmax over one channel
        for seed in range(SWEEP):
            truth = writer_sweep.exact(seed)
            try:
                distances = writer_sweep.worst(writer_sweep.random_model(seed), truth)
            except InputError as error:
                assert "(Conv3D)" in str(error), (seed, error)  # the one layer among them that the writer does not know
                continue
            assert max(distances.values()) < writer_sweep.TOLERANCE, (seed, distances)
            right += 1
    assert right > 0.9 * SWEEP


@pytest.mark.parametrize("pool", [L.MaxPooling2D, L.AveragePooling2D])
def test_a_pool_of_one_value_is_left_out(pool: type[keras.Layer]) -> None:
    """XNNPACK never writes what comes out of one behind two ReLUs: findings/litert_pool_of_one.sh."""
    image = keras.Input((6, 5, 3))
    for stride, operators in ((1, Counter(["RELU6", "RELU"])), (2, Counter(["RELU6", "RELU", pool_code(pool)]))):
        model = keras.Model(image, pool(1, stride)(L.ReLU()(L.ReLU(6.0)(image))))
        graph = written(model)
        assert codes(graph) == operators
        arrays = [8 * array for array in inputs_of(model, [(1, 6, 5, 3)])]
        np.testing.assert_array_equal(answers(content(graph), arrays)[0], expected(model, arrays)[0])


def pool_code(pool: type[keras.Layer]) -> str:
    return {L.MaxPooling2D: "MAX_POOL_2D", L.AveragePooling2D: "AVERAGE_POOL_2D"}[pool]


# ------------------------------------------------------------------------------------------------ forms and choices


def content(graph: Graph) -> bytes:
    return Writer(graph).bytes()


def test_transposed_convolutions_by_cost() -> None:
    """k = 2s becomes a convolution; k = 3, s = 2 loses the padding that GPUs misread, on odd maps alone.

    A ReLU stays apart from what is still a transposed convolution: GPUs refuse the two in one.
    """
    forms = {
        (4, 2, 5): {"PAD": 1, "CONV_2D": 1, "DEPTH_TO_SPACE": 1, "SLICE": 1},
        (64, 32, 2): {"PAD": 1, "CONV_2D": 1, "DEPTH_TO_SPACE": 1, "SLICE": 1},
        (3, 2, 5): {"TRANSPOSE_CONV": 1, "RELU": 1, "SLICE": 1},
        (3, 2, 4): {"TRANSPOSE_CONV": 1, "RELU": 1},
        (2, 2, 5): {"TRANSPOSE_CONV": 1, "RELU": 1},
    }
    for (kernel, stride, side), form in forms.items():
        layer = L.Conv2DTranspose(
            3, kernel, strides=stride, padding="same", bias_initializer="normal", activation="relu"
        )
        model = keras.Sequential([keras.Input((side, side, 3)), layer, L.BatchNormalization(beta_initializer="normal")])
        graph = written(model)
        assert codes(graph) - Counter(["MUL", "ADD"]) == Counter(form), (kernel, stride, side)
        assert bool(graph.notes) == ("SLICE" in form)
        arrays = inputs_of(model, [(1, side, side, 3)])
        assert distance(answers(content(graph), arrays)[0], expected(model, arrays)[0]) < 1e-6


@pytest.mark.parametrize("classes", [2, 3, 4, 7])
def test_class_maps_have_lanes_that_never_win(classes: int) -> None:
    image = keras.Input((9, 8, 3))
    x = L.UpSampling2D(2, interpolation="bilinear")(L.Conv2D(classes, 1, bias_initializer="normal")(image))
    scores = [L.Softmax()(x), x * 0.5 + ops.abs(x)]  # the first grows its convolution, the second has no single one
    model = keras.Model(image, [ops.argmax(score, axis=-1) for score in scores])
    graph = written(model)
    for operator in graph.operators:
        assert operator.code != "ARG_MAX" or operator.inputs[0].shape[-1] % 4 == 0
    assert all(tensor.dtype == "int32" for tensor in graph.outputs)
    arrays = inputs_of(model, [(1, 9, 8, 3)])
    for ours, theirs in zip(answers(content(graph), arrays), expected(model, arrays), strict=True):
        assert np.mean(ours == theirs) > 0.99 and ours.max() < classes


def test_one_class_map_grows_its_convolution() -> None:
    image = keras.Input((9, 8, 3))
    x = L.UpSampling2D(2, interpolation="bilinear")(L.Conv2D(5, 1)(image))
    graph = written(keras.Model(image, ops.argmax(L.Softmax()(x), axis=-1)))
    assert codes(graph) == Counter({"CONV_2D": 1, "RESIZE_BILINEAR": 1, "ARG_MAX": 1})


def test_normalization_and_activations_go_into_kernels() -> None:
    image = keras.Input((8, 8, 4))
    x = image
    for layer in (L.Conv2D(6, 3), L.DepthwiseConv2D(2), L.Conv2DTranspose(4, 3, strides=2), L.Dense(5)):
        x = L.ReLU()(L.BatchNormalization(moving_mean_initializer="normal")(layer(x)))
    model = keras.Model(image, x)
    kernels = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "TRANSPOSE_CONV": 1, "RELU": 1, "FULLY_CONNECTED": 1}
    graph = written(model)
    assert codes(graph) == Counter(kernels)
    activations = [layer.name for layer in model.layers if type(layer) is L.ReLU]
    assert [operator.layers[-1] for operator in graph.operators if operator.code in KERNELS] == activations


def test_what_others_read_is_not_folded_away() -> None:
    image = keras.Input((8, 8, 4))
    before = L.Conv2D(6, 3)(image)
    norm = L.BatchNormalization(moving_mean_initializer="normal", beta_initializer="normal")(before)
    model = keras.Model(image, [L.ReLU()(norm), before])
    arrays = inputs_of(model, [(1, 8, 8, 4)])
    for ours, theirs in zip(answers(content(written(model)), arrays), expected(model, arrays), strict=True):
        assert distance(ours, theirs) < 1e-6


def test_zeros_before_a_maximum_take_part_in_it() -> None:
    model = keras.Sequential([keras.Input((6, 7, 2)), L.ZeroPadding2D(1), L.MaxPooling2D(3, 2)])
    assert codes(written(model)) == Counter({"CONCATENATION": 2, "MAX_POOL_2D": 1})
    relu = keras.Sequential([keras.Input((6, 7, 2)), L.ReLU(), L.ZeroPadding2D(1), L.MaxPooling2D(3, 2)])
    assert codes(written(relu)) == Counter({"RELU": 1, "PAD": 1, "MAX_POOL_2D": 1})

def test_a_border_before_a_mean_or_of_other_numbers_stays_one() -> None:
    """GPUs take the first for the pool's own padding, which is not counted, and the second for zeros."""
    for layers in ([L.ZeroPadding2D(1), L.AveragePooling2D(3)], [_Ones(), L.Conv2D(4, 3)], [_Ones(), L.DepthwiseConv2D(3)]):
        model = keras.Sequential([keras.Input((9, 11, 4)), *layers])
        graph = written(model)
        assert codes(graph)["CONCATENATION"] == 2 and not {"PAD", "PADV2"} & set(codes(graph)), layers
        arrays = inputs_of(model, [(1, 9, 11, 4)])
        assert distance(answers(content(graph), arrays)[0], expected(model, arrays)[0]) < 1e-5
    zeros = written(keras.Sequential([keras.Input((9, 11, 4)), L.ZeroPadding2D(1), L.Conv2D(4, 3)]))
    assert codes(zeros) == Counter({"PAD": 1, "CONV_2D": 1})


class _Ones(keras.layers.Layer):
    """A border of ones."""

    def call(self, image):
        return keras.ops.pad(image, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=1.0)


# ------------------------------------------------------------------------------------------------ inputs


def test_inputs_of_every_type_and_number() -> None:
    picture = keras.Input((6, 6, 3), dtype="uint8")
    count, flags = keras.Input((4,), dtype="int32"), keras.Input((4,), dtype="bool")
    x = L.Conv2D(3, 3)(L.Rescaling(1 / 255)(picture))
    y = ops.cast(ops.where(flags, count * 2, count), "float32") + L.Dense(4)(L.Flatten()(x))
    model = keras.Model([picture, count, flags], [y, count + 1])
    arrays = inputs_of(model, [(2, 6, 6, 3), (2, 4), (2, 4)])
    graph = written(model, [array.shape for array in arrays])
    assert [tensor.dtype for tensor in graph.inputs] == ["uint8", "int32", "bool"]
    for ours, theirs in zip(answers(content(graph), arrays), expected(model, arrays), strict=True):
        assert distance(ours, theirs) < 1e-6


def test_an_open_size_is_the_runtimes_to_set(tmp_path: Path) -> None:
    """One file for several sizes: resizing, cropping and transposed convolutions work out theirs."""
    from zoo.layers import CropLike, ResizeLike

    image = keras.Input((None, None, 3), name="image")
    skip = L.Conv2D(4, 3, padding="same", activation="relu")(image)
    x = L.MaxPooling2D(2, padding="same")(skip)
    up = CropLike()([L.Conv2DTranspose(4, 3, strides=2, padding="same")(x), skip])
    x = L.Concatenate()([up, ResizeLike()([x, skip]), CropLike("centre")([L.UpSampling2D(2)(x), skip])])
    model = keras.Model(image, L.Conv2D(2, 1)(x))
    made = converters.to_tflite(model, tmp_path / "a.tflite", open_size=True)
    interpreter = Interpreter(str(made.path))
    place = interpreter.get_input_details()[0]
    assert place["shape_signature"].tolist() == [1, -1, -1, 3]
    for size in ((8, 10), (7, 13)):
        picture = np.random.default_rng(0).normal(size=(1, *size, 3)).astype("float32")
        interpreter.resize_tensor_input(place["index"], picture.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(place["index"], picture)
        interpreter.invoke()
        ours = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        assert distance(ours, keras.ops.convert_to_numpy(model(picture))) < 1e-5


def test_a_batch_of_pictures(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8, 8, 3), name="image"), L.Conv2D(4, 3), L.Conv2DTranspose(3, 4, strides=2)])
    made = converters.to_tflite(model, tmp_path / "a.tflite", batch=3)
    pictures = np.random.default_rng(0).uniform(0, 255, (3, 8, 8, 3)).astype("float32")
    ours = Interpreter(str(made.path)).get_signature_runner()(image=pictures)["answer"]
    assert distance(ours, keras.ops.convert_to_numpy(model(pictures))) < 1e-5
    assert "DEPTH_TO_SPACE" not in made.operators  # which GPUs get wrong for more pictures than one


def test_mixed_precision_is_written_in_float32() -> None:
    policy = keras.DTypePolicy("mixed_float16")
    image = keras.Input((8, 8, 3))
    x = L.Conv2D(4, 3, dtype=policy)(L.Rescaling(1 / 255, dtype=policy)(image))
    x = L.ReLU(dtype=policy)(L.BatchNormalization(dtype=policy)(x))
    model = keras.Model(image, L.Activation("softmax", dtype="float32")(L.Dense(3, dtype=policy)(x)))
    graph = written(model)
    assert {tensor.dtype for tensor in graph.tensors()} == {"float32"}
    arrays = inputs_of(model, [(1, 8, 8, 3)])
    assert distance(answers(content(graph), arrays)[0], expected(model, arrays)[0]) < 5e-3


# ------------------------------------------------------------------------------------------------ a layer of one's own


class Erf(L.Layer):
    def call(self, x):
        return ops.erf(x)


class Twice(L.Layer):
    def call(self, x):
        return 2 * ops.convert_to_numpy(x)  # which no symbol can be


def test_an_unknown_layer_is_named_with_the_other_engine(tmp_path: Path) -> None:
    inner = keras.Sequential([keras.Input((4, 4, 3)), Erf(name="odd")])
    model = keras.Sequential([keras.Input((4, 4, 3)), L.Conv2D(3, 1), inner])
    with pytest.raises(InputError, match=r"layer 'odd' \(Erf\): its operation Erf .*engine='tensorflow'"):
        converters.to_tflite(model, tmp_path / "a.tflite")
    with pytest.raises(InputError, match="unknown engine 'tflite'"):
        converters.to_tflite(model, tmp_path / "a.tflite", engine="tflite")
    assert not list(tmp_path.iterdir())


def test_a_layer_brings_its_own_lowering() -> None:
    image = keras.Input((4, 4, 3))
    odd = Twice(name="odd")
    odd.compute_output_spec = lambda x: keras.KerasTensor(x.shape, x.dtype)
    model = keras.Model(image, odd(image))
    with pytest.raises(InputError, match=r"not made of keras\.ops alone"):
        written(model)
    lowers(Twice)(lambda build, layer, x: build.multiply(x, 2.0))
    assert codes(written(model)) == Counter({"MUL": 1})


def test_masks_are_refused() -> None:
    words = keras.Input((5,), dtype="int32")
    model = keras.Model(words, L.LSTM(3)(L.Embedding(7, 4, mask_zero=True)(words)))
    with pytest.raises(InputError, match="makes a mask, which layer 'lstm"):
        written(model)


def test_writing_leaves_no_trace_in_keras() -> None:
    """Layers keep their nodes, and what is named after it is numbered as if nothing had been written."""
    keras.backend.clear_session()
    image = keras.Input((6, 4))
    attention = L.MultiHeadAttention(2, 3)
    model = keras.Model(image, attention(image, image))
    nodes = [len(layer._inbound_nodes) for layer in model._flatten_layers()]
    written(model)
    assert [len(layer._inbound_nodes) for layer in model._flatten_layers()] == nodes
    assert L.Add().name == "add" and L.Conv2D(1, 1).name == "conv2d"


# ------------------------------------------------------------------------------------------------ the file


def test_weights_are_read_block_by_block() -> None:
    source = np.random.default_rng(0).normal(size=(3, 3, 64, 96)).astype("float32")
    factor = np.arange(96)
    weights = Weights.of(source).transposed((3, 0, 1, 2)).scaled(factor, 0).astype("float16")
    whole = (source * factor.astype("float32")).transpose(3, 0, 1, 2).astype("float16")
    assert np.array_equal(weights.array(), whole) and weights.nbytes == whole.nbytes
    assert np.array_equal(np.concatenate(list(weights.blocks())), whole)


def test_a_file_of_two_gibibytes_is_refused() -> None:
    image = keras.Input((4,))
    graph = lowering.lower(keras.Model(image, L.Dense(3)(image)), [(1, 4)], ["image"], ["answer"])
    dense = graph.operators[0]
    dense.inputs[1].weights = Weights((1 << 20, 1 << 10), "float32", lambda: np.zeros(0))
    with pytest.raises(InputError, match="larger than 2 GiB"):
        Writer(graph)


def test_every_tensor_has_a_name_of_its_own_and_every_operator_a_version() -> None:
    image = keras.Input((8, 8, 4))
    layer = L.Conv2D(4, 3, padding="same", name="shared")
    model = keras.Model(image, [layer(image), layer(layer(image))])
    graph = written(model)
    graph.name_tensors()
    names = [tensor.name for tensor in graph.tensors()]
    assert len(set(names)) == len(names) and {"in0", "out0", "out1", "shared", "shared/kernel"} <= set(names)
    assert all(version(operator) >= 1 for operator in graph.operators)
