"""Patterns that LiteRT's GPU accelerator does not take, or takes and gets wrong, and what to write instead.

Measured on small graphs, GPU against CPU against TensorFlow: probe.json has what came of each and with which versions, and
`zoo gpu-probe` measures them again. An entry here is a warning; only the numbers of a check are a verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.graph import Graph, Operator

HALF_MAX = 65_504.0  # the largest finite float16

# Op → what to write instead. All but those of CONV_3D, DENSIFY, WHILE, PACK and MUL were run on the accelerator and gave
# the CPU's numbers.
INSTEAD = {
    "L2_NORMALIZATION": "divide by sqrt(sum(x·x) + eps) yourself (the converter fuses x · rsqrt(sum(square(x))) back)",
    "LOCAL_RESPONSE_NORMALIZATION": "sum the squares over channels by a fixed 1×1 convolution, then divide by its power",
    "GATHER_ND": "slice and concatenate, or GATHER along one axis with constant indices",
    "GATHER": "give 1-D constant indices along one axis",
    "SCATTER_ND": "pad and concatenate",
    "CONV_3D": "fold the depth into the batch or the channels and use 2-D convolutions",
    "ARG_MAX": "output int32 (keras.ops.argmax, then cast; tf.argmax(output_type=tf.int32)), or end at the logits",
    "ARG_MIN": "argmax of the negated scores, int32",
    "DENSIFY": "export dense weights (strip pruning without the sparse format)",
    "SPACE_TO_BATCH_ND": "export dilated convolutions at a static batch of 1",
    "BATCH_TO_SPACE_ND": "export dilated convolutions at a static batch of 1",
    "BROADCAST_TO": "multiply or add: they broadcast by themselves",
    "WHILE": "unroll the loop",
    "MIRROR_PAD": "pad by reflection (mode REFLECT), or with zeros; SYMMETRIC is refused",
    "PACK": "reshape to a new axis of 1 and concatenate, within 4 dimensions",
    "RESHAPE": "stay within 4 dimensions (Keras's UpSampling2D by nearest neighbour needs 5: resize by nearest instead)",
    "TRANSPOSE": "stay within 4 dimensions, batch first",
    "TRANSPOSE_CONV": "keep the activation apart (a LeakyReLU of slope 0 is not fused into it as a ReLU is)",
    "STRIDED_SLICE": "keep the sliced axis (x[:, 0:1], not x[:, 0]) and reshape after",
    "MUL": "keep the reduced axes (keepdims=True): a tensor without dimensions is refused",
}
DYNAMIC = "export at a static size: convert with a fixed height, width and batch of 1"
DEFAULT_ADVICE = "write it with other ops, or run the file on the CPU"


@dataclass(frozen=True)
class Caution:
    """A pattern found: `kind` is "wrong", "crash" or "overflow"; `tensors` names what the operators write."""

    kind: str
    what: str
    advice: str
    tensors: tuple[str, ...]


def _one_hot(graph: Graph) -> list[Operator]:
    return [operator for operator in graph.operators if operator.name == "ONE_HOT"]


def _split_reordered(graph: Graph) -> list[Operator]:
    """SPLIT whose pieces go straight into one CONCATENATION in another order."""
    joins = []
    for joined in graph.operators:
        for split in graph.operators:
            if joined.name != "CONCATENATION" or split.name not in ("SPLIT", "SPLIT_V"):
                continue
            order = [split.outputs.index(tensor) for tensor in joined.inputs if tensor in split.outputs]
            if order != sorted(order):
                joins.append(joined)
    return joins


def _stretched(graph: Graph) -> list[Operator]:
    """TRANSPOSE_CONV by 3 or more, of a map whose sides are no multiples of that. The factor is read from its sizes."""
    matches = []
    for operator in graph.operators:
        if operator.name != "TRANSPOSE_CONV":
            continue
        small, large = graph.tensors[operator.inputs[2]].shape, graph.tensors[operator.outputs[0]].shape
        if len(small) != 4 or len(large) != 4 or not all(small):
            continue
        factors = [round(large[axis] / small[axis]) for axis in (1, 2)]
        if any(factor > 2 and small[axis] % factor for axis, factor in zip((1, 2), factors, strict=True)):
            matches.append(operator)
    return matches


def _same_matrix(graph: Graph) -> list[Operator]:
    return [
        operator
        for operator in graph.operators
        if operator.name == "BATCH_MATMUL" and operator.inputs[0] == operator.inputs[1]
    ]


def _one_dimensional(graph: Graph) -> list[Operator]:
    """Quantised ADD of a map and a computed vector: what converters make of adding a pooled value."""
    matches = []
    for operator in graph.operators:
        if operator.name != "ADD":
            continue
        second = graph.tensors[operator.inputs[1]]
        if len(second.shape) == 1 and second.scale and not second.constant:
            matches.append(operator)
    return matches


def _strided_point(graph: Graph) -> list[Operator]:
    """Quantised CONV_2D of one pixel that steps over others."""
    matches = []
    for operator in graph.operators:
        if operator.name != "CONV_2D":
            continue
        image, kernel = graph.tensors[operator.inputs[0]], graph.tensors[operator.inputs[1]]
        small = graph.tensors[operator.outputs[0]].shape
        if image.scale and kernel.shape[1:3] == (1, 1) and image.shape[1:3] != small[1:3]:
            matches.append(operator)
    return matches


_PATTERNS: tuple[tuple[str, str, str, Callable[[Graph], list[Operator]]], ...] = (
    (
        "wrong",
        "ONE_HOT gives wrong values",
        "compare the scores with their maximum and cast (x >= max(x)), in float: comparing in 8 bits is wrong on the CPU",
        _one_hot,
    ),
    (
        "wrong",
        "SPLIT joined again in another order gives wrong values",
        "slice (x[..., a:b]) instead of splitting",
        _split_reordered,
    ),
    (
        "wrong",
        "TRANSPOSE_CONV of stride 3 or more gives wrong values where its input's sides are no multiples of the stride",
        "choose a size whose map divides by the stride, chain strides of 2, or convolve and DEPTH_TO_SPACE",
        _stretched,
    ),
    (
        "wrong",
        "a quantised ADD of a map and a computed vector gives wrong values",
        "enlarge the pooled value to the map's size before adding, or put it first",
        _one_dimensional,
    ),
    (
        "wrong",
        "a quantised 1×1 convolution of stride 2 or more gives wrong values",
        "pick the pixels first (max pooling of 1×1 with that stride), then convolve",
        _strided_point,
    ),
    (
        "crash",
        "BATCH_MATMUL of a tensor with itself aborts the process",
        "compute queries and keys by two layers",
        _same_matrix,
    ),
)


KNOWN = tuple(what for _, what, _, _ in _PATTERNS)


def scan(graph: Graph) -> tuple[Caution, ...]:
    """The known bad patterns in a graph."""
    cautions = []
    for kind, what, advice, search in _PATTERNS:
        operators = search(graph)
        if operators:
            cautions.append(Caution(kind, what, advice, layer_names(graph, operators)))
    return tuple(cautions)


def half_overflow(graph: Graph, peaks: dict[int, float]) -> tuple[Caution, ...]:
    """Where float16 would overflow, given each activation's largest magnitude on the samples.

    A mean is checked by its sum, which the accelerator forms first: a mean of 10 over 100×100 pixels is a sum of 100,000.
    """
    large = [index for index, peak in peaks.items() if peak > HALF_MAX]
    sums = []
    for operator in graph.operators:
        if operator.name != "MEAN":
            continue
        before, after = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
        count = _size(before.shape) / max(_size(after.shape), 1)
        if peaks.get(after.index, 0.0) * count > HALF_MAX:
            sums.append(operator)
    cautions = []
    if large:
        names = tuple(_short(graph.tensors[index].name) for index in large)
        what = f"values up to {max(peaks[index] for index in large):.3g} overflow float16 (largest 65,504)"
        cautions.append(Caution("overflow", what, "normalise earlier, or ask the device for float32", names))
    if sums:
        what = "sums behind a mean may pass float16's largest value, 65,504"
        advice = "average in two steps (pool, then mean), or ask the device for float32"
        cautions.append(Caution("overflow", what, advice, layer_names(graph, sums)))
    return tuple(cautions)


def layer_names(graph: Graph, operators: list[Operator]) -> tuple[str, ...]:
    """The layers that operators come from, by what they write: converters name tensors after them."""
    # What only writes a variable has no output; its first input is named then.
    ends = [(*operator.outputs, *operator.inputs)[:1] for operator in operators]
    return tuple(_short(graph.tensors[end].name) for first in ends for end in first if end >= 0)


def _short(name: str) -> str:
    return name.split(";")[0]


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size
