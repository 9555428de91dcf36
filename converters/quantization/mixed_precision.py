"""Mixed precision: which layers an int8 file had better keep in float."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters import graph as graphs
from converters.graph import Trace, Value, trace
from converters.quantization import calibration
from converters.quantization.batchnorm_folding import fold
from converters.quantization.bias_correction import CHANNELS, round_kernel
from converters.quantization.calibration import Calibration
from converters.tflite.layer_names import layer_of
from zoo.errors import InputError, unknown


@dataclass(frozen=True)
class Mixed:
    """A choice of layers to keep in float.

    Args:
        keep_float: for `to_tflite(..., keep_float=…)`.
        sensitivity: by layer, how far rounding its kernel alone moves the answer, in units of the answer's spread;
            largest first.
        expected: error of the answer that is left, as the root of the summed squares of those that are not kept.
    """

    keep_float: tuple[str, ...]
    sensitivity: Mapping[str, float]
    expected: float

    def __str__(self) -> str:
        counts = f"{len(self.keep_float)} of {len(self.sensitivity)} layers stay in float"
        rows = [f"{counts}, {self.expected:.3f} of the spread is left"]
        for name, error in list(self.sensitivity.items())[: len(self.keep_float) + 5]:
            rows.append(f"  {error:.4f}  {name}{'  float' if name in self.keep_float else ''}")
        return "\n".join(rows)


def auto_mixed(model: keras.Model, samples: Any, budget: float = 0.05, correct_bias: bool = True) -> Mixed:
    """Chooses the fewest layers whose kernels must stay in float for the answer to keep within `budget`.

    Every kernel is rounded by itself and the answer looked at; errors of several are taken to be independent.

    Args:
        model: functional or Sequential, with one image input.
        samples: a few pictures, N×H×W×C in 0–255.
        budget: root mean square error of the answer over its spread, that kernels may cause. Activations add their own.
        correct_bias: whether `to_tflite` will be told to correct biases, which mends most of it.

    Raises:
        InputError: for a budget that is not above 0, or pictures that do not fit.
    """
    if not budget > 0:
        raise InputError(f"budget={budget!r}; expected a share of the answer's spread above 0, such as 0.05")
    graphs.check_one_input(model, "auto_mixed")
    folded = fold(model, biases=True)
    graph = trace(folded)
    shape = graph.inputs[0].shape
    images = calibration.check_samples(samples, shape[1:3], shape[3]).astype("float32")
    values = graphs.evaluate(graph, images)
    sensitivities = {}
    for index, call in enumerate(graph.calls):
        if type(call.operation) in CHANNELS and call.operation.name not in sensitivities:
            sensitivities[call.operation.name] = _sensitivity(graph, index, values, correct_bias)
    ranked = dict(sorted(sensitivities.items(), key=lambda item: -item[1]))
    errors, count = np.array(list(ranked.values())), 0
    while count < len(errors) and np.sqrt((errors[count:] ** 2).sum()) > budget:
        count += 1
    return Mixed(tuple(ranked)[:count], ranked, float(np.sqrt((errors[count:] ** 2).sum())))


def _sensitivity(graph: Trace, index: int, values: Mapping[Value, Any], correct_bias: bool) -> float:
    first = graph.calls[index]
    layer = first.operation
    kernel, bias = layer.get_weights()
    changed = dict(values)
    try:
        layer.set_weights([round_kernel(layer, kernel), bias])
        if correct_bias and layer.get_config()["activation"] == "linear":
            exact, rounded = np.asarray(values[first.outputs[0]]), np.asarray(graphs.apply(first, changed)[0])
            shift = (rounded - exact).mean(axis=tuple(range(exact.ndim - 1)))
            layer.set_weights([round_kernel(layer, kernel), bias - shift])
        for call in graph.calls[index:]:
            if call is first or any(changed[value] is not values[value] for value in call.inputs):
                changed.update(zip(call.outputs, graphs.apply(call, changed), strict=True))
    finally:
        layer.set_weights([kernel, bias])
    worst = 0.0
    for value in graphs.scores(graph):
        exact, other = (np.asarray(v[value], np.float64) for v in (values, changed))
        spread = (exact - exact.mean(axis=tuple(range(exact.ndim - 1)))).std()
        worst = max(worst, float(np.sqrt(((other - exact) ** 2).mean()) / spread) if spread else 0.0)
    return worst


# ------------------------------------------------------------------------------------------------ in the file


def chosen(patterns: str | Iterable[str], layers: Iterable[str], what: str = "keep_float") -> set[str]:
    """The layers that globs name; `what` asks.

    Raises:
        InputError: for a pattern that names none.
    """
    layers, names = sorted(layers), set()
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        named = set(fnmatch.filter(layers, pattern))
        if not named:
            raise unknown(f"layer or pattern in {what}", pattern, layers)
        names |= named
    return names


@dataclass(frozen=True)
class Names:
    """The names by which a file's operators are traced to layers: of all layers, and of the last ones."""

    layers: set[str]
    last: set[str]

    def owners(self, graph: schema.SubGraphT) -> list[set[str]]:
        """The layers that each operator comes from, by the names of its outputs.

        The file's outputs have names of their own: they are of those of the last layers that no other operator is of.
        """
        owners = []
        for operator in graph.operators:
            parts = [part for index in operator.outputs for part in graph.tensors[index].name.decode().split(";")]
            owners.append({layer_of(part, self.layers) for part in parts} - {None})
        rest = self.last - set().union(*owners)
        ends = set(graph.outputs)
        return [each or (rest if ends & set(op.outputs) else set()) for each, op in zip(owners, graph.operators, strict=True)]


def file_graph(flatbuffer: bytes) -> schema.SubGraphT:
    """The main graph of a flatbuffer."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0)).subgraphs[0]


def quantize(flatbuffer: bytes, images: Calibration, kept: set[str], names: Names, io: str = "float32") -> bytes:
    """A float flatbuffer in int8, except the operators that come from the layers in `kept`."""
    from tensorflow import as_dtype
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    floating = outputs(file_graph(flatbuffer), kept, names) if kept else None
    calibrated = Calibrator(flatbuffer).calibrate(images.batches)
    ends = {"input_data_type": as_dtype(io), "output_data_type": as_dtype(io)}
    return mlir_quantize(calibrated, denylisted_nodes=floating, **ends)


def outputs(graph: schema.SubGraphT, kept: set[str], names: Names) -> Sequence[str]:
    """The names of what the operators of some layers give out."""
    of_them = [op for op, owners in zip(graph.operators, names.owners(graph), strict=True) if owners & kept]
    return [graph.tensors[index].name.decode() for operator in of_them for index in operator.outputs]
