"""The conversion matrix: what becomes of every network in every form, a row each, written as it is made."""

from __future__ import annotations

import csv
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

import converters
import zoo
from zoo import registry
from zoo.analysis import tiny_models
from zoo.errors import InputError
from zoo.training.batchnorm import recalibrate_batchnorm

FORMS = ("float32", "float16", "dynamic", "int8", "int16x8", "qat", "onnx")
COLUMNS = ("model", "form", "size", "measured_on", "converts", "bytes", "cpu_parity", "gpu_whole", "gpu_parity", "reason")
_PICTURES, _COMPARED = 16, 4  # to measure ranges on, and to compare on; the latter are none of the former
_KEPT = (1, 4, 8)  # layers in float, the worst first, that a file is tried with which is off in int8

Row = dict[str, Any]


class Gpu(NamedTuple):
    """What asks the accelerator: `edge.gpu_check` and `edge.gpu_bisect`, which this package may not import."""

    check: Callable[[Path, list[np.ndarray]], Any]
    bisect: Callable[[Path, list[np.ndarray]], Any]


def complete(path: Path, gpu: Gpu, pattern: str = "*", full: bool = False) -> Iterator[Row]:
    """Appends the rows that a table lacks, and gives each as soon as it is written; the whole table is in order at the end.

    Args:
        path: of the .csv; it may be there already, or in part.
        gpu: `edge.gpu_check` and `edge.gpu_bisect`.
        pattern: glob over the registry's names.
        full: convert the published widths and sizes, not tiny models of the same graphs.

    Raises:
        InputError: for a table with other columns.
    """
    rows, first = _read(path), {}
    names = registry.list_models(pattern)
    if all((name, form) in rows for name in names for form in FORMS):
        return
    for name in names:
        keras.backend.clear_session()
        model = _full(name) if full else tiny_models.tiny_model(name)
        elder = name if full else first.setdefault(tiny_models.fingerprint(model), name)
        pictures = None
        for form in (form for form in FORMS if (name, form) not in rows):
            if (elder, form) in rows:
                row = rows[elder, form] | {"model": name}
            else:
                pictures = _prepare(model, taught=not full) if pictures is None else pictures
                row = _row(name, form, model, pictures, gpu)
            rows[name, form] = row
            _append(path, row)
            yield row
    _write_in_order(path, rows)


def _read(path: Path) -> dict[tuple[str, str], Row]:
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise InputError(f"{path} has other columns than {', '.join(COLUMNS)}; give another file")
        return {(row["model"], row["form"]): row for row in reader}


def _append(path: Path, row: Row) -> None:
    new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def _write_in_order(path: Path, rows: dict[tuple[str, str], Row]) -> None:
    """Writes the table anew, its rows in the registry's order, whichever were made first; those of other names are the last."""
    places = {name: place for place, name in enumerate(registry.list_models())}
    keys = sorted(rows, key=lambda key: (places.get(key[0], len(places)), key[0], FORMS.index(key[1])))
    parts = path.with_suffix(".part")
    parts.unlink(missing_ok=True)
    for key in keys:
        _append(parts, rows[key])
    parts.replace(path)


def _full(name: str) -> keras.Model:
    entry = registry.get(name)
    keras.utils.set_random_seed(3)
    return zoo.build(name, input_shape=(*entry.input_size, entry.channels))


def _prepare(model: keras.Model, taught: bool) -> np.ndarray:
    """Pictures on which the network's batch normalisation is at rest, and if `taught` whose colours it has learnt."""
    if taught:
        tiny_models.fit_toy(model, tiny_models.toy_batch(model))
    pictures = tiny_models.toy_batch(model, _PICTURES + _COMPARED, seed=1).images
    if not taught:
        recalibrate_batchnorm(model, [pictures[:8]])
    return pictures


def _row(name: str, form: str, model: keras.Model, pictures: np.ndarray, gpu: Gpu) -> Row:
    size = "x".join(map(str, pictures.shape[1:3]))
    row: Row = {**dict.fromkeys(COLUMNS, ""), "model": name, "form": form, "size": size, "measured_on": name}
    reasons: list[str] = []
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            path = _convert(form, model, pictures, Path(folder))
        except Exception as error:  # a table over everything shall say what fails, not stop at it
            no = dict.fromkeys(("converts", "bytes", "cpu_parity", "gpu_whole", "gpu_parity"), "no")
            return {**row, **no, "reason": f"conversion: {_in_one_line(error)}"}
        row |= {"converts": "yes", "bytes": path.stat().st_size}
        row["cpu_parity"] = _checked(lambda: _cpu(form, model, path, pictures), reasons)
        try:
            row |= _gpu(path, pictures, reasons, gpu)
        except Exception as error:  # as above
            row |= {"gpu_whole": "no", "gpu_parity": "no"}
            reasons.append(f"GPU: {_in_one_line(error)}")
    return {**row, "reason": "; ".join(reasons)}


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _convert(form: str, model: keras.Model, pictures: np.ndarray, folder: Path) -> Path:
    if form == "onnx":
        return converters.to_onnx(model, folder / "model.onnx").path
    target = folder / "model.tflite"
    if form == "qat":
        model, form = converters.quantize_aware(model, pictures[:_PICTURES]), "int8"
    if form in ("int8", "int16x8"):
        return _quantized(model, pictures, target, form)
    return converters.to_tflite(model, target, form).path


def _quantized(
    model: keras.Model, pictures: np.ndarray, target: Path, recipe: str = "int8", keep_float: Sequence[str] = ()
) -> Path:
    calibration = pictures[:_PICTURES]
    return converters.to_tflite(model, target, recipe, calibration=calibration, keep_float=keep_float).path


def _cpu(form: str, model: keras.Model, path: Path, pictures: np.ndarray) -> tuple[bool, str]:
    passed, reason = _compared(model, path, pictures)
    return passed, f"CPU: {reason}{'' if passed else _worst_layers(form, model, path, pictures)}"


def _compared(model: keras.Model, path: Path, pictures: np.ndarray) -> tuple[bool, str]:
    result = converters.parity(model, path, pictures[-_COMPARED:])
    # Samples on which a network answers with one class prove nothing of classes; its numbers are still compared.
    numbers = all(output.passed is not False and "relative" in output.measures for output in result.outputs)
    return bool(result.passed or numbers), result.reason


def _worst_layers(form: str, model: keras.Model, path: Path, pictures: np.ndarray) -> str:
    """The operator that loses most by itself, and in int8 what keeping it in float mends; nothing where a file's layers are
    not to be looked into, as in ONNX."""
    try:
        errors = converters.layer_errors(model, path, pictures[-_COMPARED:])
    except Exception:  # the row has its reason; this would say more of it
        return ""
    worst = f"; most at {errors[0].operator} of layer {errors[0].layer} ({errors[0].own:.0f} dB)"
    try:
        return worst + (_in_float(model, pictures, [row.layer for row in errors], path.parent) if form == "int8" else "")
    except Exception:  # as above
        return worst


def _in_float(model: keras.Model, pictures: np.ndarray, layers: Sequence[str], folder: Path) -> str:
    """With how many of the worst layers in float the file is equal: eight bits are too few there, and nowhere else."""
    for count in _KEPT:
        kept = layers[:count]
        path = _quantized(model, pictures, folder / "kept.tflite", keep_float=kept)
        if _compared(model, path, pictures)[0]:
            return ", equal with it in float" if count == 1 else f", equal with {', '.join(kept)} in float"
    return f", not equal with the {_KEPT[-1]} worst in float: what all layers round adds up"


def _first_operator(verdict: Any, path: Path, samples: list[np.ndarray], gpu: Gpu) -> str:
    """The operator that a search finds, where the verdict does not name one by itself."""
    if verdict.unsupported or verdict.suspect or not verdict.faulty:
        return ""
    try:
        culprit = gpu.bisect(path, samples).culprit
    except Exception:  # as above
        return ""
    return f" First: {culprit}" if culprit else " No operator by itself: differences add up"


def _checked(check: Callable[[], tuple[bool, str]], reasons: list[str]) -> str:
    try:
        passed, reason = check()
    except Exception as error:  # a file that its own interpreter refuses
        passed, reason = False, f"CPU: {_in_one_line(error)}"
    if not passed:
        reasons.append(reason)
    return "yes" if passed else "no"


def _gpu(path: Path, pictures: np.ndarray, reasons: list[str], gpu: Gpu) -> dict[str, str]:
    if path.suffix != ".tflite":
        reasons.append("GPU: the accelerator takes .tflite files")
        return {"gpu_whole": "no", "gpu_parity": "no"}
    samples = list(pictures[-2:])
    verdict = gpu.check(path, samples)
    if not verdict.ok:
        reasons.append(f"GPU: {verdict.reason}, {verdict.detail}{_first_operator(verdict, path, samples, gpu)}")
    if verdict.reason == "no driver":
        return {"gpu_whole": "untried", "gpu_parity": "untried"}
    return {"gpu_whole": "yes" if verdict.whole else "no", "gpu_parity": "yes" if verdict.ok else "no"}
