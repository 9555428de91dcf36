"""Whether a converted file says the same as the model it was made from, on real samples.

An error means nothing by itself: the logits of one network spread over 0.01, of another over 100. So each output's error is
measured in units of its *spread*, the standard deviation of the model's own answer over samples and positions after the
mean of each channel is taken away. What is constant per channel tells no picture from another, and a file that lost
everything else would still agree on it.

Where two values tie but for rounding, a network that chooses the larger may choose otherwise in its file (`zoo.outputs.
near_ties`). So a model that records positions of maxima gets those of the file at near ties, and classes whose scores tie
count as agreeing; how many there were is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

import zoo
from converters import choices, file_runs
from converters.quantization import calibration
from converters.tflite import file as tflite_file
from converters.tflite import inspection
from zoo.errors import InputError, unknown
from zoo.metrics.confusion_matrix import ConfusionMatrix
from zoo.outputs.near_ties import at_near_ties, told, two_scores

Run = Callable[[np.ndarray], Any]


@dataclass(frozen=True)
class Tolerance:
    """How far a file may be from its model.

    Args:
        relative: root mean square error over the spread, at most.
        agreement: mean over the classes that occur of the share of their positions with the same class, at least.
        miou: by how much mIoU may fall, where labels are given (1 = 100 points).
    """

    relative: float
    agreement: float
    miou: float


# Measured on two cores with XNNPACK, as relative error / agreement. FCN-8s on MobileNetV2 0.35 trained on scenes (mIoU 0.88),
# on scenes: float32 3e-7 / 1.0, float16 5e-4 / 0.9999, dynamic 0.014 / 0.998, int8 0.032 / 0.992, mIoU 0.0019 lower; on
# photographs, which it never saw: 7e-7 / 1.0, 1.4e-3 / 0.997, 0.020 / 0.987, 0.069 / 0.872. Untrained but normalised it is
# chaotic (float16 0.013, int8 0.39): an int8 file of such a network fails here, and rightly. Broken on purpose, a small
# network moves by 0.35 with a padding off by one pixel, by 1.3 with swapped channels, by 0.12 to 0.48 when the scale of a
# single output channel is off by two and by 0.56 to 1.4 when all of a layer's are: tests/converters/test_parity.py.
# int16x8 has int8's weights and hardly any other error: the tests' small network 0.007 / 0.995, unet_lite.ccp on photographs of
# CCP's test split 0.032 / 0.997. Half of what int8 is allowed leaves room for that.
TOLERANCES: dict[str, Tolerance] = {
    "float32": Tolerance(1e-4, 0.999, 0.001),
    "float16": Tolerance(2e-2, 0.98, 0.002),
    "dynamic": Tolerance(0.10, 0.93, 0.01),
    "int8": Tolerance(0.10, 0.85, 0.01),
    "int16x8": Tolerance(0.05, 0.95, 0.005),
}

_RARE = 1e-3  # classes on a smaller share of the positions are left out: a few pixels on an edge would decide
_CPU, _GPU = "cpu", "gpu"


@dataclass(frozen=True)
class Comparison:
    """One output: errors in its own units (`max_abs`, `mean_abs`), over its spread (`relative`, `max_relative`), and the
    cosine similarity of both answers after the mean of each channel is taken away."""

    name: str
    max_abs: float
    mean_abs: float
    relative: float
    max_relative: float
    cosine: float
    spread: float


@dataclass(frozen=True)
class Parity:
    """What `parity` found; `passed` is the verdict and `reason` says why.

    Args:
        outputs: the numbers, output by output; empty where the answer is class indices.
        agreement: class agreement in [0, 1], None where fewer than two classes occur.
        classes: how many classes the model's answer has on the samples.
        miou: (Keras, file) where labels were given.
        near_ties: positions of maxima and classes that the file chose otherwise where values tie but for rounding.
    """

    passed: bool
    reason: str
    recipe: str
    accelerator: str
    samples: int
    outputs: tuple[Comparison, ...]
    agreement: float | None
    classes: int
    tolerance: Tolerance
    miou: tuple[float, float] | None = field(default=None)
    near_ties: int = 0

    @property
    def verdict(self) -> str:
        return f"{'passed' if self.passed else 'FAILED'}: {self.reason}"

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        rows = [f"parity of {self.recipe} on the {self.accelerator}, {self.samples} samples: {self.verdict}"]
        for row in self.outputs:
            rows.append(
                f"  {row.name}: relative error {row.relative:.2g} (largest {row.max_relative:.2g}), "
                f"absolute {row.mean_abs:.2g} (largest {row.max_abs:.2g}), cosine {row.cosine:.6f}"
            )
        if self.agreement is not None:
            rows.append(f"  class agreement {self.agreement:.4f} over {self.classes} classes")
        if self.miou is not None:
            rows.append(f"  mIoU {self.miou[0]:.4f} → {self.miou[1]:.4f}")
        if self.near_ties:
            rows.append(f"  {told(self.near_ties)}")
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

    Args:
        model: the Keras model.
        path: its `.tflite` or `.onnx` file, run here on the CPU; or what runs it: a function from float32 1×H×W×C in
            0–255 to the raw outputs in float32, such as `edge.Runner(path, "gpu").run`.
        samples: pictures of the file's size, as for calibration: N×H×W×C in 0–255, or anything that gives such.
        accelerator: "cpu", or the name of what a given function runs on.
        labels: N×H×W class indices (N for a classifier), to compare mIoU as well.
        recipe: whose tolerance to apply; by default what the file says of itself.
        ignore: the value in `labels` that is not scored.

    Raises:
        InputError: for samples that do not fit, a file that is none, or "gpu" without a function that runs there.
    """
    run, shape, recipe = _runner(model, path, accelerator, recipe)
    images = calibration.check_samples(samples, shape[1:3], shape[3])
    expected, got, scores, otherwise = _answers(model, run, images)
    indices = [np.issubdtype(array.dtype, np.integer) for array in expected]
    outputs = tuple(
        _compare(name, one, other)
        for name, one, other, whole in zip(_names(len(expected)), expected, got, indices, strict=True)
        if not whole
    )
    reference, candidate = _classes(expected[0]), _classes(got[0], indices[0])
    scores = _scores(expected[0]) if scores is None and not indices[0] else scores
    decided = reference
    if scores is not None:
        ties = at_near_ties(scores, candidate)
        decided, otherwise = ties.chosen, otherwise + ties.otherwise
    agreement, classes = _agreement(decided, candidate)
    miou = None if labels is None else _miou(np.asarray(labels), reference, candidate, model, ignore)
    tolerance = TOLERANCES[recipe]
    passed, reason = _judge(outputs, agreement, classes, miou, tolerance, recipe)
    reason = f"{reason}, {told(otherwise)}" if otherwise else reason
    return Parity(
        passed, reason, recipe, accelerator, len(images), outputs, agreement, classes, tolerance, miou, near_ties=otherwise
    )


# ------------------------------------------------------------------------------------------------ running both


def _runner(
    model: keras.Model, path: str | Path | Run, accelerator: str, recipe: str | None
) -> tuple[Run, tuple[int, ...], str]:
    if recipe is not None and recipe not in TOLERANCES:
        raise unknown("recipe", recipe, TOLERANCES)
    if callable(path):
        owner = getattr(path, "__self__", None)  # edge.Runner.run knows its file
        card = getattr(owner, "card", None)
        shape = (1, *(card.size if card is not None else model.inputs[0].shape[1:3]), model.inputs[0].shape[3])
        return path, shape, recipe or getattr(card, "recipe", None) or "float32"
    if accelerator != _CPU:
        raise InputError(
            f"accelerator {accelerator!r} needs what runs the file there: pass edge.Runner(path, {accelerator!r}).run "
            "in place of the path"
        )
    if Path(path).suffix == ".onnx":
        session = file_runs.Onnx(path)
        return session, session.shape, recipe or "float32"
    inspection.load(path)  # says clearly that a file is missing or none
    run = file_runs.Tflite(path)
    return run, run.shape, recipe or (tflite_file.read(path) or {}).get("recipe") or run.guess


def _answers(
    model: keras.Model, run: Run, images: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray | None, int]:
    """The outputs of both, the scores behind the model's class indices if it gives such, and the positions taken over."""
    expected, got, scores, otherwise = [], [], [], 0
    graph = choices.choosing(model)
    record = _recorder(run) if choices.records(graph) else None
    for image in images:
        batch = image[None].astype(np.float32)
        if graph is None:
            expected.append([keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(model(batch, training=False))])
        else:
            outputs, count, decided_by = choices.answers(graph, batch, record(batch) if record else {})
            expected.append(outputs)
            scores += [] if decided_by is None else [decided_by]
            otherwise += count
        answer = run(batch)
        got.append([np.asarray(y) for y in (answer if isinstance(answer, (list, tuple)) else [answer])])
        for one, other in zip(expected[-1], got[-1], strict=False):
            if one.shape != other.shape:
                raise InputError(
                    f"the model answers {one.shape}, the file {other.shape}: it was not made from this model"
                )
    if len(expected[0]) != len(got[0]):
        raise InputError(f"the model has {len(expected[0])} outputs, the file {len(got[0])}")
    expected, got = ([np.concatenate(each) for each in zip(*answers, strict=True)] for answers in (expected, got))
    return expected, got, np.concatenate(scores) if scores else None, otherwise


def _recorder(run: Run) -> Callable[[np.ndarray], choices.Recorded] | None:
    """What tells the positions of maxima that a file records: of our own runners and of edge.Runner; None of others."""
    return getattr(getattr(run, "__self__", run), "positions", None)


# ------------------------------------------------------------------------------------------------ comparing


def _compare(name: str, expected: np.ndarray, got: np.ndarray) -> Comparison:
    expected, got = expected.astype(np.float64), got.astype(np.float64)
    difference = got - expected
    axes = tuple(range(expected.ndim - 1))
    # The mean of the model's own channels is taken off both, so that a file that is shifted as a whole is not forgiven.
    centred, other = (array - expected.mean(axis=axes) for array in (expected, got))
    spread = float(np.sqrt(np.mean(centred**2)))
    norm = float(np.linalg.norm(centred) * np.linalg.norm(other))
    rms, largest = float(np.sqrt(np.mean(difference**2))), float(np.abs(difference).max())
    return Comparison(
        name=name,
        max_abs=largest,
        mean_abs=float(np.abs(difference).mean()),
        relative=rms / spread if spread else float("inf") if rms else 0.0,
        max_relative=largest / spread if spread else float("inf") if rms else 0.0,
        cosine=float((centred * other).sum() / norm) if norm else 0.0,
        spread=spread,
    )


def _names(count: int) -> Sequence[str]:
    return ["answer"] if count == 1 else [f"answer {index}" for index in range(count)]


def _classes(answer: np.ndarray, indices: bool | None = None) -> np.ndarray:
    whole = np.issubdtype(answer.dtype, np.integer) if indices is None else indices
    if whole:
        return answer.astype(np.int64)
    return (answer[..., 0] > 0).astype(np.int64) if answer.shape[-1] == 1 else answer.argmax(axis=-1)


def _scores(answer: np.ndarray) -> np.ndarray:
    """The scores that `_classes` takes the largest of."""
    return two_scores(answer) if answer.shape[-1] == 1 else answer


def _agreement(reference: np.ndarray, candidate: np.ndarray) -> tuple[float | None, int]:
    """Mean over the reference's classes of the share of each that the candidate calls the same."""
    found, counts = np.unique(reference, return_counts=True)
    kept = found[counts >= max(1, _RARE * reference.size)]
    if len(kept) < 2:
        return None, len(found)
    return float(np.mean([(candidate[reference == which] == which).mean() for which in kept])), len(found)


def _miou(
    labels: np.ndarray, reference: np.ndarray, candidate: np.ndarray, model: keras.Model, ignore: int | None
) -> tuple[float, float]:
    if labels.shape != reference.shape:
        raise InputError(
            f"labels are {labels.shape}, the model's answers {reference.shape}; give one label per position"
        )
    answer = zoo.layers.model_output(model)
    classes = len(answer.labels) if answer is not None else int(max(reference.max(), candidate.max())) + 1
    scores = []
    for prediction in (reference, candidate):
        matrix = ConfusionMatrix(classes, ignore=ignore)
        matrix.update(labels.astype(np.int64), prediction)
        scores.append(float(matrix.miou))
    return scores[0], scores[1]


def _judge(
    outputs: Sequence[Comparison],
    agreement: float | None,
    classes: int,
    miou: tuple[float, float] | None,
    tolerance: Tolerance,
    recipe: str,
) -> tuple[bool, str]:
    for row in outputs:
        if not np.isfinite([row.max_abs, row.spread]).all():
            return False, f"{row.name} holds NaN or infinity"
        if row.relative > tolerance.relative:
            return False, (
                f"{row.name} is off by {row.relative:.2g} of its spread, {recipe} allows {tolerance.relative:g} "
                f"(cosine {row.cosine:.4f})"
            )
    if agreement is not None and agreement < tolerance.agreement:
        return False, f"classes agree on {agreement:.4f}, {recipe} demands {tolerance.agreement:g}"
    if miou is not None and miou[0] - miou[1] > tolerance.miou:
        return False, f"mIoU falls from {miou[0]:.4f} to {miou[1]:.4f}, {recipe} allows {tolerance.miou:g}"
    if any(not row.spread for row in outputs):
        return False, "this proves nothing: the model's answer is the same everywhere on these samples; give others"
    if agreement is None:
        return False, (
            f"this proves nothing: {'one class' if classes == 1 else 'almost one class'} is all that the model answers on "
            "these samples; give samples that show several"
        )
    worst = max((row.relative for row in outputs), default=None)
    error = "" if worst is None else f"off by {worst:.2g} of the spread at most {tolerance.relative:g}, "
    return True, f"{error}classes agree on {agreement:.4f}"
