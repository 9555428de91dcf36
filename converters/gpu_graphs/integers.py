"""The int8 form of a graph: every real tensor on a grid of 256 steps, and the true answers of that graph.

Truth is again float64: after each operator the numbers are put onto the grid of the tensor that takes them, which is what an
int8 kernel promises to one step. Ends stay float, as in the files that this project writes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from converters.gpu_graphs.draft import Draft, Value
from converters.gpu_graphs.truth import compute
from converters.tflite.writer.graph import KERNELS, Operator, Quantization, Tensor
from converters.tflite.writer.weights import Weights

# Operators that move numbers or choose among them: inputs at these places and all outputs share one grid.
_SHARED: dict[str, Sequence[int] | None] = {
    **dict.fromkeys(("CONCATENATION", "MAXIMUM", "MINIMUM", "PACK"), None),  # None are all inputs
    **dict.fromkeys(
        ("RESHAPE", "TRANSPOSE", "PAD", "MIRROR_PAD", "MAX_POOL_2D", "AVERAGE_POOL_2D", "SLICE", "STRIDED_SLICE", "GATHER",
         "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "TILE", "REVERSE_V2", "UNPACK",
         "SPLIT_V", "REDUCE_MAX", "REDUCE_MIN", "EXPAND_DIMS", "SQUEEZE", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"), (0,)),
    "PADV2": (0, 2),
    "SPLIT": (1,),
}  # fmt: skip
_FIXED = {  # grids that the operator's kernel demands: scale, zero point
    "SOFTMAX": (1 / 256, -128),
    "LOGISTIC": (1 / 256, -128),
    "TANH": (1 / 128, 0),
    "L2_NORMALIZATION": (1 / 128, 0),
}


def quantized(draft: Draft) -> Draft:
    """The int8 form of a draft, fed with the same samples.

    The draft itself is used up. Raises ValueError for a graph with integers of its own.
    """
    form = _Form(draft)
    form.rewrite()
    return draft


class _Form:
    def __init__(self, draft: Draft) -> None:
        self._draft, self._graph = draft, draft.graph
        self._kernels = {id(op.inputs[KERNELS[op.code].place]): KERNELS[op.code].axis for op in self._graph.operators
                         if op.code in KERNELS}  # fmt: skip
        self._group = {tensor: tensor for tensor in draft.values}

    def rewrite(self) -> None:
        self._share_grids()
        grids = self._grids()
        ends = [*self._graph.inputs], [*self._graph.outputs]
        biases = [op for op in self._graph.operators if op.code in KERNELS]
        for tensor in [each for each in self._graph.tensors() if each.dtype == "float32"]:
            if id(tensor) in self._kernels:
                self._round_kernel(tensor, self._kernels[id(tensor)])
            elif not self._is_bias(tensor):
                tensor.dtype, tensor.quantization = "int8", grids[self._root(tensor)]
                if tensor.weights is not None:
                    self._store(tensor)
        for operator in biases:
            self._round_bias(operator)
        self._bridge(*ends)
        self._compute()

    # -------------------------------------------------------------------------------------------- grids

    def _root(self, tensor: Tensor) -> Tensor:
        while self._group[tensor] is not tensor:
            tensor = self._group[tensor]
        return tensor

    def _share_grids(self) -> None:
        for operator in self._graph.operators:
            if operator.code not in _SHARED:
                continue
            places = _SHARED[operator.code]
            inputs = operator.inputs if places is None else [operator.inputs[place] for place in places]
            first, *others = [each for each in (*inputs, *operator.outputs) if each.dtype == "float32"]
            for other in others:
                self._group[self._root(other)] = self._root(first)

    def _grids(self) -> dict[Tensor, Quantization]:
        """The grid of each group of tensors: all that they hold on any sample, and 0."""
        lows: dict[Tensor, float] = {}
        highs: dict[Tensor, float] = {}
        fixed: dict[Tensor, tuple[float, int]] = {}
        for tensor, value in self._draft.values.items():
            if tensor.dtype == "float32":
                root = self._root(tensor)
                lows[root] = min(lows.get(root, 0.0), *(float(sample.min()) for sample in value.samples))
                highs[root] = max(highs.get(root, 0.0), *(float(sample.max()) for sample in value.samples))
        for operator in self._graph.operators:
            if operator.code in _FIXED:
                fixed[self._root(operator.output)] = _FIXED[operator.code]
        return {root: _grid(*(fixed.get(root) or _spread(low, highs[root]))) for root, low in lows.items()}

    # -------------------------------------------------------------------------------------------- constants

    def _is_bias(self, tensor: Tensor) -> bool:
        return any(
            operator.code in KERNELS and tensor in operator.inputs[KERNELS[operator.code].bias :]
            for operator in self._graph.operators
        )

    def _store(self, tensor: Tensor) -> None:
        value = self._draft.values[tensor]
        value.samples = [_rounded(sample, tensor) for sample in value.samples]
        tensor.weights = Weights.of(_steps(value.samples[0], tensor).astype(tensor.dtype))

    def _round_kernel(self, tensor: Tensor, axis: int) -> None:
        """Symmetric, a scale for each channel of the outputs."""
        if tensor.weights is None:
            raise ValueError("a kernel that is computed has no int8 form")
        sides = tuple(place for place in range(len(tensor.shape)) if place != axis)
        peaks = np.abs(self._draft.values[tensor].samples[0]).max(sides)
        tensor.dtype = "int8"
        scales = (np.maximum(peaks, 1e-9) / 127).astype(np.float32)
        tensor.quantization = Quantization(scales, np.zeros(len(peaks), np.int64), axis)
        self._store(tensor)

    def _round_bias(self, operator: Operator) -> None:
        kernel = KERNELS[operator.code]
        bias = operator.inputs[kernel.bias] if len(operator.inputs) > kernel.bias else None
        if bias is None:
            return
        image, weights = operator.inputs[kernel.image].quantization, operator.inputs[kernel.place].quantization
        scales = np.float64(image.scales[0]) * weights.scales
        bias.dtype = "int32"
        bias.quantization = Quantization(scales.astype(np.float32), np.zeros(len(scales), np.int64), 0)
        self._store(bias)

    # -------------------------------------------------------------------------------------------- ends and answers

    def _bridge(self, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """QUANTIZE behind every input of real numbers, DEQUANTIZE before every output."""
        begins, ends = [], []
        for place, tensor in enumerate(inputs):
            if tensor.quantization is not None:
                outer = Tensor(tensor.shape, "float32")
                self._draft.values[outer] = Value(outer, [each.copy() for each in self._draft.values[tensor].samples])
                begins.append(Operator("QUANTIZE", [outer], [tensor]))
                self._graph.inputs[place] = outer
        for place, tensor in enumerate(outputs):
            if tensor.quantization is not None:
                outer = Tensor(tensor.shape, "float32")
                ends.append(Operator("DEQUANTIZE", [tensor], [outer]))
                self._graph.outputs[place] = outer
        self._graph.operators = [*begins, *self._graph.operators, *ends]

    def _compute(self) -> None:
        values = self._draft.values
        for operator in self._graph.operators:
            rows = []
            for index in range(len(self._draft.feeds)):
                arrays = [None if tensor is None else values[tensor].samples[index] for tensor in operator.inputs]
                results = compute(operator.code, operator.options, arrays)
                rows.append([_rounded(each, tensor) for each, tensor in zip(results, operator.outputs, strict=True)])
            for place, tensor in enumerate(operator.outputs):
                values[tensor] = Value(tensor, [row[place] for row in rows])


def _spread(low: float, high: float) -> tuple[float, int]:
    scale = max(high - low, 1e-6) / 255
    return scale, int(np.clip(np.rint(-128 - low / scale), -128, 127))


def _grid(scale: float, zero_point: int) -> Quantization:
    return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))


def _along(grid: Quantization, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Scales and zero points in the shape that goes with values of a rank."""
    sides = [len(grid.scales) if place == grid.axis and len(grid.scales) > 1 else 1 for place in range(rank)]
    scales, zeros = (np.asarray(each, np.float64).reshape(sides) for each in (grid.scales, grid.zero_points))
    return scales, zeros


def _steps(values: np.ndarray, tensor: Tensor) -> np.ndarray:
    limits = np.iinfo(tensor.dtype)
    scales, zeros = _along(tensor.quantization, values.ndim)
    return np.clip(np.rint(values / scales + zeros), limits.min, limits.max)


def _rounded(values: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Real numbers on the tensor's grid; as they are where it has none."""
    if tensor.quantization is None:
        return values
    scales, zeros = _along(tensor.quantization, values.ndim)
    return (_steps(values, tensor) - zeros) * scales
