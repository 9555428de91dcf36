"""Patterns that LiteRT's GPU accelerator does not take, or takes and gets wrong, and what to write instead.

`edge.gpu.rules` finds them in a graph. Measured on small graphs, GPU against CPU against TensorFlow: probe.json has what came
of each and with which versions, and `zoo gpu-probe` measures them again. An entry here is a warning; only the numbers of a
check are a verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from edge.gpu.layers import result_names
from edge.gpu.rules.registry import CRASH, KINDS, OVERFLOW, WRONG, Rule, matching
from edge.graph import Graph, Operator

HALF_MAX = 65_504.0  # the largest finite float16

# Op → what to write instead. All but those of CONV_3D, DENSIFY, IF, MUL, PACK, WHERE and WHILE were run on the accelerator and
# gave the CPU's numbers.
INSTEAD = {
    "L2_NORMALIZATION": "divide by sqrt(sum(x·x) + eps) yourself (the converter fuses x · rsqrt(sum(square(x))) back)",
    "LOCAL_RESPONSE_NORMALIZATION": "sum the squares over channels by a fixed 1×1 convolution, then divide by its power",
    "GATHER_ND": "make the indices flat (y · width + x), reshape both to (n,) and (1, H·W, C), and GATHER along axis 1",
    "GATHER": "give 1-D indices along one axis, constant or computed: reshape them to (n,) before, and the result after",
    "SCATTER_ND": "pad and concatenate, or multiply by a one-hot matrix, transposed",
    "CONV_3D": "fold the depth into the batch or the channels and use 2-D convolutions",
    "ARG_MAX": "output int32 (keras.ops.argmax, then cast; tf.argmax(output_type=tf.int32)), or end at the logits",
    "ARG_MIN": "argmax of the negated scores to int32, over channels padded to a multiple of 4 with copies of the first",
    "DENSIFY": "export dense weights (strip pruning without the sparse format)",
    "SPACE_TO_BATCH_ND": "export dilated convolutions at a static batch of 1",
    "BATCH_TO_SPACE_ND": "export dilated convolutions at a static batch of 1",
    "BROADCAST_TO": "multiply or add: they broadcast by themselves",
    "WHILE": "unroll the loop, or make its step the network, with state in and out",
    "EXPAND_DIMS": "reshape",
    "SQUEEZE": "reshape",
    "RELU_0_TO_1": "clip by MINIMUM and MAXIMUM with constants",
    "IF": "compute both sides and choose by a mask",
    "LOG_SOFTMAX": "x − (max + log(sum(exp(x − max)))), the brackets as they stand: otherwise it is fused back",
    "NON_MAX_SUPPRESSION_V4": "TOPK_V2, GATHER, and suppress by a matrix of overlaps, some times over",
    "NON_MAX_SUPPRESSION_V5": "TOPK_V2, GATHER, and suppress by a matrix of overlaps, some times over",
    "SEGMENT_SUM": "multiply by a one-hot matrix, transposed",
    "UNSORTED_SEGMENT_SUM": "multiply by a one-hot matrix, transposed",
    "WHERE": "multiply by a mask, or SELECT_V2: the number of results has to be fixed",
    "MIRROR_PAD": "pad by reflection (mode REFLECT), or with zeros; SYMMETRIC is refused",
    "PACK": "reshape to a new axis of 1 and concatenate, within 4 dimensions",
    "RESHAPE": "stay within 4 dimensions (Keras's UpSampling2D by nearest neighbour needs 5: resize by nearest instead)",
    "TRANSPOSE": "stay within 4 dimensions, batch first",
    "TRANSPOSE_CONV": "keep the activation apart (a LeakyReLU of slope 0 is not fused into it as a ReLU is)",
    "STRIDED_SLICE": "keep the sliced axis (x[:, 0:1], not x[:, 0]) and reshape after",
    "MUL": "keep the reduced axes (keepdims=True): a tensor without dimensions is refused",
    "SELECT_V2": "give both branches the output's shape, or a number",
    "PRELU": "repeat the slopes to one a channel, or one a number",
    "SOFTMAX": "multiply before it: a factor inside (beta) is refused",
    "DYNAMIC_UPDATE_SLICE": "give the start as an input, int32, or write by a mask: x·(1 − m) + new·m",
    "BATCH_MATMUL": "put the constant on the right, transposed where it has to be (FULLY_CONNECTED)",
    "PAD": "reshape to 3 or 4 dimensions first",
    **dict.fromkeys(("DIV", "SUB", "NOT_EQUAL"), "give two different tensors: of one with itself the answer is known"),
    **dict.fromkeys(("SUM", "MEAN", "REDUCE_MAX"), "compute it beforehand: of a constant it is one"),
    **dict.fromkeys(("ADD", "CONCATENATION", "DEQUANTIZE", "QUANTIZE", "RELU"), "stay within 4 dimensions"),
}
DYNAMIC = "export at a static size: convert with a fixed height, width and batch of 1"
UNCHECKED = "unchecked"
DEFAULT_ADVICE = "write it with other ops, or run the file on the CPU"


@dataclass(frozen=True)
class Caution:
    """A reason to look at a graph: `tensors` names what the operators in question write.

    `kind` is "wrong", "crash" or "overflow" for a known pattern, "unchecked" for what a check could not look at.
    """

    kind: str
    what: str
    advice: str
    tensors: tuple[str, ...]


class Suspect(NamedTuple):
    """An operator's place in a graph, and a rule that it matches."""

    place: int
    rule: Rule


def suspects(graph: Graph, *kinds: str) -> Iterator[Suspect]:
    """The operators that match rules of these kinds, in the graph's order."""
    for place, operator in enumerate(graph.operators):
        yield from (Suspect(place, rule) for rule in matching(graph, operator, kinds))


def scan(graph: Graph) -> tuple[Caution, ...]:
    """The patterns in a graph that give wrong numbers, end the process, or overflow in float16; what is refused says itself."""
    matches: dict[tuple[str, str, str], list[Operator]] = {}
    for place, rule in suspects(graph, CRASH, WRONG, OVERFLOW):
        matches.setdefault((rule.kind, rule.what, rule.advice), []).append(graph.operators[place])
    worst_first = sorted(matches.items(), key=lambda entry: KINDS.index(entry[0][0]))
    return tuple(Caution(*entry, result_names(graph, operators)) for entry, operators in worst_first)


def advice(graph: Graph, operator: Operator, *kinds: str) -> str:
    """What to write instead of an operator: by the rule of these kinds that it matches, else by its name."""
    return instead_of(operator.name, next((rule for rule in matching(graph, operator, kinds) if rule.advice), None))


def instead_of(name: str, rule: Rule | None = None) -> str:
    """What to write instead of an operator: what a rule says, where one is given that says something, else by its name."""
    return (rule.advice if rule else "") or INSTEAD.get(name, DEFAULT_ADVICE)


def half_overflow(graph: Graph, peaks: dict[int, float]) -> tuple[Caution, ...]:
    """Where float16 would overflow, given each activation's largest magnitude on the samples.

    A mean is checked by its sum, which the accelerator forms first: a mean of 10 over 100×100 pixels is a sum of 100,000.
    """
    large = [index for index, peak in peaks.items() if peak > HALF_MAX]
    sums, largest_sum = [], 0.0
    for operator in graph.operators:
        if operator.name != "MEAN":
            continue
        before, after = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
        count = _size(before.shape) / max(_size(after.shape), 1)
        if peaks.get(after.index, 0.0) * count > HALF_MAX:
            sums.append(operator)
            largest_sum = max(largest_sum, peaks[after.index] * count)
    cautions = []
    if large:
        large.sort(key=lambda index: -peaks[index])
        names = tuple(graph.tensors[index].label for index in large)
        what = f"{names[0]} reaches {peaks[large[0]]:.3g}, which overflows float16 (largest 65,504)"
        cautions.append(Caution("overflow", what, "normalise earlier, or ask the device for float32", names))
    if sums:
        what = f"sums behind a mean may reach {largest_sum:.3g}, more than float16's largest value, 65,504"
        advice = "average in two steps (pool, then mean), or ask the device for float32"
        cautions.append(Caution("overflow", what, advice, result_names(graph, sums)))
    return tuple(cautions)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size
