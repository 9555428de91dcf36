"""Activations become part of the operator before them, but for transposed convolutions that stay such."""

from __future__ import annotations

from converters.tflite.writer.graph import ACTIVATIONS, KERNELS, Graph, Operator, Tensor

_FUSE = (*KERNELS, "ADD", "SUB", "MUL", "DIV")


def fuse_activations(graph: Graph) -> None:
    """Lets an operator compute the activation that alone reads it."""
    producers, readers = graph.producers(), graph.readers()
    for operator in list(graph.operators):
        before = producers.get(operator.inputs[0]) if operator.code in ACTIVATIONS else None
        if before is None or before.code not in _FUSE or before.output.dtype != "float32":
            continue
        if len(readers[before.output]) != 1 or before.output in graph.outputs:
            continue
        if before.activation:
            continue
        before.options["fusedActivationFunction"] = ACTIVATIONS[operator.code]
        before.outputs = operator.outputs
        before.layers = tuple(dict.fromkeys((*before.layers, *operator.layers)))
        producers[operator.output] = before
        graph.remove([operator])


def part_from_transposed(graph: Graph) -> None:
    """Takes activations out of TRANSPOSE_CONV again: with one it is of a version that LiteRT's GPU accelerator refuses."""
    codes = {number: code for code, number in ACTIVATIONS.items()}
    operators: list[Operator] = []
    for operator in graph.operators:
        operators.append(operator)
        if operator.code == "TRANSPOSE_CONV" and operator.activation:
            code, output = codes[operator.options.pop("fusedActivationFunction")], operator.output
            linear = Tensor(output.shape, output.dtype, output.layer, "linear")
            operator.outputs = [linear]
            operators.append(Operator(code, [linear], [output], {}, operator.layers))
    graph.operators = operators
