"""Proposals: the boxes that a region proposal network is surest of, for a second stage to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, summed_up
from zoo.layers.primitives import Primitives

_SIDES = 4
_LARGEST = math.log(1000 / 16)  # of the logarithm of a side over its anchor's, as the authors cut it off
_TINY = 1e-9
_PASSES, _NOWHERE = 12, -6e4  # of a file: over the overlaps, and the score of what is no box, which float16 holds


def grid_anchors(grids: Sequence[Sequence[int]], strides: Sequence[int], sides: Sequence[Any], offset: float) -> np.ndarray:
    """Anchors of all levels, float32 P×4 (x0, y0, x1, y1) in pixels: level by level, cell by cell, row by row.

    Args:
        grids: (rows, columns) of each level.
        strides: pixels from cell to cell.
        sides: of each level, (width, height) of each anchor of a cell in pixels.
        offset: of an anchor's middle from its cell's corner, in cells: ½ in the paper, 0 in torchvision.
    """
    levels = []
    for (rows, columns), stride, own in zip(grids, strides, sides, strict=True):
        y, x = ((np.arange(count) + offset) * stride for count in (rows, columns))
        middles = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 1, 2)
        half = np.asarray(own, np.float64)[None] / 2
        levels.append(np.concatenate([middles - half, middles + half], axis=-1).reshape(-1, _SIDES))
    return np.concatenate(levels).astype(np.float32)


def moved(anchors: Any, offsets: Any) -> Any:
    """Boxes …×4 that offsets make of anchors …×4: centres move by shares of the anchor's sides, sides grow by exponents."""
    sides = anchors[..., 2:] - anchors[..., :2]
    centre = (anchors[..., :2] + anchors[..., 2:]) / 2 + offsets[..., :2] * sides
    half = sides * ops.exp(ops.minimum(offsets[..., 2:], _LARGEST)) / 2
    return ops.concatenate([centre - half, centre + half], axis=-1)


def clipped(boxes: Any, picture: tuple[int, int]) -> Any:
    """Boxes …×4 within a picture of (H, W) pixels."""
    height, width = picture
    edge = np.array([width, height, width, height], np.float32).reshape((1,) * (len(boxes.shape) - 1) + (_SIDES,))
    return ops.minimum(ops.maximum(boxes, 0.0), ops.convert_to_tensor(edge))


def greedy(boxes: Any, scores: Any, overlap: float, count: int) -> Any:
    """Non-maximum suppression of each picture's boxes: the places of at most `count` that stay, the best first.

    Of equal scores the first wins. A score of −∞ is no box.

    Args:
        boxes: N×K×4.
        scores: N×K.
        overlap: intersection over union above which the box of the lower score goes.
        count: how many may stay.

    Returns:
        int32 N×count, K where there are no more.
    """
    total = boxes.shape[1]
    places, turns = (ops.convert_to_tensor(np.arange(length, dtype=np.int32)[None]) for length in (total, count))
    areas = ops.prod(ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0), axis=-1)
    gone = -float("inf")

    def choose(turn: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
        left, chosen = state
        best = ops.max(left, axis=1, keepdims=True)
        candidate = ops.logical_and(left == best, left > gone)
        place = ops.min(ops.where(candidate, places, total), axis=1, keepdims=True)  # not every argmax takes the first
        own = places == place
        box = ops.sum(boxes * ops.cast(own, boxes.dtype)[..., None], axis=1, keepdims=True)
        low, high = ops.maximum(boxes[..., :2], box[..., :2]), ops.minimum(boxes[..., 2:], box[..., 2:])
        shared = ops.prod(ops.maximum(high - low, 0.0), axis=-1)
        area = ops.prod(ops.maximum(box[..., 2:] - box[..., :2], 0.0), axis=-1)
        share = shared / ops.maximum(areas + area - shared, _TINY)
        left = ops.where(ops.logical_or(own, share > overlap), gone, left)
        return left, ops.where(turns == turn, place, chosen)

    start = ops.cast(ops.zeros_like(scores[:, :1]), "int32") + ops.zeros_like(turns) + total
    return ops.fori_loop(0, count, choose, (scores, start))[1]


@keras.saving.register_keras_serializable(package="densezoo")
class Proposals(keras.layers.Layer):
    """Objectness and offsets of every level, [N×h×w×A, N×h×w×4A, …] → N×count×4, boxes in pixels, the surest first.

    Ren et al., "Faster R-CNN", 2015, section 3.1, and Lin et al., "Feature Pyramid Networks", 2017: of each level the `before`
    best are moved by their offsets and clipped to the picture; those of a side below `least` go; non-maximum suppression within
    each level; the `count` best of all stay. Of equal scores the earlier anchor wins. Rows without a box are zeros. No gradient
    flows through.

    Args:
        sides: of each level, (width, height) of each anchor of a cell, in pixels.
        strides: of each level.
        picture: (H, W) in pixels.
        count: proposals a picture.
        before: candidates of each level before suppression.
        overlap: intersection over union above which the less sure one goes.
        least: side of the smallest proposal, in pixels.
        offset: of an anchor's middle, as of `grid_anchors`.

    Raises:
        zoo.errors.InputError: for numbers out of range, or maps that do not go with the anchors.
    """

    quantization, carries = "floating", 0

    def __init__(
        self,
        sides: Sequence[Sequence[Sequence[float]]],
        strides: Sequence[int],
        picture: tuple[int, int],
        count: int = 300,
        before: int = 6000,
        overlap: float = 0.7,
        least: float = 16.0,
        offset: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if min(count, before, *picture, *strides) < 1 or not 0 < overlap <= 1 or len(sides) != len(strides):
            raise InputError(
                f"Proposals(count={count}, before={before}, overlap={overlap}, picture={picture}) of {len(sides)} levels "
                f"of anchors and {len(strides)} strides; expected numbers from 1 on, an overlap above 0 "
                "up to 1, and a stride a level"
            )
        self.sides = [[[float(width), float(height)] for width, height in level] for level in sides]
        self.strides, self.picture = [int(stride) for stride in strides], (int(picture[0]), int(picture[1]))
        self.count, self.before = int(count), int(before)
        self.overlap, self.least, self.offset = float(overlap), float(least), float(offset)

    def build(self, input_shape: Sequence[Shape]) -> None:
        grids = []
        for level, own in enumerate(self.sides):
            scores, offsets = input_shape[2 * level : 2 * level + 2]
            if None in scores[1:3] or scores[:3] != offsets[:3] or (scores[3], offsets[3]) != (len(own), _SIDES * len(own)):
                raise InputError(
                    f"{self.name}: level {level} has {len(own)} anchors, objectness {scores} and offsets {offsets}; expected "
                    f"{len(own)} and {_SIDES * len(own)} channels on one grid of known sides"
                )
            grids.append(scores[1:3])
        self.anchors = grid_anchors(grids, self.strides, self.sides, self.offset)
        self.built = True

    def call(self, inputs: Sequence[Any]) -> Any:
        boxes, scores, first = [], [], 0
        for level in range(len(self.sides)):
            score, offset = (ops.stop_gradient(ops.cast(x, "float32")) for x in inputs[2 * level : 2 * level + 2])
            total = math.prod(score.shape[1:])
            anchors = ops.convert_to_tensor(self.anchors[first : first + total])
            first += total
            own, rank = self._best(ops.reshape(offset, (-1, total, _SIDES)), ops.reshape(score, (-1, total)), anchors)
            boxes.append(own)
            scores.append(rank)
        boxes, scores = ops.concatenate(boxes, axis=1), ops.concatenate(scores, axis=1)
        order = ops.argsort(-scores, axis=1)[:, : self.count]
        scores = ops.take_along_axis(scores, order, axis=1)
        boxes = ops.take_along_axis(boxes, order[..., None], axis=1)
        boxes = ops.where(scores[..., None] > -float("inf"), boxes, 0.0)
        missing = self.count - boxes.shape[1]
        return ops.pad(boxes, ((0, 0), (0, missing), (0, 0))) if missing > 0 else boxes

    def _best(self, offsets: Any, scores: Any, anchors: Any) -> tuple[Any, Any]:
        """Of one level the boxes that stay, N×k×4, and their scores, −∞ in rows without one."""
        order = ops.argsort(-scores, axis=1)[:, : self.before]
        scores = ops.take_along_axis(scores, order, axis=1)
        offsets = ops.take_along_axis(offsets, order[..., None], axis=1)
        boxes = clipped(moved(ops.take(anchors, order, axis=0), offsets), self.picture)
        large = ops.all(boxes[..., 2:] - boxes[..., :2] >= self.least, axis=-1)
        scores = ops.where(large, scores, -float("inf"))
        stay = greedy(boxes, scores, self.overlap, min(self.count, scores.shape[1]))
        there = stay < scores.shape[1]
        stay = ops.minimum(stay, scores.shape[1] - 1)
        scores = ops.where(there, ops.take_along_axis(scores, stay, axis=1), -float("inf"))
        return ops.take_along_axis(boxes, stay[..., None], axis=1), scores

    def lower(self, inputs: Sequence[Any], primitives: Primitives) -> Any:
        """Of one picture, without a loop: who suppresses whom is a triangle of overlaps, and a few passes over it settle who
        stays.

        That is the loop's answer unless more than `_PASSES` boxes suppress each other in a row. Several pictures have the loop.
        """
        if inputs[0].shape[0] != 1:
            return self(inputs)
        boxes, scores, first = [], [], 0
        for level in range(len(self.sides)):
            score, offset = inputs[2 * level : 2 * level + 2]
            total = math.prod(score.shape[1:])
            count = min(self.before, total)
            best, places = ops.top_k(ops.reshape(score, (1, total)), count)
            places = ops.reshape(places, (count,))
            anchors = ops.take(ops.convert_to_tensor(self.anchors[first : first + total]), places, axis=0)
            first += total
            offset = ops.take(ops.reshape(offset, (1, total, _SIDES)), places, axis=1)
            own = clipped(moved(ops.reshape(anchors, (1, count, _SIDES)), offset), self.picture)
            boxes.append(own)
            scores.append(ops.where(self._stay(own) > 0.5, best, ops.full_like(best, _NOWHERE)))
        boxes, scores = ops.concatenate(boxes, axis=1), ops.concatenate(scores, axis=1)
        best, places = ops.top_k(scores, min(self.count, scores.shape[1]))
        boxes = ops.take(boxes, ops.reshape(places, (-1,)), axis=1)
        boxes *= ops.cast(ops.reshape(best, (1, -1, 1)) > _NOWHERE / 2, boxes.dtype)
        missing = self.count - boxes.shape[1]
        return ops.pad(boxes, ((0, 0), (0, missing), (0, 0))) if missing > 0 else boxes

    def _stay(self, boxes: Any) -> Any:
        """Which of the boxes 1×k×4 of one level, the best first, stay: 1×k of 0 and 1."""
        count = boxes.shape[1]
        x0, y0, x1, y1 = (boxes[..., side : side + 1] for side in range(_SIDES))
        across = [ops.reshape(side, (1, 1, count)) for side in (x0, y0, x1, y1)]
        width = ops.maximum(ops.minimum(x1, across[2]) - ops.maximum(x0, across[0]), 0.0)
        height = ops.maximum(ops.minimum(y1, across[3]) - ops.maximum(y0, across[1]), 0.0)
        area, shared = (x1 - x0) * (y1 - y0), width * height
        union = area + ops.reshape(area, (1, 1, count)) - shared
        later = np.triu(np.ones((1, count, count), np.float32), 1)  # whom each could suppress: those after it
        rivals = ops.cast(shared > self.overlap * union, "float32") * ops.convert_to_tensor(later)
        large = ops.cast(ops.minimum(x1 - x0, y1 - y0) >= self.least, "float32")
        stay = large
        for _ in range(min(_PASSES, count)):
            suppressed = ops.max(rivals * stay, axis=1)
            stay = large * (1.0 - ops.reshape(suppressed, (1, count, 1)))
        return ops.reshape(stay, (1, count))

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it chooses."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """All of the maps': which boxes are best depends on every position."""
        return summed_up(fields[0])

    def compute_output_spec(self, inputs: Sequence[Any]) -> keras.KerasTensor:
        return keras.KerasTensor((inputs[0].shape[0], self.count, _SIDES), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        chosen = {"count": self.count, "before": self.before, "overlap": self.overlap, "least": self.least}
        facts = {"sides": self.sides, "strides": self.strides, "picture": list(self.picture), "offset": self.offset}
        return {**super().get_config(), **facts, **chosen}
