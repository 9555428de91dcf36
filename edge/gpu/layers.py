"""Layers and shapes behind operators, as reports name them."""

from __future__ import annotations

from collections.abc import Sequence

from edge.graph import Graph, Operator


def layer_of(graph: Graph, operator: Operator) -> str:
    """The layer that an operator comes from: converters name a tensor after its layer, as layer or layer/role."""
    name = next(iter(result_names(graph, [operator])), "")
    layer, _, role = name.rpartition("/")
    return layer or role


def result_names(graph: Graph, operators: Sequence[Operator]) -> tuple[str, ...]:
    """The names of what operators write, of several names the first: converters name tensors after layers."""
    # What only writes a variable has no output; its first input is named then.
    ends = [next((index for index in (*operator.outputs, *operator.inputs) if index >= 0), None) for operator in operators]
    return tuple(graph.tensors[end].label for end in ends if end is not None)


def shape_of(graph: Graph, tensor: int) -> str:
    """A tensor's type and shape, as "float32 1×9×11×8"."""
    entry = graph.tensors[tensor]
    return f"{entry.dtype} {'×'.join(map(str, entry.shape)) or 'scalar'}"
