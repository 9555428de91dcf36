"""Probes of LiteRT's GPU accelerator, by small graphs of known truth: the measurements behind `edge.gpu.patterns`.

`probe.json` holds them for one version of LiteRT on one driver. `zoo gpu-probe` measures them again, here or where another
driver is; the graphs are built with TensorFlow, which this package does without.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import AcceleratorError, InputError
from edge.gpu.check import gpu_check
from edge.graph import read_graph
from edge.runner import Runner
from zoo import outputs
from zoo.outputs.tolerances import OF_GPU

FILE = Path(__file__).with_name("probe.json")


@dataclass(frozen=True)
class Probed:
    """One graph.

    `truth` is what is known of it and `verdict` what the gate said, both of `edge.gpu.check.REASONS`. The rest is measured
    without the gate: whether the accelerator took the graph `whole`; whether its answer is `equal` to the reference's (None
    where there is none, or one that proves nothing); `gpu` and `cpu`, the largest difference from the reference over its
    range, of class indices what is missing of their union. `patterns` are those of `edge.gpu.patterns` that were found in
    it, and `refused` the ops that the accelerator named.
    """

    name: str
    recipe: str
    ops: tuple[str, ...]
    truth: str
    verdict: str
    whole: bool
    equal: bool | None
    gpu: float | None
    cpu: float
    refused: tuple[str, ...]
    patterns: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether the gate said what is true."""
        return self.verdict == self.truth


@dataclass(frozen=True)
class Probe:
    """All graphs, the version of LiteRT, the GPU's name, and what the reference answers are of."""

    litert: str
    adapter: str
    reference: str
    graphs: tuple[Probed, ...]

    def report(self) -> str:
        """How many there are and what came of them, in one line."""
        counts = Counter(graph.verdict for graph in self.graphs)
        wrong = sum(not graph.right for graph in self.graphs)
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        return f"{len(self.graphs)} graphs on {self.adapter}, LiteRT {self.litert}: {verdicts}; wrong verdicts: {wrong}"


def probe(
    path: Path, name: str, recipe: str, truth: str, pictures: Sequence[np.ndarray], reference: Sequence[np.ndarray]
) -> tuple[Probed, str]:
    """(what came of one file, the GPU's name), given pictures 1×h×w×c in the file's own range and the true answers to them."""
    graph = read_graph(path)
    verdict = gpu_check(path, pictures)
    if verdict.reason == "no driver":
        raise AcceleratorError(verdict.detail, "no driver")

    def difference(runner: Runner) -> tuple[bool | None, float]:
        with runner:
            answers = np.concatenate([runner.run(picture) for picture in pictures])
        spec, tolerance = runner.card.spec, OF_GPU["float32", graph.rounded]
        result = outputs.kind(spec).compare(np.concatenate(reference), answers, spec, tolerance)
        error = result.measures.get("largest", 1 - result.measures.get("iou", float(result.passed is not False)))
        return result.passed, _rounded(error)

    whole, equal, gpu = True, None, None
    try:
        equal, gpu = difference(Runner(path, "gpu"))
    except AcceleratorError as error:
        whole = error.reason != "not whole"
    row = Probed(
        name=name,
        recipe=recipe,
        ops=tuple(sorted({operator.name for operator in graph.operators})),
        truth=truth,
        verdict=verdict.reason,
        whole=whole,
        equal=equal,
        gpu=gpu,
        cpu=difference(Runner(path))[1],
        refused=tuple(entry.op for entry in verdict.unsupported),
        patterns=tuple(caution.what for caution in verdict.cautions if caution.kind != "overflow"),
    )
    return row, verdict.adapter


def _rounded(value: float) -> float:
    """Two digits: the next ones are the machine's."""
    return float(f"{value:.1e}")


def litert() -> str:
    """The version of LiteRT that is installed."""
    return metadata.version("ai-edge-litert")


def read(path: Path = FILE) -> Probe:
    """The measurements of a file.

    Raises InputError where it is missing or no probe.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        graphs = tuple(Probed(**{key: _plain(value) for key, value in row.items()}) for row in data.pop("graphs"))
        return Probe(**data, graphs=graphs)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as a probe ({error}); zoo gpu-probe --out {path} makes it anew") from error


def write(probe: Probe, path: Path) -> None:
    """Writes the measurements, a line a graph."""
    data = asdict(probe)
    rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in data.pop("graphs"))
    head = json.dumps(data, ensure_ascii=False)[1:-1]
    path.write_text(f"{{{head}, \"graphs\": [\n{rows}\n]}}\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
