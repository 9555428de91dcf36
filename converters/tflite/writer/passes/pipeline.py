"""The order of the passes."""

from __future__ import annotations

from converters.tflite.writer.graph import Graph
from converters.tflite.writer.passes.folding import fold_affine
from converters.tflite.writer.passes.fusing import fuse_activations
from converters.tflite.writer.passes.structure import drop_idle


def optimize(graph: Graph) -> None:
    """Makes the graph that layers were lowered to the one that goes into a file."""
    graph.prune()
    fold_affine(graph)
    drop_idle(graph)
    fuse_activations(graph)
