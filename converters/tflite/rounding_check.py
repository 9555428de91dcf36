"""Rounding in an integer file: where it is more than the recipe's tolerance the file is written, and a warning says where."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from converters import file_runs
from converters.graph import distance, evaluate, trace
from converters.quantization.layer_errors import layer_errors
from converters.tflite.request import Request
from converters.worker import Died, Failed, worker
from zoo.errors import InputError
from zoo.outputs.tolerances import OF_RECIPE

QUANTA = 2  # an answer that hardly spreads is allowed so many steps of what it spans
_LEVELS = 255


def by_keras(model: keras.Model, samples: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
    """What each output of a model is for each sample, which is one array an input."""
    graph = trace(model)
    tensors = [evaluate(graph, *sample) for sample in samples]
    return [[keras.ops.convert_to_numpy(each[output]) for each in tensors] for output in graph.outputs]


def warn_of_rounding(
    model: keras.Model,
    path: Path,
    request: Request,
    samples: Sequence[Sequence[np.ndarray]],
    expected: Sequence[Sequence[np.ndarray]],
    apart: bool,
) -> None:
    """Compares a file with its model on calibration pictures, and warns where they are further apart than they may be.

    Args:
        model: that was converted.
        path: of the file.
        request: by which it was written.
        samples: one array an input, each as the file takes it.
        expected: for each output of the model what it is for each sample.
        apart: whether the file is run where it can take no caller along, as those of TensorFlow's converter are.

    Raises:
        InputError: where the file cannot be run.
    """
    recipe, names = request.recipe, request.inputs
    feeds = [sample[0] if len(names) == 1 else dict(zip(names, sample, strict=True)) for sample in samples]
    allowed = OF_RECIPE[recipe].bounds["relative"]
    try:
        run = partial(worker.call, file_runs.answers) if apart else file_runs.answers
        results = [list(result.values()) for result in run(str(path), feeds)]
    except (Died, Failed) as error:
        raise InputError(f"the {recipe} file of '{model.name}' cannot be run: {str(error).partition(chr(10))[0]}") from error
    errors = [
        distance(exact, result[place], least_spread(exact) / allowed)
        for place, maps in enumerate(expected)
        for exact, result in zip(maps, results, strict=True)
        if exact.dtype.kind == "f" and exact.shape == result[place].shape
    ]
    if max(errors, default=0.0) > allowed:
        warnings.warn(
            f"the {recipe} file of '{model.name}' is off by {max(errors):.2g} of the answer's spread on calibration pictures"
            f"{_where(model, path, _together(names, samples))}; converters.layer_errors tells more",
            stacklevel=4,
        )


def _together(names: Sequence[str], samples: Sequence[Sequence[np.ndarray]]) -> Any:
    arrays = [np.concatenate(each) for each in zip(*samples, strict=True)]
    return arrays[0] if len(names) == 1 else dict(zip(names, arrays, strict=True))


def least_spread(expected: np.ndarray) -> float:
    """The root mean square error that a few steps of an integer output make, whatever its values' spread."""
    finite = expected[np.isfinite(expected)].astype(np.float64)
    span = max(finite.max(initial=0.0), 0.0) - min(finite.min(initial=0.0), 0.0)
    return QUANTA * span / _LEVELS


def _where(model: keras.Model, path: Path, pictures: Any) -> str:
    """The layer that loses most, where the file can be followed layer by layer."""
    try:
        worst = layer_errors(model, path, pictures)[0]
    except (InputError, IndexError, ValueError, KeyError):
        return ""
    return f", most of it in layer '{worst.layer}' ({worst.kind}): keep it in float with keep_float=('{worst.layer}',)"
