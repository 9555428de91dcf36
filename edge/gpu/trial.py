"""Trials of parts of a `.tflite` file: the same numbers through the CPU and the GPU, and whether the same comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.choices import Choice, choices
from edge.errors import AcceleratorError
from edge.excerpt import Excerpt, Excerpts
from edge.gpu.remote import Remote, refusal, unsupported
from edge.graph import Tensor, read_graph
from zoo.outputs.comparison import numeric
from zoo.outputs.near_ties import FEW, at_near_ties
from zoo.outputs.tolerances import OF_GPU

EQUAL, WRONG_NUMBERS = "equal", "wrong numbers"
_LEAST_RANGE = 1e-2  # of the largest magnitude
Values = Mapping[int, np.ndarray]  # tensor of the whole graph → what it holds, as the file stores it


@dataclass(frozen=True)
class Outcome:
    """What became of a part on the GPU: EQUAL, WRONG_NUMBERS or an `AcceleratorError`'s reason, and a sentence on it."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}, {self.detail}" if self.detail else self.reason


class Workers:
    """Two workers, for the CPU and the GPU, that take one file after another; one that ended is replaced."""

    def __init__(self, precision: str = "float32", timeout: float = 300.0) -> None:
        self.precision, self._timeout = precision, timeout
        self._workers: dict[str, Remote] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.close()

    def run(self, accelerator: str, path: Path, feed: Sequence[np.ndarray]) -> list[np.ndarray]:
        """One inference of a file."""
        worker = self._workers.get(accelerator)
        if worker is not None and worker.alive:
            worker.open(path)
        else:
            precision = self.precision if accelerator == "gpu" else "float32"
            worker = Remote(path, accelerator, precision=precision, timeout=self._timeout)
            self._workers[accelerator] = worker
        return worker.run(feed)


class Trial:
    """A file whose parts run on the CPU and on the GPU."""

    def __init__(self, path: Path, folder: Path, workers: Workers) -> None:
        self.path, self.graph = path, read_graph(path)
        self.source = Excerpts(path, self.graph)
        self.compiled = 0
        self._folder, self._workers = folder, workers

    def outcome(self, places: Sequence[int], outputs: Sequence[int], values: Values) -> Outcome:
        """What becomes of operators on the GPU, by the numbers of these tensors.

        Args:
            places: of the operators.
            outputs: tensors that they write, the part's only outputs.
            values: of the tensors that they read, by index; others are ignored.
        """
        part = self.source.write(self._folder / "part.tflite", places, outputs)
        feed = [values[index] for index in part.feeds]
        expected, scores = self._expected(part, feed)
        self.compiled += 1
        try:
            got = self._workers.run("gpu", part.path, feed)
        except AcceleratorError as error:
            return Outcome(error.reason, _why(error))
        for tensor, one, other in zip(outputs, expected, got, strict=True):
            detail = self._difference(self.graph.tensors[tensor], one, other, scores.get(tensor))
            if detail:
                return Outcome(WRONG_NUMBERS, detail)
        return Outcome(EQUAL)

    def on_cpu(self, places: Sequence[int], values: Values) -> dict[int, np.ndarray]:
        """What operators read, computed on the CPU from the graph's inputs."""
        reads = {index for place in places for index in self.graph.operators[place].activations}
        wanted = sorted(index for index in reads if not self.graph.fixed(index) and self.graph.place(index) is not None)
        result = dict(values)
        if wanted:
            part = self.source.write(self._folder / "reads.tflite", self.source.before(wanted), wanted)
            feed = [values[index] for index in part.feeds]
            result.update(zip(wanted, self._workers.run("cpu", part.path, feed), strict=True))
        return result

    def _expected(self, part: Excerpt, feed: Sequence[np.ndarray]) -> tuple[list[np.ndarray], dict[int, _Scores]]:
        """The CPU's outputs; and of each that is a choice between scores, those."""
        written = [choice for choice in choices(self.graph) if choice.operator in part.places]
        ends = [choice for choice in written if choice.result.index in part.outputs]
        asked = [choice.scores.index for choice in ends if choice.scores.index not in part.feeds]
        path = part.path
        if asked:
            path = self.source.write(self._folder / "scores.tflite", part.places, [*part.outputs, *asked]).path
        results = self._workers.run("cpu", path, feed)
        known = {**dict(zip(part.feeds, feed, strict=True)), **dict(zip(asked, results[len(part.outputs) :], strict=True))}
        scores = {choice.result.index: _Scores(choice, known[choice.scores.index]) for choice in ends}
        return results[: len(part.outputs)], scores

    def _difference(self, tensor: Tensor, expected: np.ndarray, got: np.ndarray, scores: _Scores | None) -> str:
        """In which way two results differ beyond rounding; empty where they do not."""
        if scores is not None:
            return scores.difference(expected, got)
        if not tensor.scale and expected.dtype.kind in "iub":
            share = float(np.mean(expected != got)) if expected.size else 0.0
            return f"{share:.2%} of the whole numbers differ" if share > FEW else ""
        return difference(tensor, expected, got, OF_GPU[self._workers.precision, self.graph.rounded].bounds)


def difference(tensor: Tensor, expected: np.ndarray, got: np.ndarray, bounds: Mapping[str, float]) -> str:
    """In which way a tensor's stored values differ by more than these bounds allow; empty where they do not."""
    one, other = (tensor.real(values).astype(np.float64) for values in (expected, got))
    same = (one == other) | (np.isnan(one) & np.isnan(other))  # the same infinity, and no number on both sides
    if not np.isfinite(one[~same]).all() or not np.isfinite(other[~same]).all():
        return "values are not finite on one side alone"
    one, other = (np.where(np.isfinite(values), values, 0.0) for values in (one, other))
    off = float(np.abs(one - other).max(initial=0.0))
    # Of a tensor that hardly varies, the range is rounding.
    width = max(numeric(one, other)["range"], _LEAST_RANGE * float(np.abs(one).max(initial=0.0)))
    if off > bounds["largest"] * width:
        return f"off by {off / (width or 1.0):.2g} of the range {one.min():.3g} … {one.max():.3g}"
    return ""


@dataclass(frozen=True)
class _Scores:
    """What was chosen between, as the file stores it."""

    choice: Choice
    stored: np.ndarray

    def difference(self, expected: np.ndarray, got: np.ndarray) -> str:
        tensor, axis = self.choice.scores, self.choice.axis
        real = tensor.real(self.stored)
        last = real.shape[axis]
        stray = got[(got < 0) | (got >= last)]
        if stray.size:
            return f"index {int(stray[0])} where there are {last} ({stray.size / got.size:.2%} of the choices)"
        agreed = at_near_ties(real, got, axis, tensor.scale).chosen
        share = float(np.mean(agreed != got))
        return f"{share:.2%} of the choices differ" if share > FEW else ""


def _why(error: AcceleratorError) -> str:
    reasons: dict[str, Any] = dict.fromkeys(f"{op}: {why.rstrip('.')}" for op, why in unsupported(error.log))
    return "; ".join(reasons) or refusal(error.log) or str(error)
