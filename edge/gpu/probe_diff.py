"""Probes of several runtimes side by side: the graphs of which they make different things, and files that hold them all."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputError
from edge.gpu.probe import NOT_WHOLE, SUFFIXES, Probe, Probed, as_csv, as_json


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
    tables = [{(graph.name, graph.recipe): graph for graph in probe.graphs} for probe in probes]
    shared = [key for key in tables[0] if all(key in table for table in tables)]
    rows = [Difference(*key, tuple(table[key] for table in tables)) for key in shared]
    return [row for row in rows if len({graph.truth for graph in row.rows}) > 1]


def table(probes: Sequence[Probe]) -> str:
    """The differences in plain text, a line a graph."""
    lines = [("graph", "form", *map(title, probes))]
    lines += [(row.name, row.recipe, *row.words()) for row in differences(probes)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


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


def read_all(path: Path) -> list[Probe]:
    """The probes of a JSON file of several.

    Raises InputError where it is missing or holds none.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))["probes"]
        return [Probe.of(entry) for entry in data]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as probes ({error}); zoo gpu-probe --diff … --out {path} makes it") from error


def _word(graph: Probed) -> str:
    if graph.truth == NOT_WHOLE and graph.refused:
        return f"{NOT_WHOLE}: {' '.join(graph.refused)}"
    return graph.truth if graph.gpu is None or graph.equal else f"{graph.truth}, {graph.gpu:g}"
