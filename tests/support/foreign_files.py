"""`.tflite` files built as other people build them, by TensorFlow's converter, ai-edge-quantizer, litert-torch and onnx2tf,
and what they mean. Those of the last two lie in tests/foreign, with the script that makes them.

    python tests/support/foreign_files.py --out docs/results/foreign_files.csv

builds them all and holds the runner, the GPU gate and the benchmark to LiteRT's own interpreter on the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
HEIGHT, WIDTH, CLASSES = 32, 48, 4  # no square, so that no axis is taken for another
SHAPE = (1, HEIGHT, WIDTH, 3)
KEPT = Path(__file__).parents[1] / "foreign"
UNIT, BYTES = (0.0, 1.0), (0.0, 255.0)

Raw = Sequence[np.ndarray]


@dataclass(frozen=True)
class Foreign:
    """One file of others.

    Attributes:
        network: of tensors, in TensorFlow; None for a file of tests/foreign.
        head: what the card calls its first output.
        answer: what a picture of the network's own size is answered with, from LiteRT's raw outputs; None where a picture gets
            no answer but a sentence.
        shapes: of the inputs; None for an open side.
        dtypes: of the inputs.
        range: of the input, for files that do not say it.
        recipe: "float32", "float16", "dynamic", "int8" or "int16x8".
        io: type of input and output of an int8 file.
        quantizer: whether ai-edge-quantizer, not TensorFlow, makes the weights 8 bits wide.
    """

    network: Callable[..., Any] | None
    head: str
    answer: Callable[[Raw], np.ndarray] | None = None
    shapes: tuple[tuple[int | None, ...], ...] = (SHAPE,)
    dtypes: tuple[str, ...] = ("float32",)
    range: tuple[float, float] | None = UNIT
    recipe: str = "float32"
    io: str = "float32"
    quantizer: bool = False


# ------------------------------------------------------------------------------------------------ networks


def kernel(*shape: int, seed: int = 0) -> np.ndarray:
    """Random weights of a variance that keeps values about as large as they were."""
    spread = np.sqrt(4 / np.prod(shape[:-1]))
    return (np.random.default_rng([seed, *shape]).normal(size=shape) * spread).astype("float32")


def features(x: Any) -> Any:
    """A first layer."""
    import tensorflow as tf

    return tf.nn.relu(tf.nn.conv2d(x - 0.5, kernel(3, 3, x.shape[-1], 8), 1, "SAME"))


def scores(x: Any, classes: int = CLASSES, stride: int = 1) -> Any:
    """A small segmenter's logits."""
    import tensorflow as tf

    logits = tf.nn.conv2d(features(x), kernel(1, 1, 8, classes, seed=1), stride, "SAME")
    return logits - tf.constant(np.linspace(0.1, 0.2, classes, dtype="float32"))


def pooled(x: Any, classes: int = 10) -> Any:
    """A small classifier's logits."""
    import tensorflow as tf

    return tf.reduce_mean(features(x), [1, 2]) @ kernel(8, classes, seed=2)


def _networks() -> dict[str, Foreign]:
    import tensorflow as tf

    best = lambda raw: raw[0][0].argmax(-1)  # noqa: E731  (one a row below)
    over = lambda limit: lambda raw: (raw[0].reshape(HEIGHT, WIDTH) > limit).astype(int)  # noqa: E731
    index = lambda raw: np.rint(raw[0]).reshape(HEIGHT, WIDTH).astype(int)  # noqa: E731
    first_axis = lambda raw: raw[0][0].argmax(0)  # noqa: E731
    rival = kernel(1, 1, 8, 2, seed=7)  # one class against another: as often above 0 as below
    one = lambda x: tf.nn.conv2d(features(x), rival[..., 1:] - rival[..., :1], 1, "SAME")  # noqa: E731
    argmax = lambda x, kind="int64": tf.argmax(scores(x), -1, output_type=kind)  # noqa: E731
    shares = lambda raw: raw[0].reshape(-1)  # noqa: E731
    first = lambda x: tf.transpose(x, [0, 3, 1, 2])  # noqa: E731
    last = lambda x: tf.transpose(x, [0, 2, 3, 1])  # noqa: E731
    planes = ((1, 3, HEIGHT, WIDTH),)

    def softmax(raw: Raw) -> np.ndarray:
        powers = np.exp(raw[0].reshape(-1) - raw[0].max())
        return powers / powers.sum()

    return {
        # what maps of scores look like
        "logits": Foreign(scores, "logits", best),
        "softmax": Foreign(lambda x: tf.nn.softmax(scores(x)), "probabilities", best),
        "multilabel": Foreign(lambda x: tf.sigmoid(scores(x)), "probabilities", best),
        "one_logit": Foreign(one, "logits", over(0)),
        "one_sigmoid": Foreign(lambda x: tf.sigmoid(one(x)), "probabilities", over(0.5)),
        "sigmoid_resized": Foreign(
            lambda x: tf.image.resize(tf.sigmoid(one(x)[:, ::2, ::2]), (HEIGHT, WIDTH)), "probabilities", over(0.5)
        ),
        "sigmoid_reshaped": Foreign(
            lambda x: tf.reshape(tf.sigmoid(one(x)), (1, HEIGHT, WIDTH)), "probabilities", over(0.5)
        ),
        "sigmoid_pooled": Foreign(lambda x: tf.nn.avg_pool2d(tf.sigmoid(one(x)), 3, 1, "SAME"), "probabilities", over(0.5)),
        "hard_sigmoid": Foreign(lambda x: tf.nn.relu6(one(x) + 3) / 6, "probabilities", over(0.5)),
        "softmax_resized": Foreign(
            lambda x: tf.image.resize(tf.nn.softmax(scores(x)[:, ::2, ::2]), (HEIGHT, WIDTH)), "probabilities", best
        ),
        "softmax_sliced": Foreign(lambda x: tf.nn.softmax(scores(x))[..., 1:2], "probabilities", over(0.5)),
        "ensemble": Foreign(
            lambda x: (tf.nn.softmax(scores(x)) + tf.nn.softmax(2 * scores(x))) / 2, "probabilities", best
        ),
        "temperature": Foreign(lambda x: scores(x) / 2.5, "logits", best),
        "gated": Foreign(lambda x: scores(x) * tf.sigmoid(one(x)), "logits", best),
        # axes in another order
        "channels_first_out": Foreign(lambda x: first(scores(x)), "logits", first_axis),
        "channels_first": Foreign(lambda x: first(scores(last(x))), "logits", first_axis, planes),
        "channels_first_softmax": Foreign(
            lambda x: tf.nn.softmax(first(scores(last(x))), axis=1), "probabilities", first_axis, planes
        ),
        "flat": Foreign(
            lambda x: tf.nn.softmax(tf.reshape(scores(x), (1, -1, CLASSES))),
            "probabilities",
            lambda raw: raw[0][0].argmax(-1).reshape(HEIGHT, WIDTH),
        ),
        "flat_channels_first": Foreign(
            lambda x: tf.reshape(first(scores(x)), (1, CLASSES, -1)),
            "logits",
            lambda raw: raw[0][0].argmax(0).reshape(HEIGHT, WIDTH),
        ),
        "no_batch": Foreign(lambda x: scores(x)[0], "logits", lambda raw: raw[0].argmax(-1)),
        # maps of indices
        "indices_int32": Foreign(lambda x: argmax(x, tf.int32), "classes", index),
        "indices_int64": Foreign(argmax, "classes", index),
        "indices_last_axis": Foreign(lambda x: argmax(x)[..., None], "classes", index),
        "indices_float": Foreign(lambda x: tf.cast(argmax(x)[..., None], tf.float32), "classes", index),
        "indices_no_batch": Foreign(lambda x: tf.squeeze(argmax(x), 0), "classes", index),
        "indices_flat": Foreign(lambda x: tf.reshape(argmax(x), (1, -1)), "classes", index),
        "indices_uint8": Foreign(lambda x: tf.cast(argmax(x, tf.int32), tf.uint8), "classes", index),
        "indices_first_axis": Foreign(lambda x: tf.argmax(first(scores(x)), 1), "classes", index),
        "threshold": Foreign(lambda x: tf.cast(tf.sigmoid(one(x)) > 0.5, tf.uint8), "classes", index),
        "threshold_float": Foreign(lambda x: tf.cast(one(x) > 0, tf.float32), "classes", index),
        "rounded": Foreign(lambda x: tf.round(tf.sigmoid(one(x))), "classes", index),
        # types of numbers
        "uint8_in": Foreign(lambda x: scores(tf.cast(x, tf.float32) / 255), "logits", best, dtypes=("uint8",), range=UNIT),
        "int32_in": Foreign(lambda x: scores(tf.cast(x, tf.float32) / 255), "logits", best, dtypes=("int32",), range=None),
        "float16": Foreign(scores, "logits", best, recipe="float16"),
        "float16_sigmoid": Foreign(lambda x: tf.sigmoid(one(x)), "probabilities", over(0.5), recipe="float16"),
        "dynamic": Foreign(lambda x: tf.nn.softmax(scores(x)), "probabilities", best, recipe="dynamic"),
        "int8": Foreign(scores, "logits", best, recipe="int8"),
        "int8_io": Foreign(scores, "logits", best, range=None, recipe="int8", io="int8"),
        "uint8_io": Foreign(lambda x: tf.nn.softmax(scores(x)), "probabilities", best, range=None, recipe="int8", io="uint8"),
        "int8_sigmoid": Foreign(lambda x: tf.sigmoid(one(x)), "probabilities", over(0.5), range=None, recipe="int8", io="int8"),
        "int16x8": Foreign(scores, "logits", best, recipe="int16x8"),
        "quantizer_dynamic": Foreign(scores, "logits", best, quantizer=True),
        "grey": Foreign(scores, "logits", best, ((1, HEIGHT, WIDTH, 1),)),
        # sizes that are open
        "any_size": Foreign(scores, "logits", best, ((1, None, None, 3),)),
        "any_size_and_batch": Foreign(scores, "logits", best, ((None, None, None, 3),)),
        "any_size_indices": Foreign(argmax, "classes", index, ((1, None, None, 3),)),
        "any_batch": Foreign(scores, "logits", best, ((None, HEIGHT, WIDTH, 3),)),
        # classifiers
        "classifier": Foreign(lambda x: tf.nn.softmax(pooled(x)), "probabilities", shares),
        "classifier_logits": Foreign(pooled, "logits", softmax),
        "classifier_1x1": Foreign(
            lambda x: tf.nn.softmax(pooled(x))[:, None, None], "probabilities", shares
        ),
        # what no map or class is, and gets a sentence
        "embedding": Foreign(lambda x: tf.math.l2_normalize(pooled(x, 16), -1), "unknown"),
        "picture_out": Foreign(lambda x: tf.tanh(scores(x, 3)), "unknown"),
        "bytes_of_probability": Foreign(lambda x: 255 * tf.sigmoid(one(x)), "unknown"),
        "keypoints": Foreign(lambda x: tf.reshape(tf.sigmoid(pooled(x, 51)), (1, 1, 17, 3)), "unknown"),
        "boxes": Foreign(
            lambda x: {
                "boxes": tf.reshape(tf.sigmoid(pooled(x, 40)), (1, 10, 4)),
                "classes": tf.cast(tf.argmax(tf.reshape(pooled(x, 40), (1, 10, 4)), -1), tf.float32),
                "count": tf.constant([10.0]) + 0 * pooled(x, 1)[0],
            },
            "unknown",
        ),
        "two_maps": Foreign(lambda x: {"main": scores(x), "other": scores(x, 3)}, "logits", best),
        # what takes no picture, or not one alone
        "picture_and_factor": Foreign(
            lambda x, factor: scores(x) * factor, "unknown", shapes=(SHAPE, ()), dtypes=("float32", "float32")
        ),
        "two_pictures": Foreign(
            lambda x, y: scores(x) - scores(y), "logits", shapes=(SHAPE, SHAPE), dtypes=("float32", "float32")
        ),
        "audio": Foreign(
            lambda x: tf.nn.softmax(tf.reshape(x, (1, 40, 40)) @ kernel(40, 5))[:, 0], "probabilities", shapes=((1, 1600),)
        ),
        "tokens": Foreign(
            lambda x: tf.nn.softmax(tf.reduce_mean(tf.gather(kernel(50, 8), x), 1) @ kernel(8, 3)),
            "probabilities",
            shapes=((1, 16),),
            dtypes=("int32",),
        ),
        "label_as_text": Foreign(
            lambda x: tf.gather(tf.constant(["cat", "dog", "bird"]), tf.argmax(pooled(x, 3), -1)), "unknown"
        ),
    }


def _kept() -> dict[str, Foreign]:
    """The files of tests/foreign: of PyTorch's networks, channels first where the converter leaves them so."""

    def first_axis(raw: Raw) -> np.ndarray:
        return raw[0][0].argmax(0)

    def best(raw: Raw) -> np.ndarray:
        return raw[0][0].argmax(-1)

    def index(raw: Raw) -> np.ndarray:
        return raw[0][0].astype(int)

    def over(raw: Raw) -> np.ndarray:
        return (raw[0].reshape(HEIGHT, WIDTH) > 0.5).astype(int)

    def shares(raw: Raw) -> np.ndarray:
        return raw[0].reshape(-1)

    return {
        "litert_torch_logits": Foreign(None, "logits", first_axis),
        "litert_torch_softmax": Foreign(None, "probabilities", first_axis),
        "litert_torch_sigmoid": Foreign(None, "probabilities", over),
        "litert_torch_argmax": Foreign(None, "classes", index),
        "litert_torch_classifier": Foreign(None, "probabilities", shares),
        "litert_torch_channels_last": Foreign(None, "logits", best),
        "onnx2tf_logits_float32": Foreign(None, "logits", best),
        "onnx2tf_logits_dynamic_range_quant": Foreign(None, "logits", best),
        "onnx2tf_logits_full_integer_quant": Foreign(None, "logits", best, range=None),
        "onnx2tf_softmax_float16": Foreign(None, "probabilities", best),
        "onnx2tf_softmax_integer_quant": Foreign(None, "probabilities", best),
        "onnx2tf_sigmoid_float32": Foreign(None, "probabilities", over),
        "onnx2tf_sigmoid_integer_quant": Foreign(None, "probabilities", over),
        "onnx2tf_argmax_float32": Foreign(None, "classes", index),
        "onnx2tf_classifier_float32": Foreign(None, "probabilities", shares),
        "onnx2tf_classifier_full_integer_quant": Foreign(None, "probabilities", shares, range=None),
    }


def networks() -> dict[str, Foreign]:
    """Every file by its name."""
    return {**_networks(), **_kept()}


# ------------------------------------------------------------------------------------------------ building


def build(foreign: Foreign, path: Path) -> Path:
    """Writes one file, from a concrete function as TensorFlow's guide has it; one that is kept is copied, by its name."""
    if foreign.network is None:
        path.write_bytes((KEPT / path.name).read_bytes())
        return path
    import tensorflow as tf

    specs = [
        tf.TensorSpec(shape, dtype, name=f"input_{place}")
        for place, (shape, dtype) in enumerate(zip(foreign.shapes, foreign.dtypes, strict=True))
    ]
    module = tf.Module()
    module.call = tf.function(foreign.network, input_signature=specs, autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.call.get_concrete_function()], module)
    if foreign.recipe != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if foreign.recipe == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if foreign.recipe in ("int8", "int16x8"):
        rng = np.random.default_rng(0)
        pictures = [[rng.random(SHAPE, np.float32)] for _ in range(4)]
        converter.representative_dataset = lambda: iter(pictures)
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(foreign.io)
    if foreign.recipe == "int16x8":
        wide = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [wide, tf.lite.OpsSet.TFLITE_BUILTINS]
    path.write_bytes(converter.convert())
    return _quantized(path) if foreign.quantizer else path


def _quantized(path: Path) -> Path:
    from ai_edge_quantizer import quantizer, recipe

    made = quantizer.Quantizer(str(path), recipe.dynamic_wi8_afp32())
    path.write_bytes(bytes(made.quantize().quantized_model))
    return path


# ------------------------------------------------------------------------------------------------ LiteRT's own answer


def stored_inputs(path: Path, picture: np.ndarray) -> list[np.ndarray]:
    """Inputs as the file stores them: the picture where one fits, in 0–1 or its bytes, else seeded numbers."""
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image

    grey = np.asarray(Image.fromarray(picture).convert("L"))[..., None]
    rng, arrays = np.random.default_rng(1), []
    for detail in Interpreter(str(path)).get_input_details():
        shape, dtype = tuple(np.abs(detail["shape_signature"])), np.dtype(detail["dtype"])
        if len(shape) != 4:
            arrays.append((rng.integers(0, 40, shape) if dtype.kind == "i" else rng.random(shape)).astype(dtype))
            continue
        values = (grey if shape[3] == 1 else picture)[None].astype(np.float32)
        values = values.transpose(0, 3, 1, 2) if shape[1] == 3 else values
        arrays.append((values / np.float32(255) if dtype.kind == "f" else values - 128 * (dtype == np.int8)).astype(dtype))
    return arrays


def own_outputs(path: Path, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What LiteRT's interpreter gives, quantized outputs as real values."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=2)
    for detail, array in zip(interpreter.get_input_details(), arrays, strict=True):
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), arrays, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    results = []
    for detail in interpreter.get_output_details():
        values, (scale, zero) = interpreter.get_tensor(detail["index"]), detail["quantization"]
        results.append((values.astype(np.float32) - zero) * np.float32(scale) if scale else values)
    return results


# ------------------------------------------------------------------------------------------------ the table


@dataclass(frozen=True)
class Row:
    """What became of one file: everything is "equal", a number, or the sentence that was said instead."""

    file: str
    inputs: str
    outputs: str
    head: str
    runner: str
    answer: str
    gpu_check: str
    benchmark: str


def measured(name: str, foreign: Foreign, path: Path, picture: np.ndarray) -> Row:
    """Runner, answer, gate and benchmark of one file, held to LiteRT's interpreter."""
    import edge
    from edge.errors import InputError
    from edge.graph import read_graph
    from edge.tflite_file import read_card

    graph, card = read_graph(path), read_card(path)
    sides = [
        " ".join(f"{'×'.join(map(str, tensor.signature)).replace('-1', 'any') or 'scalar'} {tensor.dtype}" for tensor in ends)
        for ends in (graph.inputs, graph.outputs)
    ]
    arrays = stored_inputs(path, picture)
    try:
        with edge.Runner(path, input_range=foreign.range) as runner:
            own = own_outputs(path, arrays)
            reals = {spec.name: graph.inputs[at].real(arrays[at]) for spec, at in zip(card.inputs, card.fed, strict=True)}
            results = list(runner.outputs(reals).values())
            worst = max(float(np.abs(one - other).max(initial=0)) for one, other in zip(results, own, strict=True))
            same = all(one.shape == other.shape for one, other in zip(results, own, strict=True)) and not worst
            numbers, answer = "equal" if same else f"off by {worst:.2g}", _answered(runner, foreign, own, picture)
    except InputError as error:
        numbers = answer = str(error)
    try:
        verdict = edge.gpu_check(path, input_range=foreign.range)
        gate = f"{verdict.reason}: {verdict.detail}" if verdict.reason != "whole and equal" else verdict.reason
    except InputError as error:
        gate = str(error)
    (row,) = edge.benchmark([path], threads=(1,), repeats=2, warmup=0, input_size=(HEIGHT, WIDTH))
    return Row(name, *sides, card.head, numbers, answer, gate, row.error or "timed")


def _answered(runner: Any, foreign: Foreign, own: Raw, picture: np.ndarray) -> str:
    from edge.errors import InputError

    try:
        answer = runner(picture)
    except InputError as error:
        return str(error)
    if foreign.answer is None:
        return f"answered, shape {answer.shape}, where nothing is to be answered"
    expected = foreign.answer(own)
    if answer.shape != expected.shape:
        return f"shape {answer.shape}, expected {expected.shape}"
    return "equal" if np.allclose(answer, expected, atol=1e-6) else f"agrees on {np.mean(answer == expected):.4f}"


def main() -> None:
    """Builds every file, measures it, and writes the table."""
    from dataclasses import asdict, fields

    from edge.images import structured

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    picture, rows = structured(HEIGHT, WIDTH, 1, seed=3)[0], []
    with tempfile.TemporaryDirectory() as folder:
        for name, foreign in networks().items():
            if options.names and name not in options.names:
                continue
            rows.append(measured(name, foreign, build(foreign, Path(folder) / f"{name}.tflite"), picture))
            print(*asdict(rows[-1]).values(), sep=" | ", flush=True)
    with options.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [column.name for column in fields(Row)])
        writer.writeheader()
        writer.writerows(map(asdict, rows))


if __name__ == "__main__":
    main()
