"""Rules of operators that move values: splits, shapes, orders."""

from __future__ import annotations

from edge.gpu.rules.registry import WRONG, rule
from edge.graph import Graph, Operator

_LANES = 4
_MAP = 4  # axes
_SPLITS = ("SPLIT", "SPLIT_V")
_PAIRS = ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "POW")


@rule(
    "CONCATENATION",
    kind=WRONG,
    what="SPLIT joined again in another order gives wrong values",
    advice="slice (x[..., a:b]) instead of splitting",
)
def _reordered(graph: Graph, operator: Operator) -> bool:
    """Pieces that go straight into one CONCATENATION in another order than the split's."""
    orders: dict[tuple[int, ...], list[int]] = {}
    for tensor in operator.inputs:
        split = graph.producer(tensor)
        if split is not None and split.name in _SPLITS:
            orders.setdefault(split.outputs, []).append(split.outputs.index(tensor))
    return any(order != sorted(order) for order in orders.values())


@rule(
    *_PAIRS,
    kind=WRONG,
    what="a piece of a SPLIT or UNPACK computed with the piece before it gives wrong values",
    advice="slice (x[..., a:b]) instead of splitting",
)
def _pieces(graph: Graph, operator: Operator) -> bool:
    """A later piece, as it is, and what is made of the first one: right for a product, or three pieces, in order alone."""
    pair = operator.inputs[:2]
    if len(pair) < 2:
        return False
    for one, other in (pair, pair[::-1]):
        split, source = graph.producer(one), _source(graph, other)
        if split is None or not _splits(graph, split) or split.outputs.index(one) != 1 or source != split.outputs[0]:
            continue
        in_order = (other, one) == pair and other == source
        if not (in_order and (operator.name == "MUL" or len(split.outputs) > 2)):
            return True
    return False


def _splits(graph: Graph, operator: Operator) -> bool:
    """Whether an operator gives pieces; UNPACK along the last axis is right."""
    last = len(graph.tensors[operator.inputs[0]].shape) - 1
    return operator.name in _SPLITS or (operator.name == "UNPACK" and operator.options.get("axis") not in (-1, last))


@rule(
    "PAD",
    "PADV2",
    kind=WRONG,
    what="PAD of 3 dimensions along the first, the batch's, gives wrong values",
    advice="give it an axis of 1 in front",
)
def _padded_batch(graph: Graph, operator: Operator) -> bool:
    return len(graph.tensors[operator.inputs[0]].shape) == 3 and any(graph.tensors[operator.inputs[1]].values[:2])


def _source(graph: Graph, tensor: int) -> int:
    """The tensor behind operators of one input."""
    while (maker := graph.producer(tensor)) is not None and len(maker.inputs) == 1 and len(maker.outputs) == 1:
        tensor = maker.inputs[0]
    return tensor


@rule(
    "DEPTH_TO_SPACE",
    "SPACE_TO_DEPTH",
    kind=WRONG,
    what="DEPTH_TO_SPACE and SPACE_TO_DEPTH of a batch of 2 or more give wrong values",
    advice="use a batch of 1, or a (transposed) convolution with a one-hot kernel",
)
def _batch(graph: Graph, operator: Operator) -> bool:
    return graph.tensors[operator.inputs[0]].shape[:1] > (1,)


@rule(
    "REVERSE_V2",
    kind=WRONG,
    what="REVERSE_V2 of channels that are no multiple of 4 gives zeros between",
    advice="GATHER with constant indices, or a 1×1 convolution",
)
def _channels(graph: Graph, operator: Operator) -> bool:
    shape, axes = graph.tensors[operator.inputs[0]].shape, graph.tensors[operator.inputs[1]].values
    last = len(shape) > 1 and any(int(axis) % len(shape) == len(shape) - 1 for axis in axes)
    return last and shape[-1] > _LANES and bool(shape[-1] % _LANES)


@rule(
    "DYNAMIC_UPDATE_SLICE",
    kind=WRONG,
    what="DYNAMIC_UPDATE_SLICE of 1 to 3 dimensions along the first, the batch's, gives wrong values",
    advice="give what is written and what it is written into an axis of 1 in front",
)
def _written_along_batch(graph: Graph, operator: Operator) -> bool:
    whole, box = (graph.tensors[index].shape for index in operator.inputs[:2])
    return len(whole) < _MAP and box[:1] < whole[:1]
