"""The CPU's answer with the GPU's choices at near ties: what the gate holds the GPU's numbers to."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.choices import Choice, answers, inner_choices, taking, telling
from edge.errors import AcceleratorError
from edge.gpu.patterns import UNCHECKED, Caution
from edge.gpu.remote import Remote
from edge.graph import Graph, Tensor
from zoo.outputs.near_ties import Choices, at_near_ties

Sample = list[np.ndarray]  # tensors as the file stores them


@dataclass(frozen=True)
class Reference:
    """The CPU's outputs, sample by sample, and how many choices of the GPU they took over.

    `caution` says where the GPU does not tell what it chose, so that its numbers had to stand for themselves.
    """

    outputs: list[Sample]
    otherwise: int
    caution: Caution | None = None


def reference(
    path: Path,
    graph: Graph,
    feeds: Sequence[Sample],
    expected: list[Sample],
    got: list[Sample],
    precision: str,
    timeout: float,
) -> Reference:
    """Runs the file on the CPU again with the GPU's positions of maxima, and class indices, wherever the CPU's scores tie.

    Args:
        feeds: inputs of the samples.
        expected: the CPU's own outputs, returned where the graph does not choose or the GPU cannot tell what it chose.
        got: the GPU's outputs.
        precision: of the GPU's computation.
        timeout: seconds for each worker's answer.
    """
    inner, ends = inner_choices(graph), answers(graph)
    if not inner and not ends:
        return Reference(expected, 0)
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder:
        try:
            chosen = _chosen(path, Path(folder), inner, feeds, precision, timeout) if inner else [[] for _ in feeds]
        except AcceleratorError as error:  # a result that the GPU does not give out
            return Reference(expected, 0, _untold(inner, error))
        scores = [choice.scores.index for choice in (*inner, *ends)]
        file = taking(path, Path(folder) / "taking.tflite", inner, scores)
        with Remote(file, "cpu", timeout=timeout) as cpu:
            samples = [_Sample(graph, inner, ends, cpu, feed) for feed in feeds]
            results = [sample.with_choices(own, gpu) for sample, own, gpu in zip(samples, chosen, got, strict=True)]
    return Reference([outputs for outputs, _ in results], sum(count for _, count in results))


def _untold(inner: Sequence[Choice], error: AcceleratorError) -> Caution:
    what = (
        f"the GPU does not give out the positions that it chose ({error.reason}), so that a choice between equal values counts "
        "as an error"
    )
    advice = "where numbers differ, compare the part before the choice: zoo gpu-check --bisect"
    return Caution(UNCHECKED, what, advice, tuple(choice.result.label for choice in inner))


def _chosen(
    path: Path, folder: Path, inner: Sequence[Choice], feeds: Sequence[Sample], precision: str, timeout: float
) -> list[Sample]:
    """The GPU's choices on each sample."""
    file = telling(path, folder / "telling.tflite", [choice.result.index for choice in inner])
    with Remote(file, "gpu", precision=precision, timeout=timeout) as gpu:
        return [gpu.run(feed)[-len(inner) :] for feed in feeds]


@dataclass(frozen=True)
class _Sample:
    graph: Graph
    inner: Sequence[Choice]
    ends: Sequence[Choice]
    cpu: Remote
    feed: Sample

    def with_choices(self, chosen: Sample, got: Sample) -> tuple[Sample, int]:
        """The outputs with the other side's choices taken over at near ties, and how many those are."""
        now = chosen
        for _ in range(len(self.inner) + 1):  # a choice may hang on those before it: once more for each that may
            values = self.cpu.run([*self.feed, *now])
            outputs, scores = values[: len(self.graph.outputs)], values[len(self.graph.outputs) :]
            agreed = [_agreed(*each) for each in zip(self.inner, scores, chosen, strict=False)]
            before, now = now, [one.chosen for one in agreed]
            if all(np.array_equal(one, other) for one, other in zip(before, now, strict=True)):
                break
        places = {tensor.index: place for place, tensor in enumerate(self.graph.outputs)}
        for choice, values in zip(self.ends, scores[len(self.inner) :], strict=True):
            place = places[choice.result.index]
            agreed.append(_agreed(choice, values, got[place]))
            outputs[place] = agreed[-1].chosen
        return outputs, sum(one.otherwise for one in agreed)


def _agreed(choice: Choice, scores: np.ndarray, other: np.ndarray) -> Choices:
    tensor: Tensor = choice.scores
    return at_near_ties(tensor.real(scores), other, choice.axis, tensor.scale)
