"""What converting the registry costs: processor seconds of every form that both engines write, network by network.

    python benchmarks/registry_cost.py --every 1 --engines direct
    python benchmarks/registry_cost.py --every 12 --engines tensorflow

Networks are those of `zoo conversions`: the tiny ones, each graph once, at their own size, ranges measured on sixteen pictures.
What that command does besides (it teaches the networks and asks a GPU) costs the same with either engine and is left out. A
form that an engine refuses has no seconds. Rows that the table has already are put in their places.
"""

from __future__ import annotations

import csv
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rows import write_table

if TYPE_CHECKING:
    import keras
    import numpy as np

FORMS = ("float32", "float16", "dynamic", "int8", "int16x8", "qat")
COLUMNS = ("network", "engine", *FORMS)
_PICTURES = 16


def main(
    every: Annotated[int, typer.Option(min=1, help="Every so-manyth graph of the registry.")] = 1,
    engines: Annotated[str, typer.Option(help="direct, tensorflow or both with a comma between.")] = "direct",
    out: Annotated[Path, typer.Option(help="The table, as .csv.")] = Path("docs/results/registry_cost.csv"),
) -> None:
    """Convert, and tell what it took."""
    from zoo.cli.quiet import start_keras

    start_keras()
    from converters.worker import worker

    worker.call = lambda function, *arguments: function(*arguments)  # in this process, whose seconds are counted
    rows = _rows(out)
    for name, model, pictures in _networks(every):
        for engine in engines.split(","):
            row: dict[str, Any] = {"network": name, "engine": engine}
            for form in FORMS:
                row[form] = _seconds(model, form, engine, pictures)
            rows[name, engine] = row
            print("  ".join(f"{column} {row[column]}" for column in COLUMNS), flush=True)
            write_table(out, COLUMNS, list(rows.values()))


def _rows(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["network"], row["engine"]): row for row in csv.DictReader(file)}


def _networks(every: int) -> Any:
    """The tiny networks of different graphs, one at a time, and pictures for them."""
    import keras

    from zoo import registry
    from zoo.analysis import tiny_models

    seen: set[str] = set()
    for name in registry.list_models():
        keras.backend.clear_session()
        model = tiny_models.tiny_model(name)
        graph = tiny_models.fingerprint(model)
        if graph not in seen:
            seen.add(graph)
            if len(seen) % every == 1 % every and len(model.inputs) == 1:
                yield name, model, tiny_models.toy_batch(model, _PICTURES, seed=1).images


def _seconds(model: keras.Model, form: str, engine: str, pictures: np.ndarray) -> float | str:
    """Of a processor, for one file; empty where the engine refuses."""
    import converters
    from zoo.errors import InputError

    recipe = "int8" if form == "qat" else form
    ranges = recipe in ("int8", "int16x8") and (form, engine) != ("qat", "tensorflow")  # whose network brings its own
    options = {"calibration": pictures} if ranges else {}
    began = time.process_time()
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            network = converters.quantize_aware(model, pictures, engine=engine) if form == "qat" else model
            chosen = {} if form == "qat" else {"engine": engine}
            converters.to_tflite(network, Path(folder) / "model.tflite", recipe, pictures.shape[1:3], **options, **chosen)
        except InputError:
            return ""
    return round(time.process_time() - began, 2)


if __name__ == "__main__":
    typer.run(main)
