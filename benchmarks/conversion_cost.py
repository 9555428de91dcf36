"""What conversion costs: seconds, processor seconds and the most memory that the process holds while it converts.

    python benchmarks/conversion_cost.py fcn8s unet_lite --engines tensorflow,direct
    python benchmarks/conversion_cost.py fcn8s --engines direct --backends jax,torch

Engines are those of `to_tflite`: TensorFlow's converter and our own writer; the latter on each backend of Keras that is asked
for. Every conversion has a fresh process, so that no peak is another's, and the machine's load beside it, as others' work was
on it or not. A row that the table has already is put in its place. Networks have random weights; int8 measures its ranges on
scenes made by the program. Memory is the process's own (resident, Linux): `before_gib` with Python, Keras and the network
loaded, `held_gib` when the first part of TensorFlow's converter in C++ begins, `peak_gib` at the most of all; `copies` is how
many times the network's float32 weights would fill what lies between the last and `before_gib`. Of each part in C++ that the
engine has, the most held while it ran and its seconds: `convert` (a SavedModel becomes a flatbuffer), `calibrate` (it runs on
the images) and `quantize` (it becomes int8).

The floor: where one of those parts has the peak, it is TensorFlow that holds the most, beyond what it was given, and nothing in
Python lowers it. With oneDNN (TF_ENABLE_ONEDNN_OPTS, on by default) TensorFlow keeps all memory that tensors ever filled and
`before_gib` holds what building the network took; without it, it gives that back.
"""

from __future__ import annotations

import csv
import itertools
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer
from rows import write_table

KEY = ("network", "recipe", "engine", "backend", "onednn", "size")
COLUMNS = (
    *KEY, "parameters", "weights_gib", "before_gib", "held_gib", "convert_gib", "calibrate_gib", "quantize_gib", "peak_gib",
    "copies", "seconds", "convert_seconds", "calibrate_seconds", "quantize_seconds", "cpu_seconds", "load", "bytes",
)  # fmt: skip
_GIB = 1 << 30
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_CALIBRATION = 8


def main(
    networks: Annotated[list[str] | None, typer.Argument(help="Names of the registry; default fcn8s.")] = None,
    recipes: Annotated[str, typer.Option(help="With commas between them.")] = "float32,float16,int8",
    engines: Annotated[str, typer.Option(help="tensorflow, direct or both with a comma between.")] = "tensorflow,direct",
    backends: Annotated[str, typer.Option(help="Of Keras: tensorflow, jax, torch, with commas between.")] = "tensorflow",
    onednn: Annotated[str, typer.Option(help="off, on or both with a comma between; TensorFlow's.")] = "off",
    size: Annotated[str, typer.Option(help="HxW of the files.")] = "224",
    out: Annotated[Path, typer.Option(help="The table, as .csv.")] = Path("docs/results/conversion_cost.csv"),
) -> None:
    """Convert, each time in a process of its own, and tell what it took."""
    rows = _rows(out)
    choices = [recipes.split(","), engines.split(","), backends.split(","), onednn.split(","), [size]]
    for choice in itertools.product(networks or ["fcn8s"], *choices):
        _, _, engine, backend, kernels, _ = choice
        if backend != "tensorflow" and (engine == "tensorflow" or kernels == "on"):
            continue
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            row = fresh.submit(cost, *choice).result()
        print("  ".join(f"{column} {value}" for column, value in row.items()), flush=True)
        rows[choice] = {column: row.get(column, "") for column in COLUMNS}
        write_table(out, COLUMNS, list(rows.values()))


def _rows(path: Path) -> dict[tuple[str, ...], dict[str, Any]]:
    """The rows that the table has, by what they are of."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {tuple(row[name] for name in KEY): row for row in csv.DictReader(file)}


def cost(name: str, recipe: str, engine: str, backend: str, onednn: str, size: str) -> dict[str, Any]:
    """One conversion in this process."""
    os.environ["KERAS_BACKEND"] = backend
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0" if onednn == "off" else "1"
    from zoo.cli.arguments import parse_size
    from zoo.cli.quiet import start_keras

    start_keras()
    import zoo
    import zoo.data
    from converters.tflite.convert import to_tflite  # imported before the clock runs
    from converters.tflite.recipes import RECIPES

    height, width = parse_size(size)
    model = zoo.build(name, input_shape=(height, width, 3))
    scenes = zoo.data.open(f"scenes:count={_CALIBRATION},size={height}x{width}")
    images = None
    if RECIPES[recipe].calibrated:
        images = zoo.data.calibration_images(scenes, _CALIBRATION, (height, width))
    parts = _watched() if engine == "tensorflow" else {}
    before = _memory("VmRSS")
    _peak()  # that of building the network does not count
    began, worked = time.monotonic(), _worked()
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder:
        made = to_tflite(model, Path(folder) / "model.tflite", recipe, calibration=images, engine=engine)
    seconds, worked = time.monotonic() - began, _worked() - worked
    peak = max(_peak(), *(most for part in parts.values() for most in (part.before, part.most)), 0.0)
    weights, ran = 4 * model.count_params() / _GIB, {name: part for name, part in parts.items() if part.seconds}
    return {
        "network": name,
        "recipe": recipe,
        "engine": engine,
        "backend": backend,
        "onednn": onednn,
        "size": size,
        "parameters": model.count_params(),
        "weights_gib": round(weights, 2),
        "before_gib": round(before, 2),
        "held_gib": round(parts["convert"].held, 2) if parts else "",
        **{f"{name}_gib": round(part.most, 2) for name, part in ran.items()},
        "peak_gib": round(peak, 2),
        "copies": round((peak - before) / weights, 1),
        "seconds": round(seconds, 2),
        **{f"{name}_seconds": round(part.seconds, 1) for name, part in ran.items()},
        "cpu_seconds": round(worked, 2),
        "load": round(os.getloadavg()[0], 1),
        "bytes": made.bytes,
    }


def _worked() -> float:
    """Processor seconds of this process and of those that it started and that have ended."""
    usages = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class _Watched:
    """Takes time and memory of one of the calls in which TensorFlow works in C++."""

    def __init__(self, owner: Any, name: str) -> None:
        self.before = self.held = self.most = self.seconds = 0.0
        call: Callable[..., Any] = getattr(owner, name)

        def watched(*given: Any, **options: Any) -> Any:
            self.before, self.held, began = _peak(), _memory("VmRSS"), time.monotonic()
            try:
                return call(*given, **options)
            finally:
                self.seconds, self.most = time.monotonic() - began, _peak()

        setattr(owner, name, watched)


def _watched() -> dict[str, _Watched]:
    from tensorflow.lite.python import convert
    from tensorflow.lite.python.convert import wrap_converter
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    from converters.worker import worker

    worker.call = lambda function, *arguments: function(*arguments)  # here, where it can be measured
    return {
        "convert": _Watched(wrap_converter, "wrapped_convert"),
        "calibrate": _Watched(Calibrator, "calibrate"),
        "quantize": _Watched(convert, "mlir_quantize"),
    }


def _peak() -> float:
    """The most memory since this was last asked."""
    most = _memory("VmHWM")
    _RESET.write_text("5", encoding="ascii")
    return most


def _memory(what: str) -> float:
    """GiB, by the kernel's own account of this process."""
    lines = dict(line.split(":", 1) for line in _STATUS.read_text(encoding="ascii").splitlines())
    return int(lines[what].split()[0]) * 1024 / _GIB


if __name__ == "__main__":
    typer.run(main)
