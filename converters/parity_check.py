"""Parity of a converted file with the model it was made from, on real samples.

What the same means is each output's kind's to say (`zoo.outputs`), and how far off a file may be its recipe's
(`zoo.outputs.tolerances`). Outputs are compared by name.

Where two values tie but for rounding, a network that chooses the larger may choose otherwise in its file (`zoo.outputs.
near_ties`). So a model that records positions of maxima gets those of the file at near ties, and classes whose scores tie
count as agreeing; how many there were is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from converters import choices, file_runs, input_arrays
from converters.input_arrays import ModelInput, model_inputs
from converters.quantization import calibration
from converters.single_precision import in_float32
from converters.specs import input_specs, output_specs, picture_place
from converters.tflite import file as tflite_file
from converters.tflite import inspection
from zoo import outputs as kinds
from zoo.errors import InputError, unknown
from zoo.metrics.confusion_matrix import ConfusionMatrix
from zoo.outputs import Comparison, OutputSpec, Tolerance
from zoo.outputs.comparison import LOWER_IS_BETTER
from zoo.outputs.layout import arranged
from zoo.outputs.near_ties import at_near_ties, tie_count
from zoo.outputs.tolerances import OF_RECIPE

Run = Callable[[Any], Any]
_CPU = "cpu"
_SAME = 0.02  # two probabilities of one class, with what 8 bits round


@dataclass(frozen=True)
class Parity:
    """The result of `parity`; `passed` is the verdict and `reason` says why.

    Args:
        passed: whether the file says the same.
        reason: in words.
        recipe: by which the file was converted.
        accelerator: that it ran on.
        samples: how many there were.
        outputs: the comparison of each output, in the model's order.
        tolerance: that they were judged by.
        miou: (Keras, file) where labels were given.
    """

    passed: bool
    reason: str
    recipe: str
    accelerator: str
    samples: int
    outputs: tuple[Comparison, ...]
    tolerance: Tolerance
    miou: tuple[float, float] | None = None

    @property
    def verdict(self) -> str:
        """Passed or failed, and why."""
        return f"{'passed' if self.passed else 'FAILED'}: {self.reason}"

    @property
    def agreement(self) -> float | None:
        """Class agreement of the first output in [0, 1], None where fewer than two classes occur."""
        return self.outputs[0].measures.get("agreement")

    @property
    def classes(self) -> int:
        """The number of classes that the model's first output has on the samples."""
        return self.outputs[0].classes

    @property
    def near_ties(self) -> int:
        """Positions of maxima and classes that the file chose otherwise where values tie but for rounding."""
        return max(comparison.chosen_otherwise for comparison in self.outputs)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        rows = [f"parity of {self.recipe} on the {self.accelerator}, {self.samples} samples: {self.verdict}"]
        rows += [f"  {comparison}" for comparison in self.outputs]
        if self.miou is not None:
            rows.append(f"  mIoU {self.miou[0]:.4f} → {self.miou[1]:.4f}")
        return "\n".join(rows)


def parity(
    model: keras.Model,
    path: str | Path | Run,
    samples: Any,
    accelerator: str = _CPU,
    labels: Any = None,
    recipe: str | None = None,
    ignore: int | None = 255,
) -> Parity:
    """Runs a model and its converted file on the same samples and compares their answers.

    As numbers, and as what a reader makes of them: what the file says that its numbers are is held to the model's, and what the
    model says of its own to the numbers themselves.

    Args:
        model: the Keras model.
        path: its `.tflite` or `.onnx` file, run here on the CPU; or what runs it: a function from float32 1×H×W×C in
            0–255 to the raw outputs in float32 (one, several in the model's order, or by name), such as
            `edge.Runner(path, "gpu").run`, or of several outputs `edge.Runner(path, "gpu").outputs`. Of several inputs it
            gets a dict of arrays by their names.
        samples: pictures of the file's size, as for calibration: N×H×W×C in 0–255, or anything that gives such; of several
            inputs a dict by their names, or a tuple in their order.
        accelerator: "cpu", or the name of what a given function runs on.
        labels: N×H×W class indices (N for a classifier), to compare mIoU as well.
        recipe: whose tolerance to apply; by default what the file says of itself.
        ignore: the value in `labels` that is not scored.

    Raises:
        InputError: for samples that do not fit, a file that is none, or "gpu" without a function that runs there.
    """
    if isinstance(model, (keras.Sequential, keras.Function)):
        model = in_float32(model)  # which the file computes in, whatever the model was trained in
    run, shapes, recipe = _runner(model, path, accelerator, recipe)
    inputs = model_inputs(model, shapes)
    if len(inputs) == 1:
        arrays = [calibration.check_samples(samples, shapes[0][1:3], shapes[0][3])]
    else:
        arrays = input_arrays.checked(samples, inputs)
    specs, tolerance = output_specs(model), OF_RECIPE[recipe]
    sides = _answers(model, run, inputs, arrays, specs)
    cards = _cards(path, specs)
    comparisons = tuple(
        _compare(sides, place, spec, card, tolerance) for place, (spec, card) in enumerate(zip(specs, cards, strict=True))
    )
    miou = None if labels is None else _miou(np.asarray(labels), sides, specs[0], ignore)
    passed, reason = _judge(comparisons, miou, tolerance)
    return Parity(passed, reason, recipe, accelerator, len(arrays[0]), comparisons, tolerance, miou)


# ------------------------------------------------------------------------------------------------ running both


@dataclass(frozen=True)
class _Sides:
    """The answers of both sides: `scores` are those behind the model's class indices, by the output's place, and
    `otherwise` counts the positions of maxima that were taken over."""

    expected: list[np.ndarray]
    got: list[np.ndarray]
    scores: Mapping[int, np.ndarray]
    otherwise: int


def _runner(
    model: keras.Model, path: str | Path | Run, accelerator: str, recipe: str | None
) -> tuple[Run, list[tuple[int, ...]], str]:
    """What runs the file, the shapes of its inputs in the model's order, and the recipe."""
    if recipe is not None and recipe not in OF_RECIPE:
        raise unknown("recipe", recipe, OF_RECIPE)
    if callable(path):
        owner = getattr(path, "__self__", None)  # edge.Runner.run knows its file
        card = getattr(owner, "card", None)
        shapes = [tuple(tensor.shape) for tensor in model.inputs]
        for place, spec in enumerate(getattr(card, "inputs", ())):
            if spec.layout and spec.size is not None:
                shapes[place] = (1, *spec.size, shapes[place][3])
        return path, shapes, recipe or getattr(card, "recipe", None) or "float32"
    if accelerator != _CPU:
        raise InputError(
            f"accelerator {accelerator!r} needs what runs the file there: pass edge.Runner(path, {accelerator!r}).run "
            "in place of the path"
        )
    if Path(path).suffix == ".onnx":
        session = file_runs.Onnx(path)
        return session, [session.shape], recipe or "float32"
    inspection.load(path)  # says clearly that a file is missing or none
    run = file_runs.Tflite(path)
    return run, _shapes_of(model, run), recipe or (tflite_file.read(path) or {}).get("recipe") or run.guess


def _shapes_of(model: keras.Model, run: file_runs.Tflite) -> list[tuple[int, ...]]:
    """The shapes of a file's inputs in the model's order: by their names, or the only one."""
    if len(run.shapes) == 1 == len(model.inputs):
        return [run.shape]
    names = [spec.name for spec in input_specs(model)]
    if set(names) != set(run.shapes):
        raise InputError(
            f"the file takes {', '.join(run.shapes)}, the model {', '.join(names)}: it was not made from this model"
        )
    return [run.shapes[name] for name in names]


def _answers(
    model: keras.Model,
    run: Run,
    inputs: Sequence[ModelInput],
    arrays: Sequence[np.ndarray],
    specs: Sequence[OutputSpec],
) -> _Sides:
    expected, got, scores, otherwise = [], [], [], 0
    graph = choices.choosing(model)
    record = _recorder(run) if choices.records(graph) else None
    for items in zip(*arrays, strict=True):
        sample = [item[None] if len(inputs) > 1 else item[None].astype(np.float32) for item in items]
        batch = input_arrays.by_name(inputs, sample)
        if graph is None:
            answer = model(input_arrays.as_called(model, sample), training=False)
            expected.append([keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(answer)])
        else:
            outputs, count, decided_by = choices.answers(graph, sample, record(batch) if record else {})
            expected.append(outputs)
            scores.append(decided_by)
            otherwise += count
        got.append(_in_order(run(batch), specs))
        for one, other in zip(expected[-1], got[-1], strict=True):
            if one.shape != other.shape:
                raise InputError(
                    f"the model answers {one.shape}, the file {other.shape}: it was not made from this model"
                )
    together = {place: np.concatenate([each[place] for each in scores]) for place in (scores[0] if scores else {})}
    whole = ([np.concatenate(each) for each in zip(*answers, strict=True)] for answers in (expected, got))
    size = arrays[picture_place([one.spec for one in inputs])].shape[1:3]
    sides = [
        [arranged(values, spec.layout, size) for values, spec in zip(side, specs, strict=True)] for side in whole
    ]
    return _Sides(*sides, together, otherwise)


def _in_order(answer: Any, specs: Sequence[OutputSpec]) -> list[np.ndarray]:
    """The outputs of a file, in the model's order: by name where it has the model's names."""
    names = [spec.name for spec in specs]
    if isinstance(answer, Mapping):
        answer = [answer[name] for name in names] if set(names) <= set(answer) else list(answer.values())
    outputs = [np.asarray(output) for output in (answer if isinstance(answer, (list, tuple)) else [answer])]
    if len(outputs) != len(names):
        raise InputError(f"the model has {len(names)} outputs, the file {len(outputs)}")
    return outputs


def _recorder(run: Run) -> Callable[[np.ndarray], choices.Recorded] | None:
    """The function that gives the positions of maxima that a file records: of our runners and edge.Runner; None of others."""
    return getattr(getattr(run, "__self__", run), "positions", None)


# ------------------------------------------------------------------------------------------------ judging


def _cards(path: Any, specs: Sequence[OutputSpec]) -> list[OutputSpec]:
    """What the file says of each output, in the model's order; where it says nothing, what the model says."""
    card = getattr(getattr(path, "__self__", None), "card", None)  # of edge.Runner.run
    outputs = getattr(card, "outputs", ()) if callable(path) else _described(Path(path))
    if len(outputs) != len(specs):
        return list(specs)
    by_name = {spec.name: spec for spec in outputs}
    return [by_name.get(spec.name, other) for spec, other in zip(specs, outputs, strict=True)]


def _described(path: Path) -> list[OutputSpec]:
    description = tflite_file.read(path) if path.suffix == ".tflite" else None
    return [OutputSpec.from_dict(each) for each in (description or {}).get("outputs", ())]


def _compare(sides: _Sides, place: int, spec: OutputSpec, card: OutputSpec, tolerance: Tolerance) -> Comparison:
    """One output as numbers and as the answer that the file's card makes of it."""
    comparison = _compare_numbers(sides, place, spec, tolerance)
    kind, expected = kinds.kind(spec), sides.expected[place]
    wrong = kind.contradiction(expected, spec)
    if not wrong and card.layout == spec.layout and kinds.kind(card).known:
        wrong = _other_answer(sides, place, spec, card, tolerance)
    return replace(comparison, passed=False, reason=f"no answer: {wrong}") if wrong else comparison


def _other_answer(sides: _Sides, place: int, spec: OutputSpec, card: OutputSpec, tolerance: Tolerance) -> str:
    """Why the card's answers are not the model's, empty where they are; looked at only where the two are called otherwise."""
    if (spec.kind, spec.activation) == (card.kind, card.activation) or not kinds.kind(spec).known:
        return ""
    shares = []
    for ours, theirs in zip(sides.expected[place], sides.got[place], strict=True):
        size = ours.shape[:2] if spec.dense else (1, 1)
        one, other = kinds.kind(spec).decode(ours, spec, size), kinds.kind(card).decode(theirs, card, size)
        shares.append(float(np.mean(np.isclose(one, other, atol=_SAME))) if one.shape == other.shape else 0.0)
    least = tolerance.bounds.get("agreement", 1.0)
    if np.mean(shares) >= least:
        return ""
    return (
        f"the file calls it {card.kind} ({card.activation}), the model's is {spec.kind} ({spec.activation}), and the answers "
        f"agree on {np.mean(shares):.4f}; convert it again, or say what it is (output=)"
    )


def _compare_numbers(sides: _Sides, place: int, spec: OutputSpec, tolerance: Tolerance) -> Comparison:
    """One output, class indices with the file's choice where the scores behind them tie."""
    expected, got, otherwise = sides.expected[place], sides.got[place], sides.otherwise
    if place in sides.scores:
        ties = at_near_ties(sides.scores[place], got)
        expected, otherwise = ties.chosen, otherwise + ties.otherwise
    return kinds.kind(spec).compare(expected, got, spec, tolerance, otherwise)


def _miou(labels: np.ndarray, sides: _Sides, spec: OutputSpec, ignore: int | None) -> tuple[float, float]:
    positions = sides.expected[0].shape[: 3 if spec.dense else 1]
    if labels.shape != positions:
        raise InputError(f"labels are {labels.shape}, the model's answers {positions}; give one label per position")
    kind, scores = kinds.kind(spec), []
    answers = [[kind.decode(one, spec, positions[1:]) for one in side] for side in (sides.expected[0], sides.got[0])]
    decided = [np.stack([one if spec.dense else one.argmax() for one in side]).astype(np.int64) for side in answers]
    classes = spec.classes or int(max(each.max() for each in decided)) + 1
    for prediction in decided:
        matrix = ConfusionMatrix(classes, ignore=ignore)
        matrix.update(labels.astype(np.int64), prediction)
        scores.append(float(matrix.miou))
    return scores[0], scores[1]


def _judge(
    comparisons: Sequence[Comparison], miou: tuple[float, float] | None, tolerance: Tolerance
) -> tuple[bool, str]:
    ties = max(comparison.chosen_otherwise for comparison in comparisons)
    note = f", {tie_count(ties)}" if ties else ""
    loss = [] if miou is None else tolerance.broken({"miou_loss": miou[0] - miou[1]})
    wrong = [f"{comparison.output} is {comparison.reason}" for comparison in comparisons if comparison.passed is False]
    if wrong or loss:
        return False, "; ".join([*wrong, *loss]) + note
    idle = next((comparison for comparison in comparisons if comparison.passed is None), None)
    if idle is not None:
        return False, f"this proves nothing, {idle.output}: {idle.reason}; give samples that show more{note}"
    worst = {name: _worst(comparisons, name) for name in tolerance.bounds}
    said = {
        "relative": f"off by {worst['relative']:.2g} of the spread at most {tolerance.bounds['relative']:g}",
        "agreement": f"classes agree on {worst['agreement']:.4f}",
    }
    return True, ", ".join(phrase for name, phrase in said.items() if not np.isnan(worst[name])) + note


def _worst(comparisons: Sequence[Comparison], name: str) -> float:
    """The worst of a measure over the outputs that have it, else nan."""
    values = [comparison.measures[name] for comparison in comparisons if name in comparison.measures]
    return (max if name in LOWER_IS_BETTER else min)(values, default=np.nan)
