"""Bisection: the first operator of a `.tflite` file that the GPU refuses, computes otherwise than the CPU, or crashes on.

The part of the graph that leads up to one operator runs as a file of its own, with that operator's results for its only
outputs: further ones would keep the accelerator from joining operators, and hide what it gets wrong when it does. Of the
operators that a wrong output depends on, halving finds one that is wrong where the one before it is right; then those that it
reads are looked at, until all of them are right. So about as many files are compiled as halving takes steps.

What comes of it is an operator, and the smallest graph around it that shows the fault by itself, on the CPU's own numbers.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.errors import InputError
from edge.gpu import vulkan
from edge.gpu.layers import layer_of, shape_of
from edge.gpu.patterns import DYNAMIC, advice, suspects
from edge.gpu.provocations import Provocation, provoke
from edge.gpu.rules.registry import CRASH, REFUSED, WRONG
from edge.gpu.samples import feeds_of
from edge.gpu.trial import EQUAL, WRONG_NUMBERS, Outcome, Trial, Workers
from edge.graph import read_graph
from edge.images import Picture
from edge.overrides import Overrides
from edge.tflite_file import read_card
from zoo.outputs.spec import Bound

_WIDEST = 4  # operators upwards that the small graph may take in
_MOST_SUSPECTS = 3  # which are looked at one by one, before halving


@dataclass(frozen=True)
class Culprit:
    """The operator, and what is known of it.

    Attributes:
        place: among the graph's operators, from 0.
        operator: its name, as "CONV_2D".
        layer: the layer that it comes from, by the name of its result.
        inputs: the shapes of the tensors that it reads, constants too.
        outputs: the shapes of its results.
        outcome: what became of it: "not whole", "wrong numbers", "crashed", "timed out" or "failed", and the words for it.
        advice: what to write instead.
        around: the operators of the small graph that shows the fault by itself; empty where none of a few operators does.
        path: of that graph's file; None where there is none, or none was asked for.
    """

    place: int
    operator: str
    layer: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    outcome: Outcome
    advice: str
    around: tuple[str, ...] = ()
    path: Path | None = None

    def __str__(self) -> str:
        shapes = f"{', '.join(self.inputs)} → {', '.join(self.outputs)}"
        return f"operator {self.place}, {self.operator} of layer {self.layer} ({shapes}): {self.outcome}"


@dataclass(frozen=True)
class Bisection:
    """What a search found: the culprit, None where the file is whole and its numbers are the CPU's.

    `compiled` is how many files were compiled for the GPU, and `detail` what there is to say without a culprit.
    """

    path: Path
    culprit: Culprit | None
    compiled: int
    detail: str = ""

    def report(self) -> str:
        """The finding in plain text, several lines."""
        if self.culprit is None:
            return f"{self.path.name}: {self.detail}"
        lines = [f"{self.path.name}: {self.culprit}", f"  Instead: {self.culprit.advice}."]
        if self.culprit.around:
            where = f", in {self.culprit.path}" if self.culprit.path else ""
            lines.append(f"  Alone it shows in {' → '.join(self.culprit.around)}{where}.")
        else:
            lines.append("  A few operators around it do not show it by themselves.")
        lines.append(f"  {self.compiled} parts of the file were compiled.")
        return "\n".join(lines)


def gpu_bisect(
    path: str | Path,
    samples: Sequence[Picture] | None = None,
    *,
    target: str | Path | None = None,
    precision: str = "float32",
    input_range: tuple[Bound, Bound] | None = None,
    output: str | None = None,
    labels: Sequence[str] | None = None,
    timeout: float = 300.0,
    workers: Workers | None = None,
) -> Bisection:
    """The first operator of the file at `path` that the GPU refuses or computes otherwise than the CPU.

    `samples`, `input_range`, `output`, `labels` and `timeout` are as in `gpu_check`. The small graph that shows the fault
    alone is written to `target`, where one is given. `workers` are those of other searches, to go on with. Raises InputError
    as `gpu_check` does, and where no driver is found.
    """
    path = Path(path)
    graph = read_graph(path)
    card = Overrides(input_range, None, output, labels).over(read_card(path, graph), graph)
    if any(tensor.open for tensor in graph.inputs):
        raise InputError(f"{path.name} takes any size, a GPU one; {DYNAMIC}")
    if vulkan.driver() is None:
        raise InputError(f"no Vulkan driver was found; {vulkan.HOW_TO}")
    feeds, _ = feeds_of(graph, card, samples)
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder, contextlib.ExitStack() as stack:
        workers = workers or stack.enter_context(Workers(precision, timeout))
        search = _Search(Trial(path, Path(folder), workers), feeds, None if target is None else Path(target))
        return search.run() or search.provoked(provoke(path, timeout))


class _Search:
    """One search: what is known of each operator so far, on the sample that shows a fault."""

    def __init__(self, trial: Trial, feeds: Sequence[Sequence[np.ndarray]], target: Path | None) -> None:
        self._target = target
        self.trial, self.graph, self.source = trial, trial.graph, trial.source
        self._samples = [
            {tensor.index: array for tensor, array in zip(self.graph.inputs, feed, strict=True)} for feed in feeds
        ]
        self._outcomes: dict[int, Outcome] = {}

    def run(self) -> Bisection | None:
        """What the samples show; None where they show nothing."""
        end = self._wrong_end()
        if end is None:
            return None
        place = self._first_wrong(self._suspected(end))
        return Bisection(self.trial.path, self._culprit(place, self._outcomes[place], self._around(place)), self.trial.compiled)

    def provoked(self, wrong: Sequence[Provocation]) -> Bisection:
        """What values show that the samples need not have."""
        if not wrong:
            return Bisection(self.trial.path, None, self.trial.compiled, "every operator is whole, and says what the CPU says.")
        first = wrong[0]
        return Bisection(self.trial.path, self._culprit(first.places[-1], first.outcome, first.places), self.trial.compiled)

    def _wrong_end(self) -> int | None:
        """The operator of an output that is wrong; only the first sample that shows it is looked at from there on."""
        ends = dict.fromkeys(self.graph.place(tensor.index) for tensor in self.graph.outputs)
        for sample in list(self._samples):
            self._samples, self._outcomes = [sample], {}
            for place in ends:
                if place is not None and not self._right(place):
                    return place
        return None

    def _suspected(self, end: int) -> int:
        """The first operator that a rule suspects of such an outcome, where one is wrong; else the wrong `end` itself."""
        before = set(self.source.before(self.graph.operators[end].outputs)) & set(self.source.computing())
        kinds = (WRONG,) if self._outcomes[end].reason == WRONG_NUMBERS else (CRASH, REFUSED)
        places = dict.fromkeys(each.place for each in suspects(self.graph, *kinds) if each.place in before)
        return next((place for place in list(places)[:_MOST_SUSPECTS] if not self._right(place)), end)

    def _first_wrong(self, place: int) -> int:
        """An operator that is wrong though all that it reads is right, among those that one depends on, itself included."""
        while True:
            wrong = next((each for each in self.source.producers(place) if not self._right(each)), None)
            if wrong is None:
                return place
            place = self._halved(wrong)

    def _halved(self, place: int) -> int:
        """One that is wrong where the one before it in the file's order is right; `place` itself is wrong."""
        computing = set(self.source.computing())
        chain = [each for each in self.source.before(self.graph.operators[place].outputs) if each in computing]
        right, wrong = -1, len(chain) - 1
        while wrong - right > 1:
            middle = (right + wrong) // 2
            right, wrong = (middle, wrong) if self._right(chain[middle]) else (right, middle)
        return chain[wrong]

    def _right(self, place: int) -> bool:
        if place not in self._outcomes:
            outputs = self.graph.operators[place].outputs
            self._outcomes[place] = self.trial.outcome(self.source.before(outputs), outputs, self._samples[0])
        return self._outcomes[place].reason == EQUAL

    def _culprit(self, place: int, outcome: Outcome, around: Sequence[int]) -> Culprit:
        operator = self.graph.operators[place]
        path = None
        if around and self._target is not None:
            path = self.source.write(self._target, around, operator.outputs).path
        return Culprit(
            place,
            operator.name,
            layer_of(self.graph, operator),
            tuple(shape_of(self.graph, index) for index in operator.activations),
            tuple(shape_of(self.graph, index) for index in operator.outputs),
            outcome,
            advice(self.graph, operator, CRASH, WRONG, REFUSED),
            tuple(self.graph.operators[each].name for each in around),
            path,
        )

    def _around(self, place: int) -> list[int]:
        """The fewest operators that show the fault by themselves: it, what it reads, what that reads; empty where none do."""
        operator, places = self.graph.operators[place], {place}
        for _ in range(_WIDEST):
            feeds = self.trial.on_cpu(sorted(places), self._samples[0])
            if self.trial.outcome(sorted(places), operator.outputs, feeds).reason != EQUAL:
                return sorted(places)
            wider = places | {each for inner in places for each in self.source.producers(inner)}
            if wider == places:
                break
            places = wider
        return []

