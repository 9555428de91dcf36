"""The order of the passes."""

from __future__ import annotations

from converters.tflite.writer.graph import Graph
from converters.tflite.writer.passes.borders import keep_borders
from converters.tflite.writer.passes.class_maps import fill_lanes
from converters.tflite.writer.passes.folding import fold_affine
from converters.tflite.writer.passes.fusing import fuse_activations, part_from_transposed
from converters.tflite.writer.passes.structure import drop_idle
from converters.tflite.writer.passes.transposed import rewrite_transposed


def optimize(graph: Graph) -> None:
    """Makes the graph that layers were lowered to the one that goes into a file."""
    graph.prune()
    fold_affine(graph)
    drop_idle(graph)
    fuse_activations(graph)
    fill_lanes(graph)
    rewrite_transposed(graph)
    part_from_transposed(graph)
    keep_borders(graph)
