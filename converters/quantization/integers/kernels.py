"""Which operators LiteRT computes on integers, and what it asks of their scales; facts of its kernels, version 2.3."""

from __future__ import annotations

from converters.tflite.writer.graph import KERNELS, Operator

# Outputs are some of the inputs' numbers, or lie between them: kernels copy integers, so that all have to mean the same.
ONE_SCALE = frozenset((
    "CONCATENATION", "PAD", "PADV2", "MIRROR_PAD", "RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "MAX_POOL_2D",
    "AVERAGE_POOL_2D", "SLICE", "STRIDED_SLICE", "TRANSPOSE", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "SPACE_TO_BATCH_ND",
    "BATCH_TO_SPACE_ND", "GATHER", "GATHER_ND", "TILE", "SPLIT", "SPLIT_V", "PACK", "UNPACK", "SQUEEZE", "EXPAND_DIMS",
    "MAXIMUM", "MINIMUM", "REDUCE_MAX", "REDUCE_MIN", "REVERSE_V2", "SELECT_V2",
))  # fmt: skip
_RESCALED = frozenset((
    *KERNELS, "ADD", "SUB", "MUL", "MEAN", "SUM", "RELU", "RELU6", "LEAKY_RELU", "PRELU", "LOGISTIC", "TANH", "SOFTMAX",
    "BATCH_MATMUL", "ARG_MAX", "ARG_MIN",
))  # fmt: skip
_EIGHT_ONLY = frozenset((
    "ELU", "GELU", "HARD_SWISH", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "PADV2",
    "ARG_MAX", "ARG_MIN", "REVERSE_V2", "L2_NORMALIZATION",
))  # fmt: skip
_KNOWN = {
    8: ONE_SCALE | _RESCALED | _EIGHT_ONLY,
    16: (ONE_SCALE | _RESCALED) - _EIGHT_ONLY,
}
# What the kernels have built in: (scale, zero point) of the output, by bits.
FIXED: dict[str, dict[int, tuple[float, int]]] = {
    "LOGISTIC": {8: (1 / 256, -128), 16: (1 / 32768, 0)},
    "SOFTMAX": {8: (1 / 256, -128), 16: (1 / 32768, 0)},
    "TANH": {8: (1 / 128, 0), 16: (1 / 32768, 0)},
    "L2_NORMALIZATION": {8: (1 / 128, 0)},
}


def possible_bits(operator: Operator, wish: int) -> int:
    """The bits of an operator's activations: those wished for where there is such a kernel, else 0, which is float32."""
    if wish == 0 or operator.code not in _KNOWN[wish] or not _floating(operator):
        return 0
    kernel = KERNELS.get(operator.code)
    if kernel is None:
        return wish
    weights = [operator.inputs[place] for place in (kernel.place, kernel.bias)]
    return wish if all(tensor is not None and tensor.constant for tensor in weights) else 0


def _floating(operator: Operator) -> bool:
    """Whether its activations are real numbers; sizes and indices are integers already."""
    activations = [tensor for tensor in operator.inputs if tensor is not None and not tensor.constant]
    numbers = [tensor for tensor in activations if tensor.dtype not in ("bool", "int32")]
    return bool(numbers) and all(tensor.dtype == "float32" for tensor in numbers)
