"""Probes of LiteRT's GPU accelerator by small graphs whose true answers are known: what it made of each operator.

`probe.json` holds them for one version of LiteRT on one driver; `edge.gpu.patterns` stands on them. `zoo gpu-probe` measures
them again (`edge.gpu.probing`), here or where another driver or another LiteRT is. A probe is written as JSON or, with the same
rows, as CSV; from the same measurements the files are equal byte for byte.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from edge.errors import InputError

FILE = Path(__file__).with_name("probe.json")
REFERENCE = "NumPy, float64"  # what true answers are computed by
EQUAL, NOT_WHOLE, WRONG, CRASHED, FLAT = "whole and equal", "not whole", "wrong numbers", "crashed", "inconclusive"
SUFFIXES = (".json", ".csv")
_COLUMNS = {  # of the CSV → the field
    "graph": "name",
    "operator": "operator",
    "form": "recipe",
    "inputs": "inputs",
    "outputs": "outputs",
    "outcome": "truth",
    "gpu_error": "gpu",
    "cpu_error": "cpu",
    "half_error": "half",
    "gate": "verdict",
    "refused": "refused",
    "why": "why",
    "operators": "ops",
    "source": "source",
}
_HEAD = {"runtime": "runtime", "version": "litert", "accelerator": "accelerator", "adapter": "adapter", "date": "date"}


@dataclass(frozen=True)
class Probed:
    """One graph.

    `truth` is what its numbers say and `verdict` what the gate said, both of `edge.gpu.check.REASONS` (the verdict is empty
    where the gate was not asked). `whole` says whether the accelerator took the graph; `equal` whether its answers are the true
    ones (None where it gave none). `gpu` and `cpu` are the largest differences from the true answers over their largest value,
    of whole numbers the share that differs; `half` is the CPU's in half precision, where it has that (None: it has not;
    `probing.OVERFLOW`: infinite). `ops` are the graph's operators, `operator` the one that it asks about. `patterns` are those
    of `edge.gpu.patterns` that were met in it, `refused` the ops that the accelerator named and `why` its words. `source` says
    who reported the graph first.
    """

    name: str
    recipe: str
    ops: tuple[str, ...]
    truth: str
    verdict: str
    whole: bool
    equal: bool | None
    gpu: float | None
    cpu: float | None
    refused: tuple[str, ...]
    patterns: tuple[str, ...]
    operator: str = ""
    inputs: str = ""
    outputs: str = ""
    half: float | None = None
    why: str = ""
    source: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the other graphs of a probe: its name and form."""
        return self.name, self.recipe

    @property
    def right(self) -> bool:
        """Whether the gate said what is true. A graph whose answers prove nothing is none of its verdicts."""
        return self.verdict in (self.truth, "") or (self.verdict == FLAT and self.truth == EQUAL)


@dataclass(frozen=True)
class Probe:
    """All graphs; the runtime and its version, the accelerator, the GPU's name, what the true answers are, and the day."""

    litert: str
    adapter: str
    reference: str
    graphs: tuple[Probed, ...]
    runtime: str = "ai-edge-litert"
    accelerator: str = "GPU"
    date: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Probe:
        """The probe of a JSON object."""
        rows = ({key: _plain(value) for key, value in row.items()} for row in data["graphs"])
        head = {key: value for key, value in data.items() if key != "graphs"}
        return cls(**head, graphs=tuple(Probed(**row) for row in rows))

    @property
    def rows(self) -> dict[tuple[str, str], Probed]:
        """The graphs by their keys, in order."""
        return {graph.key: graph for graph in self.graphs}

    def report(self) -> str:
        """How many there are and what came of them, in one line."""
        counts = Counter(graph.truth for graph in self.graphs)
        truths = ", ".join(f"{count} {truth}" for truth, count in counts.most_common())
        wrong = sum(not graph.right for graph in self.graphs)
        where = f"{self.accelerator}, {self.adapter}" if self.adapter else self.accelerator
        return f"{len(self.graphs)} graphs on {where}, {self.runtime} {self.litert}: {truths}; wrong verdicts: {wrong}"


def read(path: Path = FILE) -> Probe:
    """The measurements of a JSON file.

    Raises InputError where it is missing or no probe.
    """
    try:
        return Probe.of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as a probe ({error}); zoo gpu-probe --out {path} makes it anew") from error


def write(probe: Probe, path: Path) -> None:
    """Writes the measurements, a line a graph, as the file's name ends: .json or .csv."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"a probe is written as {' or '.join(SUFFIXES)}, not as {path.name}")
    path.write_text(as_csv(probe) if path.suffix == ".csv" else as_json(probe), encoding="utf-8")


def joined(result: Probe, earlier: Probe, order: list[str]) -> Probe:
    """The new rows, and those of an earlier probe of the same runtime and driver for graphs that were not measured now.

    Where nothing differs from the earlier one, its date stays.
    """
    adapter = result.adapter or earlier.adapter  # unknown where every graph was refused
    result = replace(result, adapter=adapter)
    same = replace(earlier, graphs=(), date="", adapter=adapter) == replace(result, graphs=(), date="")
    same = same and earlier.adapter in ("", adapter)
    rows = result.rows
    if same:
        rows = {key: graph for key, graph in earlier.rows.items() if graph.name in order} | rows
    graphs = tuple(sorted(rows.values(), key=lambda graph: (order.index(graph.name), graph.recipe)))
    return replace(result, graphs=graphs, date=earlier.date if same and graphs == earlier.graphs else result.date)


def as_json(probe: Probe) -> str:
    """The measurements as JSON, a line a graph."""
    data = asdict(probe)
    rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in data.pop("graphs"))
    head = json.dumps(data, ensure_ascii=False)[1:-1]
    return f"{{{head}, \"graphs\": [\n{rows}\n]}}\n"


def as_csv(probe: Probe) -> str:
    """The measurements as CSV, each row with the runtime, its version, the GPU and the day."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, *_HEAD])
    head = [getattr(probe, field) for field in _HEAD.values()]
    for graph in probe.graphs:
        writer.writerow([*(_cell(getattr(graph, field)) for field in _COLUMNS.values()), *head])
    return text.getvalue()


def of_csv(text: str) -> list[Probe]:
    """The probes of a CSV, a row a graph, of one runtime after another. Of patterns it says nothing.

    Raises KeyError and ValueError for other columns, and what are no numbers.
    """
    graphs: dict[tuple[str, ...], list[Probed]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        graphs.setdefault(tuple(row[column] for column in _HEAD), []).append(_graph(row))
    return [
        Probe(**dict(zip(_HEAD.values(), head, strict=True)), reference=REFERENCE, graphs=tuple(rows))
        for head, rows in graphs.items()
    ]


def _graph(row: Mapping[str, str]) -> Probed:
    cells: dict[str, Any] = {field: row[column] for column, field in _COLUMNS.items()}
    for field in ("gpu", "cpu", "half"):
        cells[field] = float(cells[field]) if cells[field] else None
    for field in ("ops", "refused"):
        cells[field] = tuple(cells[field].split())
    truth = cells["truth"]
    whole, equal = truth in (EQUAL, WRONG), {EQUAL: True, WRONG: False}.get(truth)
    return Probed(**cells, whole=whole, equal=equal, patterns=())


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return " ".join(value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else value


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def litert() -> str:
    """The version of LiteRT that is installed."""
    return metadata.version("ai-edge-litert")
