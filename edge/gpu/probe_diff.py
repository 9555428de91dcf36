"""Probes side by side: what has changed since one, the graphs that runtimes make different things of, and files of several."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputError
from edge.gpu.probe import NOT_WHOLE, SUFFIXES, Probe, Probed, as_csv, as_json, of_csv


@dataclass(frozen=True)
class Difference:
    """A graph in one form, and its row in each runtime, in their order."""

    name: str
    recipe: str
    rows: tuple[Probed, ...]

    def words(self) -> tuple[str, ...]:
        """What each runtime makes of it, in a few letters."""
        return tuple(map(_word, self.rows))


def title(probe: Probe) -> str:
    """A runtime's name with its version and accelerator."""
    return f"{probe.runtime} {probe.litert}, {probe.accelerator}"


def differences(probes: Sequence[Probe]) -> list[Difference]:
    """The graphs that not all runtimes make the same of. Those that only some were asked are left out."""
    tables = [probe.rows for probe in probes]
    shared = [key for key in tables[0] if all(key in table for table in tables)]
    rows = [Difference(*key, tuple(table[key] for table in tables)) for key in shared]
    return [row for row in rows if len({graph.truth for graph in row.rows}) > 1]


def table(probes: Sequence[Probe]) -> str:
    """The differences in plain text, a line a graph."""
    lines = [("graph", "form", *map(title, probes))]
    lines += [(row.name, row.recipe, *row.words()) for row in differences(probes)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def changes(probe: Probe, earlier: Probe) -> Iterator[str]:
    """A line for each graph of which the gate says what is not true, or of which an earlier probe says something else."""
    before = earlier.rows
    for graph in probe.graphs:
        old, label = before.get(graph.key), ", ".join(graph.key)
        if not graph.right:
            yield f"{label}: the gate says {graph.verdict}, the truth is {graph.truth}"
        elif old is None or (graph.truth, graph.verdict) != (old.truth, old.verdict):
            was = f"{_result(old)} with LiteRT {earlier.litert} on {earlier.adapter}" if old else "not measured before"
            yield f"{label}: {_result(graph)}; {was}"


def asked_before(
    probes: Sequence[Probe], names: Sequence[str], version: str, accelerator: str
) -> tuple[Probe | None, list[str]]:
    """(what a runtime has been asked, the graphs that it has not)."""
    before = next((one for one in probes if (one.litert, one.accelerator) == (version, accelerator)), None)
    known = {graph.name for graph in before.graphs} if before else set()
    return before, [name for name in names if name not in known]


def write_all(probes: Sequence[Probe], path: Path) -> None:
    """Writes every row of every runtime as the file's name ends: .csv, or .json with a list of probes."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"probes are written as {' or '.join(SUFFIXES)}, not as {path.name}")
    if path.suffix == ".csv":
        text = io.StringIO()
        for place, probe in enumerate(probes):
            whole = as_csv(probe)
            text.write(whole if place == 0 else whole.partition("\n")[2])
        path.write_text(text.getvalue(), encoding="utf-8")
        return
    path.write_text('{"probes": [\n' + ",\n".join(as_json(probe).rstrip() for probe in probes) + "\n]}\n", encoding="utf-8")


def completed(probes: Sequence[Probe], earlier: Sequence[Probe]) -> list[Probe]:
    """The probes, and behind them those of an earlier measurement whose runtimes are not among them."""
    runtimes = {title(probe) for probe in probes}
    return [*probes, *(probe for probe in earlier if title(probe) not in runtimes)]


def read_all(path: Path) -> list[Probe]:
    """The probes of a file of several, as `write_all` leaves it.

    Raises InputError where it is missing or holds none.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return of_csv(text) if path.suffix == ".csv" else [Probe.of(entry) for entry in json.loads(text)["probes"]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as probes ({error}); zoo gpu-probe --diff … --out {path} makes it") from error


def _result(graph: Probed) -> str:
    return graph.truth if graph.gpu is None else f"{graph.truth}, {graph.gpu:g} of the largest value from the truth"


def _word(graph: Probed) -> str:
    if graph.truth == NOT_WHOLE and graph.refused:
        return f"{NOT_WHOLE}: {' '.join(graph.refused)}"
    return graph.truth if graph.gpu is None or graph.equal else f"{graph.truth}, {graph.gpu:g}"
