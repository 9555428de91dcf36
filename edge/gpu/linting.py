"""Lint: what is known of each operator of a `.tflite` file on LiteRT's GPU accelerator, without a GPU.

Rules (`edge.gpu.rules`) know operators by their shapes and options; the graphs of probe.json, each measured, know which
operators were right somewhere, and which were refused wherever they stood. What neither knows is said to be unmeasured. The
numbers of `edge.gpu_check` are a verdict; this is a warning that costs a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.errors import InputError
from edge.gpu import probe
from edge.gpu.layers import layer_of, shape_of
from edge.gpu.patterns import DYNAMIC, instead_of
from edge.gpu.rules.registry import KINDS, REFUSED, matching
from edge.graph import Graph, Operator, read_graph

UNMEASURED = "unmeasured"
LEVELS = (*KINDS, UNMEASURED)  # the worst first


@dataclass(frozen=True)
class Finding:
    """What is known of one operator.

    Attributes:
        level: one of LEVELS.
        place: among the graph's operators, from 0; None for what is true of the whole file.
        operator: its name.
        layer: the layer that it comes from.
        inputs: types and shapes of the tensors that it reads.
        outputs: those of its results.
        what: what happens.
        advice: what to write instead.
        measured: the graphs of the probe that it was measured on.
    """

    level: str
    place: int | None
    operator: str
    layer: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    what: str
    advice: str
    measured: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lint:
    """The findings on a file, worst first, and which measurements they rest on."""

    path: Path
    operators: int
    findings: tuple[Finding, ...]
    litert: str
    adapter: str

    def at(self, level: str) -> tuple[Finding, ...]:
        """The findings of a level and of worse ones.

        Raises InputError for no level.
        """
        if level not in LEVELS:
            raise InputError(f"level {level!r} is not known; expected one of {', '.join(LEVELS)}")
        return tuple(finding for finding in self.findings if LEVELS.index(finding.level) <= LEVELS.index(level))

    def report(self) -> str:
        """The findings in plain text: those that say the same of the same operator together."""
        groups: dict[tuple[str, str, str, str], list[Finding]] = {}
        for finding in self.findings:
            groups.setdefault((finding.level, finding.operator, finding.what, finding.advice), []).append(finding)
        lines = []
        for (level, operator, what, advice), each in groups.items():
            layers = ", ".join(dict.fromkeys(finding.layer for finding in each[:3])) + (", …" if len(each) > 3 else "")
            count = f" ×{len(each)}" if len(each) > 1 else ""
            at = f" at {layers}" if layers else ""
            lines.append(f"{self.path.name}: {level}: {operator}{count}{at}: {what}. Instead: {advice}.")
        known = f"{self.operators} operators against LiteRT {self.litert} on {self.adapter}"
        return "\n".join([*lines, f"{self.path.name}: {known}: {self._counts()}"])

    def _counts(self) -> str:
        counts = [(level, sum(finding.level == level for finding in self.findings)) for level in LEVELS]
        return ", ".join(f"{count} {level}" for level, count in counts if count) or "nothing found"

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {**asdict(self), "path": str(self.path)}


def gpu_lint(path: str | Path, measurements: probe.Probe | None = None) -> Lint:
    """What is known of each operator of the file at `path`, by rules and by measurements (default: the package's own).

    Raises InputError for a file that is missing or damaged.
    """
    path = Path(path)
    graph, known = read_graph(path), measurements or probe.read()
    findings = sorted(_findings(graph, known), key=lambda finding: LEVELS.index(finding.level))
    return Lint(path, len(graph.operators), tuple(findings), known.litert, known.adapter)


def _findings(graph: Graph, known: probe.Probe) -> Iterator[Finding]:
    if any(tensor.open for tensor in graph.inputs):
        yield Finding(REFUSED, None, "", "", (), (), "it takes any size, a GPU one", DYNAMIC)
    for place, operator in enumerate(graph.operators):
        matches = matching(graph, operator)
        if not matches and operator.name == "DEQUANTIZE" and graph.fixed(operator.outputs[0]):
            continue  # weights of half precision, computed once, when the file is loaded
        for rule in matches:
            rows = [row.name for row in known.graphs if rule.what in row.patterns]
            rows = rows or ([row.name for row in known.graphs if operator.name in row.refused] if rule.kind == REFUSED else [])
            yield _finding(graph, place, rule.kind, rule.what, instead_of(operator.name, rule), rows)
        if not matches:
            yield from _by_measurement(graph, place, known.graphs)


def _by_measurement(graph: Graph, place: int, rows: Sequence[probe.Probed]) -> Iterator[Finding]:
    """Of an operator that no rule knows, what the probe's graphs say: refused in each, or in none of them."""
    operator = graph.operators[place]
    measured = [row for row in rows if operator.name in row.ops]
    if measured and all(operator.name in row.refused for row in measured):
        names = [row.name for row in measured]
        what = "it was refused wherever it was measured"
        yield _finding(graph, place, REFUSED, what, instead_of(operator.name), names)
    elif not measured:
        what = "no measured graph has it"
        yield _finding(graph, place, UNMEASURED, what, "run zoo gpu-check on the file, where a GPU or Chromium is", [])


def _finding(graph: Graph, place: int, level: str, what: str, advice: str, measured: Sequence[str]) -> Finding:
    operator: Operator = graph.operators[place]
    sides = [tuple(shape_of(graph, index) for index in side if index >= 0) for side in (operator.inputs, operator.outputs)]
    return Finding(level, place, operator.name, layer_of(graph, operator), *sides, what, advice, tuple(measured))
