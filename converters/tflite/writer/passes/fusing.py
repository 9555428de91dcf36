"""Activations become part of the operator before them."""

from __future__ import annotations

from converters.tflite.writer.graph import KERNELS, Graph

RELU, RELU_N1_TO_1, RELU6 = 1, 2, 3  # the schema's ActivationFunctionType
_ACTIVATIONS = {"RELU": RELU, "RELU_N1_TO_1": RELU_N1_TO_1, "RELU6": RELU6}
_FUSE = (*KERNELS, "ADD", "SUB", "MUL", "DIV")


def fuse_activations(graph: Graph) -> None:
    """Lets an operator compute the activation that alone reads it."""
    producers, readers = graph.producers(), graph.readers()
    for operator in list(graph.operators):
        before = producers.get(operator.inputs[0]) if operator.code in _ACTIVATIONS else None
        if before is None or before.code not in _FUSE or before.output.dtype != "float32":
            continue
        if len(readers[before.output]) != 1 or before.output in graph.outputs:
            continue
        if before.options.get("fusedActivationFunction"):
            continue
        before.options["fusedActivationFunction"] = _ACTIVATIONS[operator.code]
        before.outputs = operator.outputs
        before.layers = tuple(dict.fromkeys((*before.layers, *operator.layers)))
        producers[operator.output] = before
        graph.remove([operator])
