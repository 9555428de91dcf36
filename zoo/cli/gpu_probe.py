"""`zoo gpu-probe`."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.quiet import start_keras
from zoo.errors import unknown

if TYPE_CHECKING:
    from edge.gpu.probe import Probe, Probed

PICTURES = 3


def gpu_probe(
    names: Annotated[list[str] | None, typer.Argument(help="Some graphs only; default all.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Leave what was measured there, as JSON; rows of other graphs stay.")
    ] = None,
) -> None:
    """What does this machine's GPU driver make of small graphs whose truth is known? Exit status 1 after a wrong verdict.

    The densezoo package holds such a measurement, and what differs from it here is shown. The caution about patterns that
    zoo gpu-check gives rests on it. Takes some minutes.

    Example: zoo gpu-probe one_hot transposed_by_8
    """
    start_keras()
    from converters.probe_graphs import GRAPHS
    from edge.gpu import probe

    stray = next((name for name in names or () if name not in GRAPHS), None)
    if stray is not None:
        raise unknown("graph", stray, GRAPHS)
    result = measure(names or list(GRAPHS))
    if probe.FILE.is_file():
        _compare(result, probe.read())
    print(result.report())
    if out is not None:
        probe.write(_joined(result, probe.read(out), list(GRAPHS)) if out.is_file() else result, out)
    raise typer.Exit(0 if all(graph.right for graph in result.graphs) else 1)


def measure(names: list[str]) -> Probe:
    """Builds those graphs and has the accelerator run them, against TensorFlow's own answers."""
    import numpy as np
    import tensorflow as tf
    from rich.console import Console
    from rich.progress import track

    from converters import probe_graphs
    from edge.gpu import probe
    from edge.images import structured

    side = probe_graphs.SIDE
    pictures = [picture[None].astype(np.float32) for picture in structured(side, side, PICTURES, seed=5)]
    rows: list[Probed] = []
    adapters: dict[str, None] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in track(names, "probing", console=Console(stderr=True)):
            graph = probe_graphs.GRAPHS[name]
            path = probe_graphs.build(name, Path(folder) / f"{name}.tflite")
            reference = [probe_graphs.answer(name, picture) for picture in pictures]
            row, adapter = probe.probe(path, name, graph.recipe, graph.truth, pictures, reference)
            rows.append(row)
            adapters |= {adapter: None} if adapter else {}
    return probe.Probe(probe.litert(), ", ".join(adapters), f"TensorFlow {tf.__version__}", tuple(rows))


def _joined(result: Probe, earlier: Probe, order: list[str]) -> Probe:
    """The new rows, and those of an earlier probe of the same versions and driver for graphs that were not measured now."""
    rows = {graph.name: graph for graph in result.graphs}
    if (result.litert, result.adapter, result.reference) == (earlier.litert, earlier.adapter, earlier.reference):
        rows = {graph.name: graph for graph in earlier.graphs if graph.name in order} | rows
    return replace(result, graphs=tuple(sorted(rows.values(), key=lambda graph: order.index(graph.name))))


def _compare(result: Probe, earlier: Probe) -> None:
    before = {graph.name: graph for graph in earlier.graphs}
    for graph in result.graphs:
        old = before.get(graph.name)
        if not graph.right:
            print(f"{graph.name}: the gate says {graph.verdict}, the truth is {graph.truth}")
        elif old is None or (graph.verdict, graph.whole, graph.equal) != (old.verdict, old.whole, old.equal):
            was = f"{_told(old)} with LiteRT {earlier.litert} on {earlier.adapter}" if old else "not measured before"
            print(f"{graph.name}: {_told(graph)}; {was}")


def _told(graph: Probed) -> str:
    return graph.verdict if graph.gpu is None else f"{graph.verdict}, {graph.gpu:g} of the spread from the truth"
