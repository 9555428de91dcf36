"""The layer matrix: what becomes of each layer of Keras in every conversion, a row each, by numbers."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from converters import file_runs
from converters.graph import distance, evaluate, trace
from converters.layer_cases import CHANNELS, SIDE, Case, cases
from converters.onnx.convert import to_onnx
from converters.quantization.batchnorm_folding import fold
from converters.tf_keras.bridge import to_tf_keras
from converters.tflite.convert import to_tflite
from zoo.errors import InputError

FORMS = ("float32", "int8", "onnx", "fold", "bridge")
RIGHT, REFUSED, WRONG, FAILED = "right", "refused", "wrong", "failed"
_ALLOWED = {"int8": 0.1}  # of the answer's spread; all others:
_EXACT = 1e-3


@dataclass(frozen=True)
class Row:
    """One conversion of one case.

    Args:
        layer, setting: the case.
        form: what it became.
        verdict: RIGHT by numbers; REFUSED by an InputError; WRONG, which is a bug, as FAILED is: another exception.
        error: in units of the answer's spread, empty where there is no answer.
        reason: of a refusal or a failure.
    """

    layer: str
    setting: str
    form: str
    verdict: str
    error: float | str = ""
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For a table."""
        return asdict(self)


def rows(pattern: str = "*", forms: tuple[str, ...] = FORMS, engine: str | None = None) -> Iterator[Row]:
    """A row for each case whose layer matches a glob and each form, as it is made.

    Args:
        pattern: glob over the names of layers, "activation" for the activations.
        forms: of FORMS.
        engine: that writes `.tflite` files, as `to_tflite` takes it; None for its default.
    """
    pictures = _pictures()
    for case in cases(pattern):
        keras.backend.clear_session()
        model = case.model()
        graph = trace(model)
        expected = keras.ops.convert_to_numpy(evaluate(graph, pictures[-1:])[graph.outputs[0]])
        for form in forms:
            yield _row(case, form, model, pictures, expected, engine)


def counts(table: list[Row]) -> Mapping[str, Counter]:
    """How often each verdict occurs, by form."""
    result: dict[str, Counter] = {}
    for row in table:
        result.setdefault(row.form, Counter())[row.verdict] += 1
    return result


def _row(
    case: Case, form: str, model: keras.Model, pictures: np.ndarray, expected: np.ndarray, engine: str | None
) -> Row:
    try:
        answer = _CONVERSIONS[form](model, pictures, {} if engine is None else {"engine": engine})
    except InputError as error:
        return Row(case.layer, case.setting, form, REFUSED, "", _one_line(error))
    except Exception as error:  # a bug, whatever it is, is a row of the table
        return Row(case.layer, case.setting, form, FAILED, "", f"{type(error).__name__}: {_one_line(error)}")
    error = distance(expected, answer) if expected.shape == answer.shape else float("inf")
    return Row(case.layer, case.setting, form, RIGHT if error <= _ALLOWED.get(form, _EXACT) else WRONG, float(f"{error:.2g}"))


def _pictures() -> np.ndarray:
    """Noise and blocks, uint8; the last one is compared on."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (8, SIDE, SIDE, CHANNELS), dtype=np.uint8)
    noise[::2] = noise[::2, np.arange(SIDE) // 4 * 4][:, :, np.arange(SIDE) // 4 * 4]
    return noise


def _tflite(recipe: str) -> Callable[[keras.Model, np.ndarray, dict[str, Any]], np.ndarray]:
    def convert(model: keras.Model, pictures: np.ndarray, options: dict[str, Any]) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            file = to_tflite(
                model, Path(folder, "a.tflite"), recipe, calibration=pictures if recipe == "int8" else None, **options
            )
            return _first(file_runs.Tflite(file.path)(pictures[-1:].astype("float32")))

    return convert


def _onnx(model: keras.Model, pictures: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        file = to_onnx(model, Path(folder, "a.onnx"))
        return _first(file_runs.Onnx(file.path)(pictures[-1:].astype("float32")))


def _first(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    return next(iter(outputs.values()))


def _fold(model: keras.Model, pictures: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    return keras.ops.convert_to_numpy(fold(model)(pictures[-1:].astype("float32"), training=False))


def _bridge(model: keras.Model, pictures: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    return np.asarray(to_tf_keras(model)(pictures[-1:].astype("float32"), training=False))


_CONVERSIONS: dict[str, Callable[[keras.Model, np.ndarray, dict[str, Any]], np.ndarray]] = {
    "float32": _tflite("float32"),
    "int8": _tflite("int8"),
    "onnx": _onnx,
    "fold": _fold,
    "bridge": _bridge,
}


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
