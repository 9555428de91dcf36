"""`zoo conversions`: what becomes of every network in every form, as a table that is written row by row."""

from __future__ import annotations

import csv
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.quiet import start_keras

if TYPE_CHECKING:
    import keras
    import numpy as np

FORMS = ("float32", "float16", "dynamic", "int8", "int16x8", "qat", "onnx")
COLUMNS = ("model", "form", "size", "converts", "bytes", "cpu_parity", "gpu_whole", "gpu_parity", "reason")
_TINY_SIZE, _CLASSES, _PICTURES = (97, 131), 5, 8


def conversions(
    out: Annotated[Path, typer.Argument(help="The .csv; rows that it has already are not made again.")],
    pattern: Annotated[str, typer.Option("--models", help="Glob over names; default all.")] = "*",
    full: Annotated[
        bool, typer.Option("--full", help="The published widths and sizes, not small siblings of the same graphs.")
    ] = False,
) -> None:
    """Convert the registry's networks to every form and write down what came of it: it converts or not, bytes, parity with
    Keras on the CPU, whole on the GPU accelerator, parity there; and the reason of every 'no'.

    The networks are untrained, with batch normalisation measured on the pictures they are compared on. Untrained networks
    are chaotic, so that int8 parity may fail where a trained one's passes; the error is in the reason. Interrupt at any
    moment; the same command goes on.

    Example: zoo conversions conversions.csv --models 'unet*'
    """
    start_keras()
    import keras

    from zoo.registry import list_models

    done = _read(out)
    todo = {name: [form for form in FORMS if (name, form) not in done] for name in list_models(pattern)}
    for name, forms in todo.items():
        if not forms:
            continue
        keras.backend.clear_session()
        model, pictures = _network(name, full)
        for form in forms:
            row = _row(name, form, model, pictures)
            _append(out, row)
            print(" · ".join(str(row[column]) for column in COLUMNS if row[column]))


def _read(path: Path) -> set[tuple[str, str]]:
    from zoo.errors import InputError

    if not path.exists():
        return set()
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise InputError(f"{path} has other columns than {', '.join(COLUMNS)}; give another file")
        return {(row["model"], row["form"]) for row in reader}


def _append(path: Path, row: dict[str, Any]) -> None:
    new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def _network(name: str, full: bool) -> tuple[keras.Model, np.ndarray]:
    """The network at one size, and pictures on which its batch normalisation is at rest."""
    import keras
    import numpy as np

    import zoo
    from zoo.registry import architecture
    from zoo.settling import settle

    entry = architecture(name)
    size = entry.input_size
    if not full and not entry.fixed_size:
        size = tuple(max(pixels, entry.least_size) for pixels in _TINY_SIZE)
    options = {} if full else {"classes": _CLASSES, **entry.tiny}
    keras.utils.set_random_seed(3)
    model = zoo.build(name, input_shape=(*size, entry.channels), **options)
    noise = np.random.default_rng(0).uniform(0, 255, (_PICTURES, -(-size[0] // 16), -(-size[1] // 16), entry.channels))
    pictures = noise.repeat(16, axis=1).repeat(16, axis=2)[:, : size[0], : size[1]].astype("float32")
    settle(model, pictures)
    return model, pictures


def _row(name: str, form: str, model: keras.Model, pictures: np.ndarray) -> dict[str, Any]:
    size = "x".join(map(str, pictures.shape[1:3]))
    row: dict[str, Any] = {**dict.fromkeys(COLUMNS, ""), "model": name, "form": form, "size": size}
    reasons: list[str] = []
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            path = _convert(form, model, pictures, Path(folder))
        except Exception as error:  # a table over everything shall say what fails, not stop at it
            reason = " ".join(str(error).split())[:300]
            return {**row, "converts": "no", "cpu_parity": "no", "gpu_whole": "no", "gpu_parity": "no", "reason": reason}
        row |= {"converts": "yes", "bytes": path.stat().st_size}
        row["cpu_parity"] = _tell(lambda: _cpu(model, path, pictures, form), reasons)
        if form == "onnx":
            row |= {"gpu_whole": "no", "gpu_parity": "no"}
            reasons.append("GPU: the accelerator takes .tflite files")
        else:
            row |= _gpu(path, pictures, reasons)
    return {**row, "reason": "; ".join(reasons)}


def _convert(form: str, model: keras.Model, pictures: np.ndarray, folder: Path) -> Path:
    import converters

    if form == "onnx":
        return converters.to_onnx(model, folder / "model.onnx").path
    calibration = pictures if form in ("int8", "int16x8") else None
    recipe = "int8" if form == "qat" else form
    network = converters.quantize_aware(model, pictures) if form == "qat" else model
    return converters.to_tflite(network, folder / "model.tflite", recipe, calibration=calibration).path


def _cpu(model: keras.Model, path: Path, pictures: np.ndarray, form: str) -> tuple[bool, str]:
    import converters

    found = converters.parity(model, path, pictures[:4])
    # Samples on which an untrained network answers with one class prove nothing of classes; its numbers are still compared.
    numbers = bool(found.outputs) and found.agreement is None and found.outputs[0].relative <= found.tolerance.relative
    return found.passed or numbers, f"CPU: {found.reason}"


def _tell(check: Callable[[], tuple[bool, str]], reasons: list[str]) -> str:
    passed, reason = check()
    if not passed:
        reasons.append(reason)
    return "yes" if passed else "no"


def _gpu(path: Path, pictures: np.ndarray, reasons: list[str]) -> dict[str, str]:
    import edge

    verdict = edge.gpu_check(path, list(pictures[:2]))
    if not verdict.ok:
        reasons.append(f"GPU: {verdict.reason}, {verdict.detail}")
    whole = "untried" if verdict.whole is None else "yes" if verdict.whole else "no"
    return {"gpu_whole": whole, "gpu_parity": "yes" if verdict.ok else "untried" if verdict.whole is None else "no"}
