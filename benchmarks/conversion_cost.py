"""What conversion costs: seconds, processor seconds and the most memory that the process holds while it converts.

    python benchmarks/conversion_cost.py

Every conversion has a fresh process, so that no peak is another's. Networks have random weights; int8 measures its ranges on
scenes made by the program. Memory is the process's own (resident, Linux): `before_gib` with Python, TensorFlow and the network
loaded, `held_gib` when TensorFlow's converter begins its work in C++, `native_gib` at the most by the end of that, `peak_gib`
at the most of all; `copies` is how many times the network's float32 weights would fill what lies between the latter and
`before_gib`. `native_seconds` are those of the C++ part.

The floor: where `native_gib` is `peak_gib`, the most is held inside TensorFlow, beyond `held_gib`, and nothing in Python lowers
it. With oneDNN (TF_ENABLE_ONEDNN_OPTS, on by default) TensorFlow keeps all memory that tensors ever filled and `before_gib`
holds what building the network took; without it, it gives that back.
"""

from __future__ import annotations

import csv
import itertools
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer

COLUMNS = (
    "network", "recipe", "onednn", "size", "parameters", "weights_gib", "before_gib", "held_gib", "native_gib", "peak_gib",
    "copies", "seconds", "native_seconds", "cpu_seconds", "bytes",
)  # fmt: skip
_GIB = 1 << 30
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_CALIBRATION = 8


def main(
    networks: Annotated[list[str] | None, typer.Argument(help="Names of the registry; default fcn8s.")] = None,
    recipes: Annotated[str, typer.Option(help="With commas between them.")] = "float32,float16,int8",
    onednn: Annotated[str, typer.Option(help="off, on or both with a comma between.")] = "off,on",
    size: Annotated[str, typer.Option(help="HxW of the files.")] = "224",
    out: Annotated[Path, typer.Option(help="The table, as .csv.")] = Path("docs/conversion_cost.csv"),
) -> None:
    """Convert, each time in a process of its own, and tell what it took."""
    from zoo.cli.arguments import parse_size

    pixels = parse_size(size)
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for given in itertools.product(networks or ["fcn8s"], onednn.split(","), recipes.split(",")):
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
                row = fresh.submit(cost, *given, pixels).result()
            print("  ".join(f"{column} {row[column]}" for column in COLUMNS), flush=True)
            writer.writerow(row)
            file.flush()


def cost(name: str, onednn: str, recipe: str, size: tuple[int, int]) -> dict[str, Any]:
    """One conversion in this process."""
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0" if onednn == "off" else "1"
    from zoo.cli.quiet import start_keras

    start_keras()
    import zoo
    import zoo.data
    from converters.tflite import RECIPES, to_tflite  # imported before the clock runs

    model = zoo.build(name, input_shape=(*size, 3))
    height, width = size
    scenes = zoo.data.open(f"scenes:count={_CALIBRATION},size={height}x{width}")
    images = zoo.data.calibration_images(scenes, _CALIBRATION, size) if RECIPES[recipe].calibrated else None
    native = _Watched()
    before = _memory("VmRSS")
    _RESET.write_text("5", encoding="ascii")  # the peak starts anew: that of building the network does not count
    began, worked = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder:
        made = to_tflite(model, Path(folder) / "model.tflite", recipe, calibration=images)
    seconds, worked = time.monotonic() - began, time.process_time() - worked
    peak, weights = _memory("VmHWM"), 4 * model.count_params() / _GIB
    return {
        "network": name,
        "recipe": recipe,
        "onednn": onednn,
        "size": f"{height}x{width}",
        "parameters": model.count_params(),
        "weights_gib": round(weights, 2),
        "before_gib": round(before, 2),
        "held_gib": round(native.held, 2),
        "native_gib": round(native.most, 2),
        "peak_gib": round(peak, 2),
        "copies": round((peak - before) / weights, 1),
        "seconds": round(seconds, 1),
        "native_seconds": round(native.seconds, 1),
        "cpu_seconds": round(worked, 1),
        "bytes": made.bytes,
    }


class _Watched:
    """Takes time and memory of the one call in which TensorFlow's converter turns a SavedModel into a flatbuffer."""

    def __init__(self) -> None:
        from tensorflow.lite.python.convert import wrap_converter

        self.held = self.most = self.seconds = 0.0
        self._call: Callable[..., bytes] = wrap_converter.wrapped_convert
        wrap_converter.wrapped_convert = self

    def __call__(self, *given: Any) -> bytes:
        self.held, began = _memory("VmRSS"), time.monotonic()
        try:
            return self._call(*given)
        finally:
            self.seconds += time.monotonic() - began
            self.most = _memory("VmHWM")


def _memory(what: str) -> float:
    """GiB, by the kernel's own account of this process."""
    lines = dict(line.split(":", 1) for line in _STATUS.read_text(encoding="ascii").splitlines())
    return int(lines[what].split()[0]) * 1024 / _GIB


if __name__ == "__main__":
    typer.run(main)
