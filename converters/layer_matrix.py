"""The layer matrix: what becomes of each layer of Keras in every conversion, a row each, by numbers."""

from __future__ import annotations

import tempfile
import warnings
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
from converters.tflite.rounding_check import least_spread
from zoo.errors import InputError
from zoo.outputs.tolerances import OF_RECIPE

FORMS = ("float32", "int8", "onnx", "fold", "bridge")
RIGHT, REFUSED, WARNED, WRONG, FAILED, NO_GRAPH = "right", "refused", "warned", "wrong", "failed", "no graph"
FINE = (RIGHT, REFUSED, WARNED, NO_GRAPH)
_EXACT = 1e-3  # of the answer's spread, in every form but int8, which has its recipe's tolerance or a few quanta


@dataclass(frozen=True)
class Row:
    """One conversion of one case.

    Args:
        layer, setting: the case.
        form: what it became.
        verdict: RIGHT by numbers; REFUSED by an InputError; WARNED where eight bits are too few and a warning says which layer;
            NO_GRAPH where Keras itself cannot put the layer into a model or run it there. WRONG is a bug, as FAILED is:
            another exception.
        error: in units of the answer's spread, empty where there is no answer.
        reason: of a refusal, a warning or a failure.
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


def rows(
    pattern: str = "*",
    forms: tuple[str, ...] = FORMS,
    engine: str | None = None,
    known: Mapping[tuple[str, str, str], Row] | None = None,
) -> Iterator[Row]:
    """A row for each case whose layer matches a glob and each form, as it is made.

    Args:
        pattern: glob over the names of layers, "activation" for the activations.
        forms: of FORMS.
        engine: that writes `.tflite` files, as `to_tflite` takes it; None for its default.
        known: rows by (layer, setting, form) that need not be made again.
    """
    pictures, known = _pictures(), known or {}
    for case in cases(pattern):
        if all((case.layer, case.setting, form) in known for form in forms):
            yield from (known[case.layer, case.setting, form] for form in forms)
            continue
        keras.backend.clear_session()
        try:
            model = case.model()
            graph = trace(model)
            answers = [keras.ops.convert_to_numpy(evaluate(graph, picture[None])[graph.outputs[0]]) for picture in pictures]
        except Exception as error:  # Keras's own: the layer has no place in a graph
            reason = f"{type(error).__name__}: {_one_line(error)}"
            yield from (Row(case.layer, case.setting, form, NO_GRAPH, "", reason) for form in forms)
            continue
        for form in forms:
            yield _row(case, form, model, pictures, answers, engine)


def counts(table: list[Row]) -> Mapping[str, Counter]:
    """How often each verdict occurs, by form."""
    result: dict[str, Counter] = {}
    for row in table:
        result.setdefault(row.form, Counter())[row.verdict] += 1
    return result


def _row(
    case: Case, form: str, model: keras.Model, pictures: np.ndarray, answers: list[np.ndarray], engine: str | None
) -> Row:
    try:
        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always")
            answer = _CONVERSIONS[form](model, pictures, {} if engine is None else {"engine": engine})
        notes = [warning for warning in notes if "off by" in str(warning.message)]
    except InputError as error:
        return Row(case.layer, case.setting, form, REFUSED, "", _one_line(error))
    except Exception as error:  # a bug, whatever it is, is a row of the table
        return Row(case.layer, case.setting, form, FAILED, "", f"{type(error).__name__}: {_one_line(error)}")
    expected = answers[-1]
    allowed = OF_RECIPE[form].bounds["relative"] if form == "int8" else _EXACT
    least = least_spread(np.stack(answers)) / allowed if form == "int8" else 1e-6
    error = distance(expected, answer, least) if expected.shape == answer.shape else float("inf")
    verdict = RIGHT if error <= allowed else WARNED if notes else WRONG
    reason = _one_line(str(notes[0].message)) if notes else ""
    return Row(case.layer, case.setting, form, verdict, float(f"{error:.2g}"), reason)


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


def _one_line(error: BaseException | str) -> str:
    return " ".join(str(error).split())[:200]
