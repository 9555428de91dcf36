"""The integers of our own files, graph by graph: spans, scales, conversions, and what LiteRT makes of them."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import converters
from converters.quantization.integers import weights
from converters.quantization.integers.bias_correction import correct_biases
from converters.quantization.integers.forms import prepare
from converters.quantization.integers.graph import to_integers
from converters.quantization.integers.inference import infer
from converters.quantization.integers.measuring import measure
from converters.quantization.integers.quantization import Widths, quantize
from converters.quantization.integers.scales import scale_of
from converters.tflite.writer.builder import SAME, VALID, Builder
from converters.tflite.writer.flatbuffer import Writer
from converters.tflite.writer.graph import Graph, Tensor
from zoo.errors import InputError

SIDE = 16
PICTURES = [[np.random.default_rng(seed).integers(0, 256, (1, SIDE, SIDE, 3)).astype("float32")] for seed in range(8)]


class Net:
    """A graph that grows: `graph` ends in the answer of the last call."""

    def __init__(self) -> None:
        image = Tensor((1, SIDE, SIDE, 3), "float32", "image")
        self.graph = Graph([image], input_names=["image"], output_names=["answer"])
        self.build, self.random = Builder(self.graph), np.random.default_rng(0)
        self.layer("scale")
        factor = self.build.constant(np.full((1, 1, 1, 3), 1 / 127.5))
        self.image = self.build.emit("ADD", [self.build.emit("MUL", [image, factor], image.shape), self._one(-1)], image.shape)
        self.image.role = ""

    def layer(self, name: str) -> Builder:
        self.build.layer = name
        return self.build

    def _one(self, value: float) -> Tensor:
        return self.build.constant(np.full((1, 1, 1, 1), float(value)))

    def conv(self, x: Tensor, count: int, side: int = 3, name: str = "conv", clamp: int = 0) -> Tensor:
        build, depth = self.layer(name), side * side * x.shape[-1]
        kernel = build.constant(self.random.normal(0, depth**-0.5, (count, side, side, x.shape[-1])), role="kernel")
        bias = build.constant(self.random.normal(0, 0.3, count), role="bias")
        options = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "fusedActivationFunction": clamp}
        return build.emit("CONV_2D", [x, kernel, bias], (*x.shape[:3], count), role="", padding=SAME, **options)

    def one(self, code: str, x: Tensor, name: str, **options) -> Tensor:
        return self.layer(name).emit(code, [x], x.shape, role="", **options)

    def answers(self, x: Tensor) -> Graph:
        self.graph.outputs = [x]
        return self.graph


def mobile() -> Graph:
    """What mobile networks hold, and operators that XNNPACK does not take in int8 as they are."""
    net = Net()
    stem = net.conv(net.image, 8, name="stem", clamp=1)
    x = net.one("HARD_SWISH", net.conv(stem, 12, name="deep"), "swish")
    x = net.one("LEAKY_RELU", x, "leaky", alpha=0.1)
    sides = {"filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 2, "padding": VALID}
    x = net.layer("pool").emit("AVERAGE_POOL_2D", [x], (1, SIDE // 2, SIDE // 2, 12), role="", **sides)
    x = net.one("LOGISTIC", x, "gate")
    size = net.layer("up").constant([SIDE, SIDE], "int32")
    x = net.build.emit("RESIZE_BILINEAR", [x, size], (1, SIDE, SIDE, 12), role="", halfPixelCenters=True)
    x = net.layer("join").emit("CONCATENATION", [stem, x, net.image], (1, SIDE, SIDE, 23), role="", axis=3)
    x = net.one("LEAKY_RELU", x, "relu", alpha=0.0)
    return net.answers(net.conv(x, 4, 1, name="score"))


def run(graph: Graph, picture: np.ndarray, plain: bool = False) -> tuple[np.ndarray, list[str]]:
    """The answer in real numbers, and the operators that ran one by one, DELEGATE for those that XNNPACK took together."""
    kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if plain else OpResolverType.AUTO
    interpreter = Interpreter(model_content=Writer(graph).bytes(), experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    (image,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    low = np.iinfo(image["dtype"]).min if image["dtype"] != np.float32 else 0
    interpreter.set_tensor(image["index"], (picture + low).astype(image["dtype"]))
    interpreter.invoke()
    values = interpreter.get_tensor(answer["index"])
    scale, zero = answer["quantization"]
    names = [row["op_name"] for row in interpreter._get_ops_details()]
    return (values if values.dtype == np.float32 else (values.astype("float32") - zero) * scale), names


def error(graph: Graph, expected: np.ndarray, picture: np.ndarray = PICTURES[0][0]) -> float:
    answer = run(graph, picture)[0]
    return float(np.sqrt(((answer - expected) ** 2).mean()) / expected.std())


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return run(mobile(), PICTURES[0][0])[0]


@pytest.mark.parametrize("ends", ["float32", "int8", "uint8"])
def test_all_in_8_bits_is_one_part_for_xnnpack(expected, ends):
    graph = mobile()
    quantize(graph, PICTURES, Widths(), ends)
    assert error(graph, expected) < 0.03
    assert run(graph, PICTURES[0][0])[1].count("DELEGATE") == 1
    assert graph.inputs[0].dtype == graph.outputs[0].dtype == ends
    assert {tensor.dtype for operator in graph.operators[1:-1] for tensor in operator.outputs} == {"int8"}


def test_16_bits_are_finer(expected):
    graph = mobile()
    quantize(graph, PICTURES, Widths(16))
    assert error(graph, expected) < 0.006
    kernels = {operator.inputs[2].dtype for operator in graph.operators if operator.code == "CONV_2D"}
    assert kernels == {"int64"}, "biases beside 16-bit activations"


def test_three_widths_in_one_graph(expected):
    graph = mobile()
    quantize(graph, PICTURES, Widths(8, floating={"swish"}, wide={"score", "stem"}))
    rows = {operator.layers[0]: operator for operator in graph.operators if operator.code not in ("QUANTIZE", "DEQUANTIZE")}
    assert [rows[name].output.dtype for name in ("stem", "swish", "leaky", "score")] == ["int16", "float32", "int8", "int16"]
    assert error(graph, expected) < 0.03
    with pytest.raises(InputError, match="keep_int16: swish has no 16-bit form"):
        odd = Net()
        quantize(odd.answers(odd.one("ELU", odd.image, "swish")), PICTURES, Widths(8, wide={"swish"}))


def test_forms_for_integers_are_the_same_function(expected):
    graph = mobile()
    prepare(graph, Widths())
    codes = {operator.code for operator in graph.operators}
    assert not codes & {"HARD_SWISH", "AVERAGE_POOL_2D", "RELU"} and "DEPTHWISE_CONV_2D" in codes
    np.testing.assert_allclose(run(graph, PICTURES[0][0])[0], expected, atol=1e-5)


def test_spans_are_those_of_all_pictures():
    graph = mobile()
    spans = measure(graph, PICTURES)
    answers = [run(graph, picture)[0] for (picture,) in PICTURES]
    low, high = spans[graph.outputs[0]]
    np.testing.assert_allclose((low, high), (np.min(answers), np.max(answers)), rtol=1e-4)
    assert spans[graph.inputs[0]] == (0.0, 255.0) and len(spans) == sum(len(op.outputs) for op in graph.operators) + 1


def test_biases_make_up_for_rounded_kernels():
    """Weights of one sign see bright pictures: their rounding errors do not cancel."""

    def bright() -> Graph:
        net = Net()
        x = net.conv(net.graph.inputs[0], 12, name="bright")
        return net.answers(x)

    graphs, pictures = [bright() for _ in range(3)], [[230 + picture / 12] for (picture,) in PICTURES]
    correct_biases(graphs[1], pictures, Widths())
    for graph in graphs[:2]:
        to_integers(graph, {**measure(graph, pictures), graph.inputs[0]: (0.0, 255.0)}, Widths())
    exact, *shifts = (run(graph, pictures[0][0])[0].mean((0, 1, 2)) for graph in (graphs[2], *graphs[:2]))
    before, after = (np.abs(shift - exact).mean() for shift in shifts)
    assert after < 0.5 * before, (before, after)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_bias_counts_where_weights_are_next_to_nothing(bits):
    """Its steps are the product's: were a channel of zeros given tiny ones, its bias would end at 2³¹ of them."""
    net = Net()
    x = net.conv(net.image, 4, 1, name="score")
    kernel, bias = net.graph.operators[-1].inputs[1:]
    values = kernel.array()
    values[1], values[2] = 0.0, 1e-9
    net.graph.operators[-1].inputs[1:] = [net.build.constant(values), net.build.constant(bias.array() + [0, 5, 5, 1000])]
    graph = net.answers(x)
    exact = run(graph, PICTURES[0][0])[0]
    quantize(graph, PICTURES, Widths(bits), correct_bias=False)
    assert np.abs(run(graph, PICTURES[0][0])[0] - exact).max() < (4.0 if bits == 8 else 0.05)


def test_a_built_in_scale_spreads_or_is_converted():
    """A sigmoid's scale is the kernel's own. What only it reaches takes it on; beside larger numbers it is converted, once."""
    net = Net()
    gate = net.one("LOGISTIC", net.conv(net.image, 4), "gate")
    size = net.layer("up").constant([2 * SIDE, 2 * SIDE], "int32")
    up = net.build.emit("RESIZE_BILINEAR", [gate, size], (1, 2 * SIDE, 2 * SIDE, 4), role="", halfPixelCenters=True)
    graph = net.answers(up)
    quantize(graph, PICTURES, Widths())
    codes = [operator.code for operator in graph.operators]
    assert codes.count("QUANTIZE") == 1 and float(up.quantization.scales[0]) == 1 / 256
    net = Net()
    wide = net.conv(net.image, 4)
    gate = net.one("LOGISTIC", wide, "gate")
    both = [net.layer(name).emit("CONCATENATION", [wide, gate], (1, SIDE, SIDE, 8), role="", axis=3) for name in ("one", "two")]
    graph = net.answers(net.layer("sum").emit("ADD", both, both[0].shape, role=""))
    quantize(graph, PICTURES, Widths())
    assert [operator.code for operator in graph.operators].count("QUANTIZE") == 2, "the image, and the gate once"


def test_what_is_answered_side_by_side_keeps_its_own_scales():
    """Joined when it is float again, behind the last integers; of an answer in integers there is one scale."""
    for ends, dequantized in (("float32", 2), ("int8", 0)):
        net = Net()
        wide = net.conv(net.image, 4)
        gate = net.one("LOGISTIC", wide, "gate")
        both = net.layer("both").emit("CONCATENATION", [wide, gate], (1, SIDE, SIDE, 8), role="", axis=3)
        graph = net.answers(both)
        quantize(graph, PICTURES, Widths(), ends)
        codes = [operator.code for operator in graph.operators]
        assert codes[-1] == "CONCATENATION" and codes.count("DEQUANTIZE") == dequantized, codes
        assert graph.outputs[0].dtype == ends and float(gate.quantization.scales[0]) == 1 / 256


def test_what_nobody_measured_is_an_error():
    graph = mobile()
    prepare(graph, Widths())
    with pytest.raises(InputError, match="nobody has measured what layer 'scale' spans"):
        to_integers(graph, {graph.inputs[0]: (0.0, 255.0)}, Widths())


def test_zero_is_a_number_of_every_scale():
    for span in ((-1.0, 3.0), (2.0, 3.0), (-3.0, -2.0), (0.0, 0.0)):
        for bits in (8, 16):
            scale = scale_of(span, bits)
            assert scale.integers(np.zeros(1))[0] == scale.zero
            slack = scale.scale / 2 + 1e-9
            assert scale.span[0] <= min(span[0], 0) + slack and scale.span[1] >= max(span[1], 0) - slack


@pytest.mark.parametrize(("bits", "least", "most"), [(8, 1e-4, 0.01), (4, 0.01, 0.15)])
def test_weights_alone(expected, bits, least, most, monkeypatch):
    """Kernels of 8 or 4 bits: LiteRT turns them back, with and without XNNPACK, and all else stays as it is."""
    monkeypatch.setattr(weights, "_FEW", 1)
    graph = mobile()
    weights.store_weights(graph, bits)
    stored = [operator.inputs[0] for operator in graph.operators if operator.code == "DEQUANTIZE"]
    assert [tensor.dtype for tensor in stored] == [f"int{bits}"] * 3
    assert all(tensor.weights.nbytes == -(-np.prod(tensor.shape) * bits // 8) for tensor in stored)
    assert least < error(graph, expected) < most
    np.testing.assert_allclose(run(graph, PICTURES[0][0])[0], run(graph, PICTURES[0][0], plain=True)[0], atol=1e-4)


def test_spans_that_follow_from_others():
    """What moves numbers spans what it is given, and is given what comes out of it; arithmetic spans its corners."""
    net = Net()
    x = net.conv(net.image, 4)
    small = net.one("RELU6", net.one("MUL", x, "product"), "six")
    net.graph.operators[-2].inputs.append(net.build.constant(np.full((1, 1, 1, 1), -2.0)))
    graph = net.answers(net.layer("join").emit("CONCATENATION", [small, x], (1, SIDE, SIDE, 8), role="", axis=3))
    spans = infer(graph, {x: (-1.0, 5.0)})
    assert spans[small] == (0.0, 2.0) and spans[graph.outputs[0]] == (-1.0, 5.0)
    assert infer(graph, {graph.outputs[0]: (-3.0, 3.0)})[x] == (-3.0, 3.0)


def test_what_eight_bits_cannot_hold_is_said(tmp_path) -> None:
    """A softmax over places hardly reaches one step of its integers; and some operators of a GRU read constants alone."""
    image = keras.Input((12, 12, 3), name="image")
    scaled = keras.layers.Rescaling(1 / 128, offset=-1)(image)
    pictures = np.random.default_rng(0).integers(0, 256, (8, 12, 12, 3), dtype=np.uint8)
    places = keras.Model(image, keras.layers.Softmax(axis=(1, 2))(scaled))
    with pytest.warns(UserWarning, match="is off by .* of the answer's spread on calibration pictures"):
        converters.to_tflite(places, tmp_path / "places.tflite", recipe="int8", calibration=pictures)
    rows = keras.Model(image, keras.layers.GRU(4)(keras.layers.Reshape((12, 36))(scaled)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        converters.to_tflite(rows, tmp_path / "rows.tflite", recipe="int8", calibration=pictures)
