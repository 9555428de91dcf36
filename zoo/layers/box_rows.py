"""Box rows: the maps of a detector's levels laid after another, with what the answer's kind must know of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from zoo.layers.field import Field, Shape, united


@keras.saving.register_keras_serializable(package="densezoo")
class BoxRows(keras.layers.Layer):
    """Lays maps N×h×w×(A·C), one a level, after another as rows N×P×C: level by level, position by position, A to a position.

    It says by `output_options` what `zoo.outputs.box_codings` reads: the options it was given and, where the maps' sizes are
    known, the grids that they are. A network of any size has none, and says so when its answer is asked for.

    Args:
        channels: C, numbers of a row.
        options: of the output's spec, as {"coding": "anchors", "anchors": […]}.
    """

    quantization, carries = "passthrough", 0

    def __init__(self, channels: int, options: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels, self._options = int(channels), json.dumps(dict(options or {}))  # as text, which Keras does not wrap
        self._shapes: tuple[tuple[int | None, ...], ...] = ()

    @property
    def output_options(self) -> dict[str, Any]:
        """The options of the output that these rows are."""
        return self.options_at(self._shapes)

    def options_at(self, input_shapes: Sequence[tuple[int | None, ...]]) -> dict[str, Any]:
        """The options of the output where the maps have these shapes."""
        grids = [list(shape[1:3]) for shape in input_shapes]
        known = grids and all(side is not None for grid in grids for side in grid)
        return {**json.loads(self._options), **({"grids": grids} if known else {})}

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        self._shapes = tuple(_listed(input_shape))
        self.built = True

    def call(self, maps: Any) -> Any:
        maps = list(maps) if isinstance(maps, list | tuple) else [maps]
        rows = [ops.reshape(each, (-1, self._positions(each), self.channels)) for each in maps]
        return rows[0] if len(rows) == 1 else ops.concatenate(rows, axis=1)

    def compute_output_spec(self, maps: Any) -> keras.KerasTensor:
        maps = list(maps) if isinstance(maps, list | tuple) else [maps]
        counts = [self._count(each.shape) for each in maps]
        total = None if None in counts else sum(counts)
        return keras.KerasTensor((maps[0].shape[0], total, self.channels), dtype=self.compute_dtype)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: nothing is computed."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """Of all levels."""
        return united(fields)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "channels": self.channels, "options": json.loads(self._options)}

    def _positions(self, x: Any) -> Any:
        """Rows of a map; unknown where its batch is known, and otherwise computed when the graph runs."""
        count = self._count(x.shape)
        if count is not None:
            return count
        shape = ops.shape(x)
        return shape[1] * shape[2] * (x.shape[-1] // self.channels)

    def _count(self, shape: Sequence[int | None]) -> int | None:
        height, width, channels = shape[1:]
        return None if None in (height, width) else height * width * (channels // self.channels)


def _listed(input_shape: Any) -> list[tuple[int | None, ...]]:
    """The shapes of all maps, where one alone comes without a list around it."""
    alone = not isinstance(input_shape[0], list | tuple)
    return [tuple(input_shape)] if alone else [tuple(shape) for shape in input_shape]
