"""Errors of a quantized file by layer: the signal-to-quantization-noise ratio of each.

Each layer is looked at twice. `total` compares its output in the file with its output in the model: what has been lost on the
way so far. `own` runs the model's float layer on what the file's layer was given and compares with what that made of it: what
is lost just here. Both in decibels of the signal's variance around its channels' means, for a constant says nothing: 20 dB is
an error of a tenth of the spread, 40 dB of a hundredth.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from converters import input_arrays
from converters.graph import Trace, apply, evaluate, trace
from converters.input_arrays import model_inputs
from converters.quantization import calibration
from converters.quantization.batchnorm_folding import fold
from converters.quantization.quantized_values import real, stored
from converters.tflite import inspection
from converters.tflite.layer_names import layer_of
from zoo.errors import InputError

_SILENT = 200.0  # dB, where there is no noise at all
_TOGETHER = 2  # pictures that a model's layers see at a time: calling a small one takes longer than what it computes


@dataclass(frozen=True)
class LayerError:
    """One layer of a file.

    Args:
        layer: its name in the model.
        kind: its class there.
        operator: what it has become in the file; with what is fused into it.
        total: dB, against the same layer of the model.
        own: dB, against the model's layer given what the file's layer was given.
        share: of the noise that all layers add, weighed by the signal they add it to.
        span: (least, greatest) value that the file can write there; None in float.
    """

    layer: str
    kind: str
    operator: str
    total: float
    own: float
    share: float
    span: tuple[float, float] | None


class LayerErrors(Sequence[LayerError]):
    """The layers, those that add most noise first; `in_order` as they run."""

    def __init__(self, rows: Sequence[LayerError], name: str, samples: int) -> None:
        self.in_order = tuple(rows)
        self._rows = tuple(sorted(rows, key=lambda row: row.own))
        self.name, self.samples = name, samples

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[LayerError]:
        return iter(self._rows)

    def table(self, rows: int | None = None) -> str:
        """As text, worst first."""
        width = max([len(row.layer) for row in self._rows[:rows]] + [5])
        lines = [f"{'layer':{width}}  {'own dB':>7} {'total dB':>8}  {'share':>6}  operator, span"]
        for row in self._rows[:rows]:
            span = "float" if row.span is None else f"{row.span[0]:.3g} … {row.span[1]:.3g}"
            lines.append(
                f"{row.layer:{width}}  {row.own:7.1f} {row.total:8.1f}  {row.share:6.1%}  {row.operator.lower()}, {span}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return f"{self.name}, {self.samples} samples\n{self.table()}"

    def draw(self, path: str | Path) -> Path:
        """A picture: what each layer adds as points and what has been lost so far as a line, in the order they run."""
        from matplotlib.figure import Figure

        rows = self.in_order
        figure = Figure(figsize=(max(6.0, 0.13 * len(rows) + 2), 4.8), layout="constrained")
        axes = figure.add_subplot()
        places = range(len(rows))
        axes.plot(places, [min(row.total, 60) for row in rows], color="tab:blue", label="lost so far (total)")
        axes.plot(places, [min(row.own, 60) for row in rows], "o", color="tab:red", markersize=3, label="lost here (own)")
        axes.set_xticks(places, [row.layer for row in rows], rotation=90, fontsize=5, parse_math=False)
        axes.set_ylabel("signal to quantization noise, dB (60: 60 or more)")
        axes.set_title(self.name, parse_math=False)
        axes.grid(axis="y", alpha=0.3)
        axes.legend(loc="lower left")
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
        return path


def layer_errors(model: keras.Model, path: str | Path, samples: Any) -> LayerErrors:
    """Compares every layer of a model with its counterpart in a converted file.

    Args:
        model: the Keras model.
        path: its `.tflite` file.
        samples: pictures of the file's size, N×H×W×C in 0–255, of several inputs as `to_tflite` takes a calibration; a handful
            is enough.

    Raises:
        InputError: for a file that is none or was not made of this model, or samples that do not fit.
    """
    graph = _as_converted(model, path)
    file = _File(path, {call.operation.name for call in graph.calls})
    if len(graph.inputs) != len(file.shapes):
        counts = f"{len(file.shapes)} inputs, '{model.name}' {len(graph.inputs)}"
        raise InputError(f"{path} takes {counts}: it was not made of this model")
    if len(file.shapes) == 1:
        arrays = [calibration.check_samples(samples, file.shapes[0][1:3], file.shapes[0][3]).astype(np.float32)]
    else:
        arrays = input_arrays.checked(samples, model_inputs(model, file.shapes))
    sums: dict[str, _Powers] = {}
    together = _TOGETHER if all(value.shape[0] is None for value in graph.inputs) else 1
    for start in range(0, len(arrays[0]), together):
        batches = [array[start : start + together] for array in arrays]
        _add(sums, graph, batches, file.each(batches))
    if not sums:
        raise InputError(f"no tensor of {path} bears the name of a layer of '{model.name}': it was not made of this model")
    kinds = {call.operation.name: type(call.operation).__name__ for call in graph.calls}
    weights = {name: row.own / max(row.signal, 1e-30) for name, row in sums.items()}
    whole = sum(weights.values()) or 1.0
    rows = [
        LayerError(
            name, kinds[name], file.operators[name], _decibels(row.signal, row.total), _decibels(row.signal, row.own),
            float(weights[name] / whole), file.spans[name],
        )
        for name, row in sums.items()
    ]  # fmt: skip
    return LayerErrors(rows, f"{model.name}: {Path(path).name}", len(arrays[0]))


def _as_converted(model: keras.Model, path: str | Path) -> Trace:
    """The graph that the file was made of: the model's, or with its normalisation folded, as for training with the file's
    rounding and for corrected biases. Of the last two the file says by the layers that its tensors are named after."""
    graph, operators = trace(model), inspection.operators(path)
    if any(operator.tensor.startswith("quant_") for operator in operators):
        return trace(fold(model))

    computing = [operator for operator in operators if operator.name not in ("QUANTIZE", "DEQUANTIZE")]
    names = {operator.tensor.partition("/")[0].partition(";")[0] for operator in computing}

    def named(candidate: Trace) -> int:
        return len(names & {call.operation.name for call in candidate.calls})

    if named(graph) in (0, len(names)):  # of another model; or the folded one can name no more
        return graph
    folded = trace(fold(model, biases=True))
    return folded if named(folded) > named(graph) else graph


@dataclass
class _Powers:
    """Sums over positions and pictures: of values and their squares by channel, of squared errors in all."""

    count: int
    values: np.ndarray
    squares: np.ndarray
    total: float = 0.0
    own: float = 0.0

    @property
    def signal(self) -> float:
        """Of what varies: N×1×1×C has one value a picture, so the mean to be taken off is that over all pictures."""
        return float(np.maximum(self.squares - self.values**2 / self.count, 0).sum())


def _add(
    sums: dict[str, _Powers], graph: Trace, batches: Sequence[np.ndarray], file_values: dict[str, np.ndarray]
) -> None:
    """Adds a batch of pictures: the signal, all noise up to a layer, the noise of the layer alone."""
    expected = evaluate(graph, *batches)
    # What the file has; where it does not show it, what the model's layers make of it.
    inside = dict(zip(graph.inputs, batches, strict=True))
    for call in graph.calls:
        inside.update(zip(call.outputs, apply(call, inside), strict=True))
        value, name = call.outputs[0], call.operation.name
        signal = np.asarray(expected[value], np.float64)
        if name not in file_values or file_values[name].shape != signal.shape or "float" not in value.dtype:
            continue
        axes = tuple(range(signal.ndim - 1))
        row = sums.setdefault(name, _Powers(0, np.zeros(signal.shape[-1]), np.zeros(signal.shape[-1])))
        row.count += signal[..., 0].size
        row.values += signal.sum(axis=axes)
        row.squares += (signal**2).sum(axis=axes)
        row.total += float(((file_values[name] - signal) ** 2).sum())
        row.own += float(((file_values[name] - np.asarray(inside[value], np.float64)) ** 2).sum())
        inside[value] = file_values[name]


def _decibels(signal: float, noise: float) -> float:
    return _SILENT if not noise else -_SILENT if not signal else float(10 * np.log10(signal / noise))


class _File:
    """A file whose inner tensors can be read, by the name of the layer that each is the output of."""

    def __init__(self, path: str | Path, layers: set[str]) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        operators = inspection.operators(path)
        # Without a delegate: XNNPACK fuses, and keeps no tensor that it does not have to.
        self._interpreter = Interpreter(
            os.fspath(path),
            num_threads=2,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._interpreter.allocate_tensors()
        details = {detail["name"]: detail for detail in self._interpreter.get_tensor_details()}
        self._inputs = self._interpreter.get_input_details()  # in the model's order, as our files have them
        self.shapes = [tuple(int(side) for side in detail["shape"]) for detail in self._inputs]
        self.operators: dict[str, str] = {}
        self._tensors: dict[str, dict[str, Any]] = {}
        for operator in operators:
            layer = layer_of(operator.tensor.removeprefix("quant_"), layers)
            if layer is not None and operator.tensor in details and operator.name not in ("QUANTIZE", "DEQUANTIZE"):
                self.operators[layer], self._tensors[layer] = operator.name, details[operator.tensor]
        self.spans = {layer: _span(detail) for layer, detail in self._tensors.items()}

    def each(self, batches: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """The tensors of every picture of a batch, along the first axis, though the file takes one at a time."""
        answers = [self([item[None] for item in items]) for items in zip(*batches, strict=True)]
        return {layer: np.concatenate([np.atleast_1d(each[layer]) for each in answers]) for layer in answers[0]}

    def __call__(self, batches: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        for detail, batch in zip(self._inputs, batches, strict=True):
            self._interpreter.set_tensor(detail["index"], stored(batch, detail))
        self._interpreter.invoke()
        return {
            layer: real(self._interpreter.get_tensor(detail["index"]), detail).astype(np.float64)
            for layer, detail in self._tensors.items()
        }


def _span(detail: dict[str, Any]) -> tuple[float, float] | None:
    scale, zero = detail["quantization"]
    if not scale:
        return None
    limits = np.iinfo(detail["dtype"])
    return float((limits.min - zero) * scale), float((limits.max - zero) * scale)
