"""How long `.tflite` files take here, by accelerator and thread count, in a way that lets two of them be compared."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import numpy as np
from rich.table import Table
from rich.text import Text

from edge.arithmetic import macs, peak
from edge.errors import InputError
from edge.gpu.remote import ACCELERATORS, Remote
from edge.graph import Graph, Tensor, read_graph
from edge.guess import guess_input
from edge.images import structured
from zoo.outputs import InputSpec
from zoo.outputs.score import SHARE, Score


@dataclass(frozen=True)
class Row:
    """One file on one accelerator with one number of threads (0 for the GPU).

    Times are in milliseconds. An inference includes writing the input and reading the output back. `load_ms` is the load
    and the compilation, `peak_bytes` the worker process's peak, runtime included (0 where the system does not tell).
    `ratio` is the median over that of the first file under the same accelerator and threads. `gmacs` are the billions of
    multiply-accumulates of one inference, `gmacs_per_s` those done in a second and `peak_gmacs_per_s` what a float32 matrix
    product reaches on as many threads in the same minute; int8 may pass it. NaN where a custom op hides its arithmetic, and
    the peak on a GPU. `error` says why a file did not run; its times are then NaN. `score` with its name, unit and direction,
    and the data that it is of, are put there by `scored`; NaN where nobody knows.
    """

    file: str
    accelerator: str
    threads: int
    size: str
    median_ms: float
    p95_ms: float
    load_ms: float
    peak_bytes: int
    bytes: int
    repeats: int
    ratio: float
    gmacs: float = math.nan
    gmacs_per_s: float = math.nan
    peak_gmacs_per_s: float = math.nan
    adapter: str = ""
    error: str = ""
    score: float = math.nan
    score_name: str = ""
    scored_on: str = ""
    score_unit: str = SHARE
    higher_is_better: bool = True

    @property
    def result(self) -> Score:
        """The score as such."""
        return Score(self.score_name, self.score, self.score_unit, self.higher_is_better)


@dataclass
class _Contest:
    """One row in the making."""

    path: Path
    name: str
    accelerator: str
    threads: int
    gmacs: float
    size: str
    feed: list[np.ndarray]
    error: str = ""
    worker: Remote | None = None
    times: list[float] = field(default_factory=list)

    def run(self, counts: bool) -> None:
        if self.worker is None:
            return
        try:
            milliseconds, _ = self.worker.timed(self.feed)
        except InputError as error:
            self.worker.close()
            self.worker, self.error = None, str(error)
            return
        if counts:
            self.times.append(milliseconds)


def benchmark(
    paths: Sequence[str | Path],
    accelerators: Sequence[str] = ("cpu",),
    threads: Sequence[int] = (1, 2),
    *,
    repeats: int = 50,
    warmup: int = 5,
    timeout: float = 300.0,
    input_size: tuple[int, int] | None = None,
) -> list[Row]:
    """Latency of each file on each accelerator, the CPU once for each number of threads, in the order given.

    `input_size` (height, width) is for files that take any size; without it they are rows with an error.

    Every combination has a worker process of its own, and they take turns, one inference each: what else the machine does
    meanwhile falls on all of them alike, so that ratios mean something. A file that an accelerator does not take gives a
    row with its `error`, and so does one that takes text. Raises InputError for no files, a file that is missing or
    damaged, or numbers below 1.
    """
    paths = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    names = dict(zip(paths, told_apart(paths), strict=True))
    _check(paths, accelerators, threads, repeats, warmup)
    contests: list[_Contest] = []
    try:
        for path, accelerator in itertools.product(paths, accelerators):
            graph = read_graph(path)
            feed, error = feeds(graph, input_size)
            for count in threads if accelerator == "cpu" else (0,):
                contest = _Contest(path, names[path], accelerator, count, macs(graph) / 1e9, _size(graph, feed), feed, error)
                contests.append(_open(contest, timeout))
        for turn in range(warmup + repeats):
            for contest in contests:
                contest.run(counts=turn >= warmup)
        return _rows(contests)
    finally:
        for contest in contests:
            if contest.worker is not None:
                contest.worker.close()


def _check(
    paths: Sequence[Path], accelerators: Sequence[str], threads: Sequence[int], repeats: int, warmup: int
) -> None:
    if not paths:
        raise InputError("no files to time; give at least one .tflite file")
    unknown = [name for name in accelerators if name not in ACCELERATORS]
    if unknown or not accelerators:
        raise InputError(f"accelerators are {tuple(accelerators)}; expected some of {', '.join(ACCELERATORS)}")
    if not threads or any(not isinstance(count, int) or count < 1 for count in threads):
        raise InputError(f"threads are {tuple(threads)}; expected whole numbers from 1")
    if repeats < 1 or warmup < 0:
        raise InputError(f"repeats is {repeats} and warmup {warmup}; expected at least 1 and 0")


def told_apart(paths: Sequence[Path]) -> list[str]:
    """The files' names, with as many of their folders before them as it takes to tell them apart."""
    parts = [path.parts for path in paths]
    names = [path.name for path in paths]
    for depth in range(2, max(map(len, parts), default=0) + 1):
        if len(set(names)) == len(set(paths)):
            break
        names = [name if names.count(name) == 1 else "/".join(own[-depth:]) for name, own in zip(names, parts, strict=True)]
    return names


def _open(contest: _Contest, timeout: float) -> _Contest:
    if contest.error:
        return contest
    try:
        contest.worker = Remote(contest.path, contest.accelerator, threads=contest.threads or None, timeout=timeout)
    except InputError as error:  # the accelerator's, or the CPU's of an operator that it does not have
        contest.error = str(error)
    return contest


def feeds(graph: Graph, size: tuple[int, int] | None) -> tuple[list[np.ndarray], str]:
    """(the inputs, "") or, where there is nothing to feed it, ([], why)."""
    try:
        return [_feed(tensor, guess_input(graph, tensor), size) for tensor in graph.inputs], ""
    except InputError as error:
        return [], str(error)


def _feed(tensor: Tensor, spec: InputSpec, size: tuple[int, int] | None) -> np.ndarray:
    """A structured picture in the tensor's own type. Times hardly depend on values, but denormals and NaN are slow."""
    spec = replace(spec, size=spec.size or size)
    if tensor.open and not (spec.layout and spec.size):
        raise InputError(f"{tensor.label!r} takes any size: say which with input_size=(height, width), --size")
    sides = [1 if side < 0 else side for side in tensor.signature]
    if not spec.layout:
        return tensor.store(np.ones(sides, np.float32))
    for letter, side in zip("HW", spec.size, strict=True):
        sides[spec.layout.index(letter)] = side
    frames = structured(*spec.size, -(-spec.channels // 3))
    picture = np.concatenate(frames, axis=-1)[..., : spec.channels]
    batch = np.broadcast_to(picture.transpose(["HWC".index(letter) for letter in spec.layout.replace("N", "")]), sides)
    # Quantised inputs take the bytes as they are, shifted where they are signed.
    return np.ascontiguousarray(batch - (128 if tensor.dtype == "int8" else 0)).astype(tensor.dtype)


def _size(graph: Graph, feed: Sequence[np.ndarray]) -> str:
    """The first input's, without the batch; of what could not be fed as the file says."""
    sides = feed[0].shape[1:] if feed else graph.inputs[0].signature[1:]
    return "×".join("any" if side < 0 else str(side) for side in sides)


def _rows(contests: Sequence[_Contest]) -> list[Row]:
    first: dict[tuple[str, int], float] = {}
    peaks = {count: peak(count) for count in {contest.threads for contest in contests} if count}
    rows = []
    for contest in contests:
        worker, timed = contest.worker, bool(contest.times) and not contest.error
        median = float(np.median(contest.times)) if timed else float("nan")
        base = first.setdefault((contest.accelerator, contest.threads), median)
        rows.append(
            Row(
                file=contest.name,
                accelerator=contest.accelerator,
                threads=contest.threads,
                size=contest.size,
                median_ms=median,
                p95_ms=float(np.percentile(contest.times, 95)) if timed else float("nan"),
                load_ms=worker.load_ms if worker else float("nan"),
                peak_bytes=worker.peak_bytes if worker else 0,
                bytes=contest.path.stat().st_size,
                repeats=len(contest.times),
                ratio=median / base,
                gmacs=contest.gmacs,
                gmacs_per_s=1000 * contest.gmacs / median,
                peak_gmacs_per_s=peaks.get(contest.threads, math.nan),
                adapter=worker.adapter if worker and contest.accelerator == "gpu" else "",
                error=contest.error,
            )
        )
    return rows


def scored(rows: Sequence[Row], file: str, score: Score, data: str) -> list[Row]:
    """The rows, those of one file with its score and the data that it is of."""
    facts = {"score": score.value, "score_name": score.name, "score_unit": score.unit, "scored_on": data}
    facts["higher_is_better"] = score.higher_is_better
    return [replace(row, **facts) if row.file == file else row for row in rows]


def write_csv(rows: Sequence[object], path: str | Path, kind: type = Row) -> None:
    """Writes rows of a dataclass, with a header of their fields' names."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [column.name for column in fields(kind)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def table(rows: Sequence[Row]) -> Table:
    """The rows as a rich table, for the terminal."""
    shown = Table(title="Latency in ms, read-back included; sizes in MiB", box=None, padding=(0, 1, 0, 0))
    shown.add_column("file", overflow="fold")
    for name in ("on", "input", "median", "p95", "× first", "GMAC/s", "load", "peak", "file"):
        shown.add_column(name, justify="left" if name == "on" else "right", no_wrap=name != "on")
    scored_rows = [row for row in rows if not math.isnan(row.score)]
    if scored_rows:
        first = scored_rows[0]
        shown.add_column(Text(f"{first.score_name} {first.result.shown_unit}".rstrip()), justify="right", no_wrap=True)
    for row in rows:
        where = row.adapter or row.accelerator.upper()
        on = f"{where}, {row.threads} thread{'s' if row.threads > 1 else ''}" if row.threads else where
        sizes = (f"{row.peak_bytes / 2**20:.0f}", f"{row.bytes / 2**20:.2f}")
        score = ["" if math.isnan(row.score) else row.result.text.removesuffix(" %")] if scored_rows else []
        if row.error:
            shown.add_row(Text(row.file), Text(on), row.size, Text(row.error, "red"), "", "", "", "", "", sizes[1], *score)
            continue
        pace = "" if math.isnan(row.gmacs_per_s) else f"{row.gmacs_per_s:.0f}"
        times = (f"{row.median_ms:.2f}", f"{row.p95_ms:.2f}", f"{row.ratio:.2f}", pace, f"{row.load_ms:.0f}")
        shown.add_row(Text(row.file), Text(on), row.size, *times, *sizes, *score)
    peaks = sorted({(row.threads, row.peak_gmacs_per_s) for row in rows if not math.isnan(row.peak_gmacs_per_s)})
    if peaks:
        measured = ", ".join(f"{value:.0f} on {count} thread{'s' if count > 1 else ''}" for count, value in peaks)
        shown.caption = f"GMAC/s of a float32 matrix product here: {measured}"
    return shown
