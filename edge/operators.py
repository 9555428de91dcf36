"""How long each operator of a `.tflite` file takes on the CPU: why one form of a network is slower than another.

LiteRT's own profiler is not to be had from Python. So the file is cut after each operator, what lies before the cut runs as a
file of its own, with every tensor that the rest would read for an output, and an operator's time is the difference of two
neighbours. The differences add up to the whole. Each is of what the cut leaves: where the runtime joins two operators to one,
their time is the first one's or the second's, and a small negative number is noise.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table
from rich.text import Text

from edge import timing
from edge.arithmetic import operator_macs, peak
from edge.choices import beginning
from edge.errors import InputError
from edge.gpu.remote import Remote
from edge.graph import Graph, read_graph
from edge.timing import feeds, told_apart

_SLOWEST = 5  # single operators that are shown by name
_VARIABLE = "VAR_HANDLE"  # the resource that it gives is no tensor that can be read


@dataclass(frozen=True)
class OperatorTime:
    """One operator of one file.

    Attributes:
        file: the file's name.
        place: of the operator in the graph, from 0.
        operator: its name, as CONV_2D.
        tensor: the name of its first output, which files of Keras networks call after the layer.
        shape: of that output.
        ms: the milliseconds of one inference that are its own.
        macs: its multiply-accumulates.
        gmacs_per_s: those done in a second; nan where it has none, or no time that could be measured.
        of_peak: that over what a float32 matrix product reaches here on as many threads; int8 may pass 1.
        threads: on the CPU.
    """

    file: str
    place: int
    operator: str
    tensor: str
    shape: str
    ms: float
    macs: int
    gmacs_per_s: float
    of_peak: float
    threads: int


def operator_times(
    paths: str | Path | Sequence[str | Path],
    threads: int = 1,
    *,
    repeats: int = 5,
    passes: int = 3,
    input_size: tuple[int, int] | None = None,
) -> list[OperatorTime]:
    """The time of each operator of each file, in the files' order.

    Args:
        paths: of the files.
        threads: on the CPU.
        repeats: inferences each time that a part of a file is run; the fastest counts.
        passes: times that all parts of a file are run, each time loaded anew.
        input_size: (height, width) for files that take any size.

    Raises:
        InputError: for a file that is missing, damaged or does not run on the CPU, one that takes any size where none is
            said, and for numbers below 1.
    """
    paths = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    if min(threads, repeats, passes) < 1 or not paths:
        raise InputError(
            f"{len(paths)} files, threads={threads}, repeats={repeats}, passes={passes}; expected at least 1 of each"
        )
    most = peak(threads)
    rows = []
    for path, name in zip(paths, told_apart(paths), strict=True):
        graph = read_graph(path)
        feed, error = feeds(graph, input_size)
        if error:
            raise InputError(f"{path.name}: {error}")
        until = _until_each(path, graph, feed, threads, repeats, passes)
        for place, ms in enumerate(np.diff(until, prepend=0.0).tolist()):
            rows.append(_row(name, graph, place, ms, threads, most))
    return rows


def _row(file: str, graph: Graph, place: int, ms: float, threads: int, most: float) -> OperatorTime:
    operator = graph.operators[place]
    result = graph.tensors[operator.outputs[0]]
    count = 0 if any(tensor.open for tensor in graph.inputs) else operator_macs(graph, operator)
    pace = count / ms / 1e6 if count and ms > 0 else math.nan
    shape = "×".join(map(str, result.shape))
    return OperatorTime(file, place, operator.name, result.label, shape, ms, count, pace, pace / most, threads)


def _until_each(
    path: Path, graph: Graph, feed: Sequence[np.ndarray], threads: int, repeats: int, passes: int
) -> np.ndarray:
    """Milliseconds of one inference up to each operator, that one included."""
    wanted = [_read_later(graph, place + 1) for place in range(len(graph.operators))]
    least = np.array([np.inf if tensors else 0.0 for tensors in wanted])
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder, Remote(path, "cpu", threads=threads) as worker:
        for _ in range(passes):
            for place in np.flatnonzero(least).tolist():
                part = Path(folder) / f"{place}.tflite"
                worker.open(beginning(path, part, place + 1, wanted[place]))
                least[place] = min(least[place], *worker.times(feed, 1 + repeats)[1:])  # the first one warms up
                part.unlink()
    return least


def _read_later(graph: Graph, count: int) -> list[int]:
    """The tensors of the first `count` operators that the others read, or that are answers; none where nothing is timed.

    What is made of constants alone is left out: in the whole file it is folded, and XNNPACK refuses it as an output.
    """
    constant = {tensor.index for tensor in graph.tensors if tensor.constant}
    made: list[int] = []
    for operator in graph.operators[:count]:
        if constant.issuperset(index for index in operator.inputs if index >= 0) or operator.name == _VARIABLE:
            constant.update(operator.outputs)
        else:
            made += operator.outputs
    wanted = {index for operator in graph.operators[count:] for index in operator.inputs}
    wanted.update(tensor.index for tensor in graph.outputs)
    return [index for index in made if index in wanted]


def write_csv(rows: Sequence[OperatorTime], path: str | Path) -> None:
    """Writes the rows, with a header of their fields' names."""
    timing.write_csv(rows, path, OperatorTime)


def table(rows: Sequence[OperatorTime]) -> Table:
    """The rows as a rich table for the terminal: a line for each kind of operator, the files side by side, the slowest first;
    below them the slowest single operators."""
    files = list(dict.fromkeys(row.file for row in rows))
    totals = {file: sum(row.ms for row in rows if row.file == file) for file in files}
    shown = Table(title="ms by operator", box=None, padding=(0, 1, 0, 0))
    shown.add_column("operator")
    for file in files:
        for column in (Text(f"{file}\nms"), "share", "nodes", "of peak"):
            shown.add_column(column, justify="right")
    kinds = sorted({row.operator for row in rows}, key=lambda kind: -sum(row.ms for row in rows if row.operator == kind))
    for kind in kinds:
        cells = (_cells([row for row in rows if (row.file, row.operator) == (file, kind)], totals[file]) for file in files)
        shown.add_row(Text(kind), *(cell for each in cells for cell in each))
    shown.add_row("all", *(cell for file in files for cell in (f"{totals[file]:.2f}", "", str(_nodes(rows, file)), "")))
    slowest = sorted(rows, key=lambda row: -row.ms)[:_SLOWEST]
    lines = (f"{row.ms:.2f} ms {row.operator} {row.shape} {row.tensor.split('/')[0]} in {row.file}" for row in slowest)
    shown.caption = Text("\n".join(("Slowest:", *lines)))
    return shown


def _nodes(rows: Sequence[OperatorTime], file: str) -> int:
    return sum(row.file == file for row in rows)


def _cells(rows: Sequence[OperatorTime], total: float) -> tuple[str, str, str, str]:
    """Of one kind of operator in one file: milliseconds, their share, how many, the share of the matrix peak."""
    if not rows:
        return "", "", "", ""
    ms, count = sum(row.ms for row in rows), sum(row.macs for row in rows)
    peaks = [row.gmacs_per_s / row.of_peak for row in rows if row.of_peak > 0]
    of_peak = f"{100 * count / ms / 1e6 / peaks[0]:.0f} %" if count and peaks and ms > 0 else ""
    return f"{ms:.2f}", f"{100 * ms / total:.0f} %", str(len(rows)), of_peak
