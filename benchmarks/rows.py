"""What the benchmarks of trained networks share: rows that are made once and kept, trainings, latencies, the table."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

Row = dict[str, Any]


def kept(folder: Path, make: Callable[[], Row]) -> Row:
    """The row that lies in a folder as scores.json; made now, and left there whole, where none does."""
    path = folder / "scores.json"
    if not path.is_file():
        row = make()
        print(row, flush=True)
        unfinished = path.with_suffix(".json.part")
        unfinished.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
        unfinished.replace(path)
    return json.loads(path.read_text(encoding="utf-8"))


def trained(build: Callable[[Dataset], keras.Model], data: str, folder: Path, settings: Mapping[str, Any]) -> keras.Model:
    """A network after its run of `zoo.train` in a folder, which goes on or is only read where it has been begun.

    Args:
        build: gives the network for the training data; what it draws begins with seed 0.
        data: a spec with train and val.
        folder: of the run.
        settings: of `zoo.train`.
    """
    import keras

    import zoo
    import zoo.data

    training, validation = (zoo.data.open(data, split) for split in ("train", "val"))
    keras.utils.set_random_seed(0)
    zoo.train(build(training), training, validation, **settings, folder=folder, verbose=2)
    return zoo.load(folder / "model.keras")


def add_times(rows: Sequence[Row], paths: Sequence[Path], column: str, digits: int = 1) -> None:
    """Adds the median latency of each row's file, all taking turns in one run on one CPU thread."""
    import edge

    for row, timed in zip(rows, edge.benchmark(paths, threads=(1,)), strict=True):
        row[column] = round(timed.median_ms, digits)


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """The rows as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: Path) -> list[Row]:
    """The rows of a table of `write_table`, as text; none where there is no such file yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def nice_ticks(least: float, greatest: float) -> list[float]:
    """1, 2 and 5 times powers of ten from just below one number to just above another."""
    known = [step * 10.0**power for power in range(-4, 6) for step in (1, 2, 5)]
    return [tick for tick in known if least / 1.2 <= tick <= greatest * 1.6]


def log_axis(axes: Any, values: Sequence[float]) -> None:
    """A logarithmic x axis over these values whose ticks read as plain numbers."""
    from matplotlib.ticker import NullLocator

    axes.set_xscale("log")
    ticks = nice_ticks(min(values), max(values))
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


class First:
    """The first samples of a data set, or all where it has no more."""

    def __init__(self, data: Dataset, count: int) -> None:
        self._data, self._count = data, count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)

    def __len__(self) -> int:
        return min(self._count, len(self._data))

    def __getitem__(self, index: int) -> Any:
        return self._data[index]
