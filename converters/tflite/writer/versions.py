"""Versions of operators: the oldest runtime that can read an operator with such types and options.

Facts of the file format, as TensorFlow's converter enters them. A file whose versions are too low still runs on new runtimes;
on an old one it would compute nonsense where it should have been refused.
"""

from __future__ import annotations

from collections.abc import Callable

from converters.tflite.writer.graph import Operator, Tensor

_INT8, _INT16 = 2, 3  # of most operators that know these types
_BY_TYPE = {  # operator → version for int8 and for int16 input, where they are not 2 and 1
    **dict.fromkeys(
        ("SOFTMAX", "MEAN", "MIRROR_PAD", "REDUCE_MAX", "REDUCE_MIN", "RELU", "RELU6", "RSQRT", "MAX_POOL_2D",
         "AVERAGE_POOL_2D", "TANH", "LOGISTIC", "PACK", "LESS", "GREATER_EQUAL", "CONCATENATION", "BATCH_MATMUL"),
        (_INT8, _INT16),
    ),
    **dict.fromkeys(("MAXIMUM", "MINIMUM", "SLICE", "SPLIT", "GATHER", "UNPACK"), (2, 4)),
    **dict.fromkeys(("TRANSPOSE", "EQUAL"), (2, 5)),
    "NOT_EQUAL": (2, 4),
    "TILE": (3, 1),
    "REVERSE_V2": (3, 1),
    "LEAKY_RELU": (1, 2),
    "EXP": (2, 2),
    "LOG": (2, 2),
    "SQRT": (2, 2),
    "ADD": (2, 3),
    "SUB": (2, 5),
    "MUL": (2, 4),
    "ABS": (2, 3),
    "RESIZE_BILINEAR": (2, 4),
    "RESIZE_NEAREST_NEIGHBOR": (2, 4),
    "QUANTIZE": (1, 1),
}  # fmt: skip
_KNOW_INT8 = (
    "SPACE_TO_DEPTH", "DEPTH_TO_SPACE", "SPLIT_V", "SUM", "LOG_SOFTMAX", "GREATER", "LESS_EQUAL", "SQUARED_DIFFERENCE",
    "TOPK_V2", "REDUCE_PROD", "GELU", "ARG_MAX", "ARG_MIN", "STRIDED_SLICE", "L2_NORMALIZATION", "PAD", "PADV2",
)  # fmt: skip


def version(operator: Operator) -> int:
    """The version that goes into the file for one operator."""
    special = _SPECIAL.get(operator.code)
    return max(_by_type(operator), 1 if special is None else special(operator))


def _by_type(operator: Operator) -> int:
    dtype = _first(operator).dtype
    if operator.code in _BY_TYPE:
        int8, int16 = _BY_TYPE[operator.code]
        return int8 if dtype == "int8" else int16 if dtype == "int16" else 1
    if operator.code in _KNOW_INT8:
        return 2 if dtype == "int8" else 1
    return 1


def _first(operator: Operator) -> Tensor:
    place = {"TRANSPOSE_CONV": 2, "SPLIT": 1}.get(operator.code, 0)
    return operator.inputs[place]


def _per_channel(tensor: Tensor) -> bool:
    return tensor.quantization is not None and len(tensor.quantization.scales) > 1


def _conv(operator: Operator) -> int:
    image, kernel = operator.inputs[:2]
    if image.shape[-1] != kernel.shape[-1] and image.shape[-1] > 0:
        return 6  # in groups
    return _hybrid(image, kernel, (2, 5))


def _hybrid(image: Tensor, kernel: Tensor, versions: tuple[int, int]) -> int:
    """int8: 3, with kernels of 4 bits 7; of a float image and an integer kernel the two versions, the second per channel."""
    if image.dtype == "float32" and kernel.dtype in ("int8", "int4"):
        return versions[_per_channel(kernel)]
    return {("int8", "int8"): 3, ("int8", "int4"): 7}.get((image.dtype, kernel.dtype), 1)


def _depthwise(operator: Operator) -> int:
    options = operator.options
    dilated = max(options.get("dilationHFactor", 1), options.get("dilationWFactor", 1)) > 1
    return max(2 if dilated else 1, _hybrid(*operator.inputs[:2], (4, 6)))


def _dense(operator: Operator) -> int:
    image, kernel = operator.inputs[:2]
    if image.dtype == "float32" and kernel.dtype == "int8":
        if _per_channel(kernel):
            return 12
        return 9 if operator.options.get("asymmetricQuantizeInputs") else 3
    if len(operator.inputs) == 2 or operator.inputs[2] is None:
        return 6
    if operator.options.get("keepNumDims"):
        return 5
    return {("int8", "int8"): 4, ("int8", "int4"): 10}.get((image.dtype, kernel.dtype), 1)


def _transposed(operator: Operator) -> int:
    if operator.activation:
        return 4
    return (
        3
        if len(operator.inputs) > 3 and operator.inputs[3] is not None
        else 2
        if _first(operator).dtype == "int8"
        else 1
    )


def _half_pixel(operator: Operator) -> int:
    return 3 if operator.options.get("halfPixelCenters") else 1


def _large_broadcast(number: int) -> Callable[[Operator], int]:
    def of(operator: Operator) -> int:
        shapes = [tensor.shape for tensor in operator.inputs[:2]]
        return number if shapes[0] != shapes[1] and max(map(len, shapes)) > 4 else 1

    return of


def _above_four(number: int) -> Callable[[Operator], int]:
    return lambda operator: number if len(_first(operator).shape) > 4 else 1


def _transpose(operator: Operator) -> int:
    rank = len(_first(operator).shape)
    return 6 if rank > 5 else 4 if rank > 4 else 1


def _dequantize(operator: Operator) -> int:
    tensor = operator.inputs[0]
    return {"int8": 5 if _per_channel(tensor) else 2, "int16": 3, "float16": 3, "int4": 6}.get(tensor.dtype, 1)


def _quantize(operator: Operator) -> int:
    return 2 if operator.output.dtype == "int16" else 1


def _multiply(operator: Operator) -> int:
    scales = [tensor.quantization for tensor in (*operator.inputs, operator.output)]
    if None in scales or operator.inputs[0].dtype != "int8":
        return 1
    one, other, result = (float(each.scales[0]) for each in scales)
    return 3 if one * other / result >= 1 else 1


def _batch_matmul(operator: Operator) -> int:
    hybrid = operator.inputs[0].dtype == "float32" and operator.inputs[1].dtype == "int8"
    return 4 if hybrid and operator.options.get("asymmetricQuantizeInputs") else 1


def _cast(operator: Operator) -> int:
    types = {operator.inputs[0].dtype, operator.output.dtype}
    return 5 if "float16" in types else 3 if "int8" in types else 1


_SPECIAL: dict[str, Callable[[Operator], int]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "TRANSPOSE_CONV": _transposed,
    "RESIZE_BILINEAR": _half_pixel,
    "RESIZE_NEAREST_NEIGHBOR": _half_pixel,
    "MAXIMUM": _large_broadcast(3),
    "MINIMUM": _large_broadcast(3),
    "SUB": _large_broadcast(3),
    "DIV": _large_broadcast(2),
    "SLICE": _above_four(5),
    "STRIDED_SLICE": _above_four(4),
    "PAD": _above_four(4),
    "PADV2": _above_four(4),
    "TRANSPOSE": _transpose,
    "DEQUANTIZE": _dequantize,
    "QUANTIZE": _quantize,
    "MUL": _multiply,
    "BATCH_MATMUL": _batch_matmul,
    "CAST": _cast,
    "BROADCAST_TO": lambda operator: 2,
    "FLOOR_DIV": lambda operator: 2 if operator.inputs[0].dtype == "float32" else 1,
    "SIGN": lambda operator: 2 if operator.inputs[0].dtype == "int32" else 1,
}
