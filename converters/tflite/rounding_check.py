"""Rounding in an integer file: where it is more than the recipe's tolerance the file is written, and a warning says where."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from converters.graph import distance, evaluate, trace
from converters.quantization.calibration import Calibration
from converters.quantization.layer_errors import layer_errors
from converters.tflite.saved_model import answers
from converters.worker import Died, Failed, worker
from zoo.errors import InputError
from zoo.outputs.tolerances import OF_RECIPE

QUANTA = 2  # an answer that hardly spreads is allowed so many steps of what it spans
_LEVELS = 255


def warn_of_rounding(model: keras.Model, path: Path, recipe: str, images: Calibration) -> None:
    """Compares a file with its model on calibration pictures, and warns where they are further apart than they may be.

    Raises:
        InputError: where the file cannot be run.
    """
    graph, allowed = trace(model), OF_RECIPE[recipe].bounds["relative"]
    pictures = images.images[:2]
    try:
        results = worker.call(answers, str(path), [picture[None].astype("float32") for picture in pictures])
    except (Died, Failed) as error:
        raise InputError(f"the {recipe} file of '{model.name}' cannot be run: {str(error).partition(chr(10))[0]}") from error
    errors = []
    for picture, result in zip(pictures, results, strict=True):
        tensors = evaluate(graph, picture[None])
        for value, answer in zip(graph.outputs, result.values(), strict=True):
            expected = keras.ops.convert_to_numpy(tensors[value])
            if expected.dtype.kind == "f" and expected.shape == answer.shape:
                errors.append(distance(expected, answer, least_spread(expected) / allowed))
    if max(errors, default=0.0) > allowed:
        warnings.warn(
            f"the {recipe} file of '{model.name}' is off by {max(errors):.2g} of the answer's spread on calibration pictures"
            f"{_where(model, path, pictures)}; converters.layer_errors tells more",
            stacklevel=4,
        )


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
