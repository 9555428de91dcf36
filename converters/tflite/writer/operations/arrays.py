"""Arrays put in other shapes and orders, cut, joined and looked up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from converters.tflite.writer.builder import Builder, Unsupported, stored
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.operations.products import tiled
from converters.tflite.writer.registry import lowers_operation


@lowers_operation("Reshape", "Ravel")
def _reshape(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    shape = (-1,) if type(operation).__name__ == "Ravel" else operation.newshape
    return build.reshape(x, [-1 if side is None else side for side in ([shape] if isinstance(shape, int) else shape)])


@lowers_operation("Transpose")
def _transpose(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    return build.transpose(x, operation.axes if operation.axes is not None else range(len(x.shape))[::-1])


@lowers_operation("Swapaxes")
def _swapaxes(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    order = list(range(len(x.shape)))
    one, other = operation.axis1 % len(order), operation.axis2 % len(order)
    order[one], order[other] = order[other], order[one]
    return build.transpose(x, order)


@lowers_operation("Moveaxis")
def _moveaxis(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    rank = len(x.shape)
    source, target = ([at % rank for at in np.atleast_1d(each)] for each in (operation.source, operation.destination))
    order = [at for at in range(rank) if at not in source]
    for place, at in sorted(zip(target, source, strict=True)):
        order.insert(place, at)
    return build.transpose(x, order)


@lowers_operation("Squeeze")
def _squeeze(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x, axis = build.tensor(x), operation.axis
    axes = [at for at, side in enumerate(x.shape) if side == 1] if axis is None else np.atleast_1d(axis) % len(x.shape)
    return build.reshape(x, [side for at, side in enumerate(x.shape) if at not in axes])


@lowers_operation("ExpandDims")
def _expand_dims(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    axes = [operation.axis] if isinstance(operation.axis, int) else list(operation.axis)
    rank = len(x.shape) + len(axes)
    places, sides = [at % rank for at in axes], iter(x.shape)
    return build.reshape(x, [1 if at in places else next(sides) for at in range(rank)])


@lowers_operation("Concatenate")
def _concatenate(build: Builder, operation: keras.Operation, xs: Any) -> Tensor:
    if operation.axis is None:
        xs = [build.reshape(x, (-1,)) for x in xs]
    return build.concatenate(xs, operation.axis or 0)


@lowers_operation("Stack")
def _stack(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    tensors = [build.tensor(each) for each in x]
    axis = operation.axis % (len(tensors[0].shape) + 1)
    shape = (*tensors[0].shape[:axis], 1, *tensors[0].shape[axis:])
    return build.concatenate([build.reshape(tensor, shape) for tensor in tensors], axis)


@lowers_operation("Hstack", "Vstack", "Append")
def _joined(build: Builder, operation: keras.Operation, xs: Any, x2: Any = None) -> Tensor:
    name = type(operation).__name__
    tensors = [build.tensor(each) for each in ([xs, x2] if name == "Append" else xs)]
    if name == "Append":
        if operation.axis is None:
            return build.concatenate([build.reshape(tensor, (-1,)) for tensor in tensors], 0)
        return build.concatenate(tensors, operation.axis)
    if name == "Vstack":
        return build.concatenate([build.reshape(t, (1, *t.shape)) if len(t.shape) == 1 else t for t in tensors], 0)
    return build.concatenate(tensors, 0 if len(tensors[0].shape) == 1 else 1)


@lowers_operation("Split", "ArraySplit", "Unstack")
def _split(build: Builder, operation: keras.Operation, x: Any) -> list[Tensor]:
    """As slices: LiteRT's GPU accelerator adds two direct pieces of a SPLIT wrongly."""
    x = build.tensor(x)
    axis = operation.axis % len(x.shape)
    side = x.shape[axis]
    if side < 0:
        raise Unsupported(f"{type(operation).__name__} along an open side")
    alone = type(operation).__name__ == "Unstack"
    sections = side if alone else operation.indices_or_sections
    if isinstance(sections, int):
        each, more = divmod(side, sections)
        cuts = [at * each + min(at, more) for at in range(1, sections)]
    else:
        cuts = [int(cut) for cut in sections]
    pieces = []
    for low, high in zip([0, *cuts], [*cuts, side], strict=True):
        piece = build.slice(x, _at(axis, low, len(x.shape), 0), _at(axis, high - low, len(x.shape), -1))
        pieces.append(build.reshape(piece, (*x.shape[:axis], *x.shape[axis + 1 :])) if alone else piece)
    return pieces


def _at(axis: int, value: int, rank: int, other: int) -> list[int]:
    return [value if at == axis else other for at in range(rank)]


@lowers_operation("Slice")
def _slice(build: Builder, operation: keras.Operation, inputs: Any, start_indices: Any) -> Tensor:
    if isinstance(start_indices, Tensor):
        raise Unsupported("Slice from a place that is computed")
    begin = [int(start) for start in np.asarray(start_indices).reshape(-1)]
    return build.slice(inputs, begin, [int(side) for side in operation.shape])


@lowers_operation("GetItem")
def _get_item(build: Builder, operation: Any, x: Any, key: Any) -> Tensor:
    """Slices and numbers; axes of a number are dropped afterwards, for the GPU accelerator refuses that within the slice."""
    x = build.tensor(x)
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(isinstance(each, (Tensor, list, np.ndarray)) for each in keys):
        return _gathered(build, x, keys)
    rank, known = len(x.shape), sum(each is not None and each is not Ellipsis for each in keys)
    if Ellipsis in keys:
        place = keys.index(Ellipsis)
        keys[place : place + 1] = [slice(None)] * (rank - known)
    keys += [slice(None)] * (rank - sum(each is not None for each in keys))
    cuts = [each for each in keys if each is not None]
    y = _cut(build, x, [slice(each, each + 1 or None) if isinstance(each, int) else each for each in cuts])
    sides, shape = iter(y.shape), []
    for each in keys:
        if each is None:
            shape.append(1)
        elif isinstance(each, slice):
            shape.append(next(sides))
        else:
            next(sides)
    return y if tuple(shape) == y.shape else build.reshape(y, shape)


def _cut(build: Builder, x: Tensor, cuts: Sequence[slice]) -> Tensor:
    begin, end, strides, begin_mask, end_mask, turned = [], [], [], 0, 0, []
    for axis, (cut, side) in enumerate(zip(cuts, x.shape, strict=True)):
        if side < 0:
            if cut.step not in (None, 1) and (cut.step or 1) < 0:
                raise Unsupported("GetItem backwards along an open side")
            low, high, step = cut.start or 0, cut.stop, cut.step or 1
        else:
            low, high, step = cut.indices(side)
            if step < 0:  # forwards, and then turned
                count = len(range(low, high, step))
                low, high, step = low + (count - 1) * step, low + 1, -step
                turned.append(axis)
            high = max(low, high)
        begin_mask |= (low == 0) << axis
        end_mask |= (high is None or high == side) << axis
        begin.append(low)
        end.append(0 if high is None else high)
        strides.append(step)
    if all(step == 1 for step in strides) and -1 not in x.shape:
        y = build.slice(x, begin, [high - low for low, high in zip(begin, end, strict=True)])
    else:
        y = build.strided(x, begin, end, strides, beginMask=begin_mask, endMask=end_mask)
    return reversed_along(build, y, turned) if turned else y


def reversed_along(build: Builder, x: Tensor, axes: Sequence[int]) -> Tensor:
    """A tensor turned round along axes; along the channels by GATHER, since REVERSE_V2 is wrong there on the GPU."""
    last = len(x.shape) - 1
    for axis in axes:
        if axis == last and len(x.shape) > 1:
            x = take(build, x, build.constant(np.arange(x.shape[axis])[::-1], "int32", "order"), axis)
        else:
            x = build.emit("REVERSE_V2", [x, build.constant([axis], "int32", "axis")], x.shape)
    return x


def _gathered(build: Builder, x: Tensor, keys: Sequence[Any]) -> Tensor:
    lists = [at for at, each in enumerate(keys) if isinstance(each, (Tensor, list, np.ndarray))]
    rest = [each for at, each in enumerate(keys) if at not in lists]
    if len(lists) != 1 or any(each != slice(None) for each in rest):
        raise Unsupported("GetItem by several tensors")
    return take(build, x, build.cast(build.tensor(keys[lists[0]]), "int32"), lists[0])


def take(build: Builder, x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """GATHER along an axis by indices of any rank, which go in flat: the GPU accelerator refuses others."""
    flat = build.reshape(indices, (math.prod(indices.shape) if -1 not in indices.shape else -1,))
    shape = (*x.shape[:axis], flat.shape[0], *x.shape[axis + 1 :])
    y = build.emit("GATHER", [x, flat], shape, axis=axis, batchDims=0)
    return build.reshape(y, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


@lowers_operation("Take")
def _take(build: Builder, operation: keras.Operation, x: Any, indices: Any) -> Tensor:
    x, indices, axis = build.tensor(x, role="table"), build.cast(build.tensor(indices), "int32"), operation.axis
    if axis is None:
        x, axis = build.reshape(x, (math.prod(x.shape),)), 0
    axis %= len(x.shape)
    if indices.constant:
        values = indices.array()
        indices = build.constant(np.where(values < 0, values + x.shape[axis], values), "int32", "indices")
    return take(build, x, indices, axis)


@lowers_operation("Tile")
def _tile(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    times = [operation.repeats] if isinstance(operation.repeats, int) else [int(count) for count in operation.repeats]
    rank = max(len(times), len(x.shape))
    x = build.reshape(x, (1,) * (rank - len(x.shape)) + x.shape)
    return tiled(build, x, [1] * (rank - len(times)) + times)


@lowers_operation("Repeat")
def _repeat(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    """Each entry so often in a row, by GATHER."""
    x, repeats = build.tensor(x), operation.repeats
    if isinstance(repeats, Tensor):
        raise Unsupported("Repeat as often as is computed")
    if operation.axis is None:
        x = build.reshape(x, (math.prod(x.shape),))
    axis = (operation.axis or 0) % len(x.shape)
    order = np.repeat(np.arange(x.shape[axis]), np.asarray(repeats))
    return take(build, x, build.constant(order, "int32", "order"), axis)


@lowers_operation("BroadcastTo")
def _broadcast_to(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x, shape = build.tensor(x), [int(side) for side in operation.shape]
    x = build.reshape(x, (1,) * (len(shape) - len(x.shape)) + x.shape)
    return tiled(build, x, [whole // side for whole, side in zip(shape, x.shape, strict=True)])


@lowers_operation("Flip", "Fliplr", "Flipud")
def _flip(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    axis = {"Fliplr": 1, "Flipud": 0}.get(type(operation).__name__, getattr(operation, "axis", None))
    axes = range(len(x.shape)) if axis is None else [at % len(x.shape) for at in np.atleast_1d(axis)]
    return reversed_along(build, x, list(axes))


@lowers_operation("Roll")
def _roll(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    if operation.axis is None:
        return build.reshape(_rolled(build, build.reshape(x, (math.prod(x.shape),)), operation.shift, 0), x.shape)
    for shift, axis in zip(np.atleast_1d(operation.shift), np.atleast_1d(operation.axis), strict=True):
        x = _rolled(build, x, int(shift), int(axis) % len(x.shape))
    return x


def _rolled(build: Builder, x: Tensor, shift: int, axis: int) -> Tensor:
    rank, side = len(x.shape), x.shape[axis]
    cut = -shift % side
    if not cut:
        return x
    first = build.slice(x, _at(axis, cut, rank, 0), _at(axis, side - cut, rank, -1))
    return build.concatenate([first, build.slice(x, [0] * rank, _at(axis, cut, rank, -1))], axis)


@lowers_operation("Pad")
def _pad(build: Builder, operation: keras.Operation, x: Any, constant_values: Any = None) -> Tensor:
    x, mode = build.tensor(x), operation.mode
    widths = np.broadcast_to(np.asarray(operation.pad_width), (len(x.shape), 2)).tolist()
    if mode == "constant":
        value = 0 if constant_values is None else constant_values
        if not isinstance(value, (int, float)):
            raise Unsupported("Pad with a tensor")
        return build.pad(x, widths, value)
    if mode not in ("reflect", "symmetric"):
        raise Unsupported(f"Pad in mode '{mode}'")
    if mode == "reflect":
        return mirrored(build, x, widths)
    for axis, (before, after) in enumerate(widths):
        if before or after:  # the GPU accelerator refuses the symmetric form
            order = np.pad(np.arange(x.shape[axis]), (before, after), mode="symmetric")
            x = take(build, x, build.constant(order, "int32", "order"), axis)
    return x


def mirrored(build: Builder, x: Tensor, widths: Sequence[Sequence[int]]) -> Tensor:
    """MIRROR_PAD without the border twice."""
    if not np.any(widths):
        return x
    shape = [side if side < 0 else side + sum(ends) for side, ends in zip(x.shape, widths, strict=True)]
    return build.emit("MIRROR_PAD", [x, build.constant(widths, "int32", "paddings")], shape, mode=0)


@lowers_operation("ZerosLike", "OnesLike", "FullLike", "EmptyLike")
def _filled(build: Builder, operation: keras.Operation, x: Any, fill_value: Any = None) -> Tensor:
    x, name = build.tensor(x), type(operation).__name__
    dtype = stored(operation.dtype or x.dtype)
    value = fill_value if name == "FullLike" else float(name == "OnesLike")
    if isinstance(value, Tensor) or -1 in x.shape:
        raise Unsupported(name)
    return build.constant(np.full(x.shape, value), dtype)


@lowers_operation("OneHot")
def _one_hot(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    """By comparison: the GPU accelerator gets ONE_HOT of several axes wrong."""
    x, count = build.cast(build.tensor(x), "int32"), int(operation.num_classes)
    axis = operation.axis % (len(x.shape) + 1)
    y = build.reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))
    places = build.constant(np.arange(count).reshape([-1 if at == axis else 1 for at in range(len(y.shape))]), "int32")
    return build.cast(build.binary("EQUAL", y, places), stored(operation.dtype or "float32"))


@lowers_operation("Tril", "Triu")
def _triangle(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    cut = np.tril if type(operation).__name__ == "Tril" else np.triu
    mask = cut(np.ones(x.shape[-2:]), operation.k)
    return build.multiply(x, build.constant(mask.reshape((1,) * (len(x.shape) - 2) + mask.shape), x.dtype, "mask"))
