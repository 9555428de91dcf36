"""Products of matrices: dense layers and batches of products."""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.gpu_graphs.case import MEASURED, Case
from converters.gpu_graphs.draft import Draft, Value
from converters.tflite.writer.graph import Quantization

DYNAMIC = {"asymmetricQuantizeInputs": True}


def _dense(name: str, shape: tuple[int, ...], outputs: int, keep: bool = False, **options: Any) -> Case:
    def drawing(draft: Draft) -> Value:
        kernel = draft.weights(outputs, shape[-1])
        bias = draft.uniform(-0.5, 0.5, outputs)
        return draft.op("FULLY_CONNECTED", draft.input(shape), kernel, bias, keepNumDims=keep, **options)

    return Case(f"dense_{name}", "FULLY_CONNECTED", drawing, integers=True)


def _integer_kernel(draft: Draft, outputs: int, inputs: int) -> Value:
    """A kernel of 8 bits whose layer's activations stay float: dynamic range."""
    steps = draft.weights(outputs, inputs).samples[0]
    scale = np.abs(steps).max() / 127
    kernel = draft.constant(np.rint(steps / scale), "int8")
    kernel.tensor.quantization = Quantization(np.array([scale], np.float32), np.zeros(1, np.int64))
    kernel.samples = [sample * np.float32(scale) for sample in kernel.samples]
    return kernel


def _dynamic_dense(draft: Draft, shape: tuple[int, ...], add: tuple[int, ...] | None) -> Value:
    kernel = _integer_kernel(draft, 6, shape[-1])
    bias = draft.uniform(-0.5, 0.5, 6)
    y = draft.op("FULLY_CONNECTED", draft.input(shape), kernel, bias, keepNumDims=len(shape) > 2, **DYNAMIC)
    return y if add is None else draft.op("ADD", y, draft.uniform(-1, 1, *add))


def _dequantized_dense(dtype: str) -> Case:
    """The kernel comes out of an explicit DEQUANTIZE."""

    def drawing(draft: Draft) -> Value:
        x = draft.input((1, 12))
        if dtype == "float16":
            kernel = draft.constant(draft.weights(6, 12).samples[0].astype(np.float16), "float16")
        else:
            kernel = _integer_kernel(draft, 6, 12)
        return draft.op("FULLY_CONNECTED", x, draft.op("DEQUANTIZE", kernel, dtype="float32"), draft.uniform(-0.5, 0.5, 6))

    return Case(f"dense_behind_dequantize_{dtype}", "FULLY_CONNECTED", drawing, "LiteRT#9523")


def _dequantized_conv(draft: Draft) -> Value:
    kernel = draft.constant(draft.weights(5, 3, 3, 6).samples[0].astype(np.float16), "float16")
    options = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    weights = draft.op("DEQUANTIZE", kernel, dtype="float32")
    return draft.op("CONV_2D", draft.input((1, 5, 7, 6)), weights, draft.uniform(-0.5, 0.5, 5), **options)


def _product(
    name: str, one: tuple[int, ...], other: tuple[int, ...], constant: str = "", source: str = MEASURED, **options: bool
) -> Case:
    def drawing(draft: Draft) -> Value:
        left = draft.weights(*one) if constant == "left" else draft.input(one)
        right = draft.uniform(-0.5, 0.5, *other) if constant == "right" else draft.input(other)
        return draft.op("BATCH_MATMUL", left, right, **options)

    return Case(f"matmul_{name}", "BATCH_MATMUL", drawing, source, integers=not constant)


def _attention(draft: Draft) -> Value:
    query, key, value = (draft.input((1, 9, 8)) for _ in range(3))
    scores = draft.op("SOFTMAX", draft.op("BATCH_MATMUL", query, key, adjY=True), beta=1.0)
    return draft.op("BATCH_MATMUL", scores, value)


CASES = [
    _dense("one_row", (1, 12), 10),
    _dense("rows", (7, 12), 10),
    _dense("off_4", (5, 7), 3),
    _dense("rank_3", (1, 9, 12), 10, keep=True),
    _dense("rank_4", (1, 5, 7, 6), 10, keep=True),
    _dense("relu6", (7, 12), 10, fusedActivationFunction=3),
    _dense("rank_4_flattened", (1, 2, 3, 6), 10),
    Case("dense_dynamic", "FULLY_CONNECTED", lambda draft: _dynamic_dense(draft, (1, 12), None), "LiteRT#9277"),
    Case("dense_dynamic_rank_3", "FULLY_CONNECTED", lambda draft: _dynamic_dense(draft, (1, 9, 12), None), "LiteRT#9277"),
    Case(
        "dense_dynamic_rank_3_and_add",
        "FULLY_CONNECTED",
        lambda draft: _dynamic_dense(draft, (1, 9, 12), (1, 9, 6)),
        "LiteRT#9277",
    ),
    Case(
        "dense_dynamic_rank_3_and_add_of_a_row",
        "FULLY_CONNECTED",
        lambda draft: _dynamic_dense(draft, (1, 9, 12), (1, 1, 6)),
        "LiteRT#9277",
    ),
    *map(_dequantized_dense, ("float16", "int8")),
    Case("conv_behind_dequantize_float16", "CONV_2D", _dequantized_conv, "LiteRT#9523"),
    _product("rank_3", (1, 9, 6), (1, 6, 5)),
    _product("rank_3_batch_2", (2, 9, 6), (2, 6, 5)),
    _product("rank_4", (1, 2, 9, 6), (1, 2, 6, 5)),
    _product("transposed_right", (1, 9, 6), (1, 5, 6), adjY=True),
    _product("transposed_left", (1, 6, 9), (1, 6, 5), adjX=True),
    _product("constant_right", (1, 9, 6), (1, 6, 5), "right"),
    _product("constant_right_of_batch_1", (1, 5, 7, 6), (1, 1, 6, 5), "right"),
    _product("broadcast_right", (2, 9, 6), (1, 6, 5)),
    _product("broadcast_left", (1, 9, 6), (2, 6, 5)),
    _product("constant_left", (1, 9, 6), (1, 6, 5), "left"),
    Case("attention", "BATCH_MATMUL", _attention, integers=True),
]
