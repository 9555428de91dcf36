"""Attention as products of matrices."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from converters.tflite.writer.builder import Builder
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.operations.activations import NEVER, softmax
from converters.tflite.writer.operations.arrays import take
from converters.tflite.writer.operations.products import einsum
from converters.tflite.writer.registry import lowers_operation


@lowers_operation("DotProductAttention")
def _attention(
    build: Builder, operation: keras.Operation, query: Any, key: Any, value: Any,
    bias: Any = None, mask: Any = None, scale: Any = None,
) -> Tensor:  # fmt: skip
    """Queries N×T×heads×d, keys and values N×S×heads×d; fewer of these serve several heads each."""
    query, key, value = (build.floats(each) for each in (query, key, value))
    heads = query.shape[2]
    if key.shape[2] != heads:
        order = build.constant(np.repeat(np.arange(key.shape[2]), heads // key.shape[2]), "int32", "heads")
        key, value = (take(build, each, order, 2) for each in (key, value))
    query = build.multiply(query, 1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    scores = einsum(build, "btnh,bsnh->bnts", [query, key])
    limit = operation.attn_logits_soft_cap
    if limit is not None:
        scores = build.multiply(build.unary("TANH", build.multiply(scores, 1 / limit)), float(limit))
    if bias is not None:
        scores = build.add(scores, build.floats(bias))
    if mask is not None:
        scores = build.select(mask, scores, build.constant(NEVER))
    if operation.is_causal:
        seen = np.tril(np.ones(scores.shape[-2:], bool))
        scores = build.add(scores, build.constant(np.where(seen, 0, NEVER)[None, None], role="causal"))
    return einsum(build, "bnts,bsnh->btnh", [softmax(build, scores), value])
