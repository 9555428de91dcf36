"""The end of a detector that MediaPipe's ObjectDetector reads: boxes and shares in two outputs, of which it chooses itself.

Its convention for files without a choice inside asks for "location", N×P×4 of (y, x, height, width), and "score", N×P×K, and
for anchors in the metadata that places and sides are told from. Every coding of ours is decoded in the file instead, and the
anchors are all the picture itself, so that any detector can be written, with or without anchors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.layers import ModelOutput
from zoo.outputs import OutputSpec
from zoo.outputs.box_codings import middles

LOCATION, SCORE = "location", "score"  # the names that it looks for
YXHW = "y, x, height, width"
_SIDES = 4


def detector_end(model: keras.Model, layer: ModelOutput, size: tuple[int, int] | None) -> keras.Model:
    """The model with these two outputs; it shares every layer.

    Args:
        model: whose only output is boxes.
        layer: that it ends in.
        size: (H, W) of its pictures, where it takes any.

    Raises:
        InputError: for a model of any size without one, and boxes that are told in a way that has no end here.
    """
    image, rows = model.inputs[0], layer.input
    if None in image.shape[1:3]:
        if size is None:
            raise InputError(f"'{model.name}' takes pictures of any size, and MediaPipe's detectors one; choose it with --size")
        body, image = keras.Model(image, rows), keras.Input((*size, image.shape[-1]), name=image.name)
        rows = body(image)
    options = dict(layer.spec.options)
    if len(rows.shape) == _SIDES:
        options["grids"] = [list(rows.shape[1:3])]
    coding = options.get("coding", "points")
    if coding not in _CODINGS:
        raise InputError(
            f"'{model.name}' tells boxes as {coding!r}, for which there is no end that MediaPipe reads, only for "
            f"{', '.join(_CODINGS)}; convert it --for litert or --for web"
        )
    places, shares = _Decoded(options, name="boxes")(rows)
    spec = layer.spec
    specs = {
        LOCATION: OutputSpec("numbers", LOCATION, options={"boxes": YXHW}),
        SCORE: replace(OutputSpec("numbers", SCORE), labels=spec.labels, palette=spec.palette),
    }
    ends = {name: ModelOutput(layer.task, specs[name], name=name)(x) for name, x in ((LOCATION, places), (SCORE, shares))}
    return keras.Model(image, ends, name=model.name)


class _Decoded(keras.layers.Layer):
    """Rows N×h×w×C or N×P×C → boxes within the picture, N×P×4 as `YXHW` in shares of its sides, and shares N×P×K.

    Args:
        options: of the rows' spec, grids among them, as `zoo.outputs.box_codings` has them.
    """

    quantization = "floating"  # a share of a side in eight bits is two pixels of 640

    def __init__(self, options: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self._coding, self._scores = _CODINGS[options.get("coding", "points")](options), options.get("scores", "sigmoid")

    def call(self, rows: Any) -> tuple[Any, Any]:
        rows = ops.reshape(rows, (-1, *self._flat(rows.shape)))
        low, high = (ops.minimum(ops.maximum(ends, 0.0), 1.0) for ends in self._coding(rows[..., :_SIDES]))
        centre, sides = (low + high) * 0.5, high - low
        parts = (centre[..., 1:], centre[..., :1], sides[..., 1:], sides[..., :1])
        return ops.concatenate(parts, axis=-1), _SCORES[self._scores](rows[..., _SIDES:])

    @staticmethod
    def _flat(shape: tuple[int, ...]) -> tuple[int, int]:
        return int(np.prod(shape[1:-1])), shape[-1]

    def compute_output_spec(self, rows: Any) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        count, numbers = self._flat(rows.shape)
        classes = numbers - _SIDES - (self._scores == "softmax")
        return tuple(keras.KerasTensor((rows.shape[0], count, each), dtype="float32") for each in (_SIDES, classes))


Ends = Callable[[Any], tuple[Any, Any]]  # N×P×4 → the low and the high corners (x, y), N×P×2 each


def _points(options: Mapping[str, Any]) -> Ends:
    grids = options["grids"]
    points = _constant(np.concatenate([middles(grid) for grid in grids]))
    cells = [np.tile([1 / grid[1], 1 / grid[0]], (grid[0] * grid[1], 1)) for grid in grids]
    cells = _constant(np.concatenate(cells))

    def ends(numbers: Any) -> tuple[Any, Any]:
        reach = ops.exp(numbers)
        return points - reach[..., :2] * cells, points + reach[..., 2:] * cells

    return ends


def _anchors(options: Mapping[str, Any]) -> Ends:
    levels = list(zip(options["grids"], options["anchors"], strict=True))
    points = _constant(np.concatenate([middles(grid).repeat(len(own), axis=0) for grid, own in levels]))
    sides = _constant(np.concatenate([np.tile(np.asarray(own), (grid[0] * grid[1], 1)) for grid, own in levels]))
    variances = _constant(np.asarray(options.get("variances") or (1.0,) * _SIDES)[None])

    def ends(numbers: Any) -> tuple[Any, Any]:
        numbers = numbers * variances
        centre, half = points + numbers[..., :2] * sides, ops.exp(numbers[..., 2:]) * sides * 0.5
        return centre - half, centre + half

    return ends


def _corners(options: Mapping[str, Any]) -> Ends:
    return lambda numbers: (numbers[..., :2], numbers[..., 2:])


def _constant(values: np.ndarray) -> Any:
    return ops.convert_to_tensor(values[None].astype(np.float32))


_CODINGS: dict[str, Callable[[Mapping[str, Any]], Ends]] = {"points": _points, "anchors": _anchors, "corners": _corners}
_SCORES: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda scores: ops.sigmoid(scores),
    "softmax": lambda scores: ops.softmax(scores, axis=-1)[..., 1:],
    "shares": lambda scores: scores,
}
