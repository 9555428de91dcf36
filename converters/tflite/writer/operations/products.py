"""Products of matrices: FULLY_CONNECTED with a constant, BATCH_MATMUL of two tensors, einsum by way of these."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from converters.tflite.writer.builder import Builder, Unsupported, broadcast
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.registry import lowers_operation


def dense(build: Builder, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """FULLY_CONNECTED of N×…×I with a kernel I×O."""
    outputs = kernel.shape[-1]
    if bias is None:
        bias = build.constant(np.zeros(outputs), role="bias")
    return build.emit(
        "FULLY_CONNECTED",
        [x, build.transpose(kernel, (1, 0)), bias],
        (*x.shape[:-1], outputs),
        keepNumDims=len(x.shape) != 2,
    )


def matmul(build: Builder, x: Any, y: Any) -> Tensor:
    """Keras's matmul, its promotion of vectors included."""
    x, y = build.floats(x), build.floats(y)
    if x.constant and y.constant:
        return build.constant(np.matmul(x.array(), y.array()))
    if len(y.shape) == 1:
        result = matmul(build, x, build.reshape(y, (y.shape[0], 1)))
        return build.reshape(result, result.shape[:-1])
    if len(x.shape) == 1:
        result = matmul(build, build.reshape(x, (1, x.shape[0])), y)
        return build.reshape(result, (*result.shape[:-2], result.shape[-1]))
    if y.constant and len(y.shape) == 2:
        return dense(build, x, y, None)
    return _batched(build, x, y)


def _batched(build: Builder, x: Tensor, y: Tensor) -> Tensor:
    """BATCH_MATMUL of equal batches and ranks: the GPU accelerator computes only the first matrix of one that is broadcast."""
    batch = broadcast(x.shape[:-2], y.shape[:-2])
    x, y = (_tiled(build, tensor, batch) for tensor in (x, y))
    if x.constant:
        x, y = build.transpose(y, _swapped(y)), build.transpose(x, _swapped(x))
        result = build.emit("BATCH_MATMUL", [x, y], (*batch, x.shape[-2], y.shape[-1]), adjX=False, adjY=False)
        return build.transpose(result, _swapped(result))
    return build.emit("BATCH_MATMUL", [x, y], (*batch, x.shape[-2], y.shape[-1]), adjX=False, adjY=False)


def _swapped(tensor: Tensor) -> list[int]:
    rank = len(tensor.shape)
    return [*range(rank - 2), rank - 1, rank - 2]


def _tiled(build: Builder, x: Tensor, batch: Sequence[int]) -> Tensor:
    own = (1,) * (len(batch) + 2 - len(x.shape)) + x.shape[:-2]
    x = build.reshape(x, (*own, *x.shape[-2:]))
    return tiled(build, x, [whole // side if side > 0 else 1 for whole, side in zip(batch, own, strict=True)] + [1, 1])


def tiled(build: Builder, x: Tensor, times: Sequence[int]) -> Tensor:
    """A tensor repeated along each of its axes."""
    if all(count == 1 for count in times):
        return x
    if x.constant:
        return build.constant(np.tile(x.array(), times), x.dtype, x.role)
    shape = [side if side < 0 else side * count for side, count in zip(x.shape, times, strict=True)]
    return build.emit("TILE", [x, build.constant(list(times), "int32", "multiples")], shape)


@lowers_operation("Matmul")
def _matmul(build: Builder, operation: Any, x1: Any, x2: Any) -> Tensor:
    return matmul(build, build.tensor(x1), build.tensor(x2, role="kernel"))


@lowers_operation("Dot")
def _dot(build: Builder, operation: Any, x1: Any, x2: Any) -> Tensor:
    """As NumPy's: over the last axis of one and the last but one of the other."""
    x, y = build.tensor(x1), build.tensor(x2)
    if not x.shape or not y.shape:
        return build.multiply(x, y)
    return _contracted(build, x, y, [len(x.shape) - 1], [max(0, len(y.shape) - 2)])


@lowers_operation("Tensordot")
def _tensordot(build: Builder, operation: keras.Operation, x1: Any, x2: Any) -> Tensor:
    x, y, axes = build.tensor(x1), build.tensor(x2), operation.axes
    if isinstance(axes, int):
        axes = [list(range(len(x.shape) - axes, len(x.shape))), list(range(axes))]
    left, right = ([each] if isinstance(each, int) else list(each) for each in axes)
    return _contracted(build, x, y, [at % len(x.shape) for at in left], [at % len(y.shape) for at in right])


def _contracted(build: Builder, x: Tensor, y: Tensor, left: list[int], right: list[int]) -> Tensor:
    rest = [at for at in range(len(x.shape)) if at not in left], [at for at in range(len(y.shape)) if at not in right]
    inner = math.prod(x.shape[at] for at in left)
    rows, columns = [x.shape[at] for at in rest[0]], [y.shape[at] for at in rest[1]]
    one = build.reshape(build.transpose(x, [*rest[0], *left]), (math.prod(rows), inner))
    other = build.reshape(build.transpose(y, [*right, *rest[1]]), (inner, math.prod(columns)))
    return build.reshape(matmul(build, one, other), (*rows, *columns))


@lowers_operation("Einsum")
def _einsum(build: Builder, operation: keras.Operation, *operands: Any) -> Tensor:
    tensors = [build.tensor(operand, role="kernel") for operand in operands]
    return einsum(build, operation.subscripts, tensors)


def einsum(build: Builder, subscripts: str, tensors: Sequence[Tensor]) -> Tensor:
    """An einsum of one or two tensors, each letter at most once in each."""
    left, _, result = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if not result or len(terms) > 2 or any(len(set(term)) != len(term) for term in terms):
        raise Unsupported(f"Einsum '{subscripts}'")
    if "..." in subscripts:
        terms, result = _without_ellipsis(terms, result, tensors)
    if len(terms) == 1:
        return _reordered(build, tensors[0], terms[0], result)
    x, y = tensors
    size = dict(zip(terms[0] + terms[1], x.shape + y.shape, strict=False))
    shared = [letter for letter in terms[0] if letter in terms[1]]
    batch = [letter for letter in shared if letter in result]
    inner = [letter for letter in shared if letter not in result]
    own = [[letter for letter in term if letter in result and letter not in shared] for term in terms]
    x = _reordered(build, x, terms[0], "".join([*batch, *own[0], *inner]))
    y = _reordered(build, y, terms[1], "".join([*batch, *inner, *own[1]]))
    sides = [size[letter] for letter in batch]
    counts = [math.prod(size[letter] for letter in letters) for letters in (own[0], inner, own[1])]
    if not batch and y.constant:
        z = matmul(build, build.reshape(x, (*(size[c] for c in own[0]), counts[1])), build.reshape(y, counts[1:]))
    else:
        z = matmul(build, build.reshape(x, (*sides, *counts[:2])), build.reshape(y, (*sides, *counts[1:])))
    letters = [*batch, *own[0], *own[1]]
    z = build.reshape(z, [size[letter] for letter in letters])
    return _reordered(build, z, "".join(letters), result)


def _without_ellipsis(terms: list[str], result: str, tensors: Sequence[Tensor]) -> tuple[list[str], str]:
    spare = [letter for letter in "ZYXWVU" if letter not in "".join(terms)]
    ranks = [len(tensor.shape) - len(term) + 3 for term, tensor in zip(terms, tensors, strict=True) if "..." in term]
    longest = "".join(spare[: max(ranks)])
    counts = iter(ranks)
    terms = [term.replace("...", longest[len(longest) - next(counts) :]) if "..." in term else term for term in terms]
    return terms, result.replace("...", longest)


def _reordered(build: Builder, x: Tensor, letters: str, result: str) -> Tensor:
    """A tensor whose axes are letters, summed over those that are gone, in the new order."""
    gone = [at for at, letter in enumerate(letters) if letter not in result]
    if gone:
        x = build.reduce("SUM", x, gone)
        letters = "".join(letter for letter in letters if letter in result)
    return build.transpose(x, [letters.index(letter) for letter in result])
