"""Sheets taken apart: the picture above, the lines of text below it (`zoo.data.sheets`), and the network of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, united
from zoo.layers.output import ModelOutput, model_output
from zoo.outputs.spec import InputSpec

_BYTES = (0.0, 255.0)


@keras.saving.register_keras_serializable(package="densezoo")
class SheetPart(keras.layers.Layer):
    """A part of a sheet: N×H×W×C → N×rows×columns×channels.

    Args:
        rows: (first, last + 1) from the top.
        columns: how many, from the left; by default all.
        channels: how many, from the first; by default all.
    """

    quantization, carries = "passthrough", 0

    def __init__(
        self, rows: Sequence[int], columns: int | None = None, channels: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rows, self.columns, self.channels = tuple(rows), columns, channels

    def build(self, input_shape: Shape) -> None:
        """Checks that the part is on the sheet.

        Raises:
            InputError: where it is not.
        """
        sides = zip((self.rows[1], self.columns, self.channels), input_shape[1:], strict=True)
        if not 0 <= self.rows[0] < self.rows[1] or any((part or 0) > (side or 0) for part, side in sides):
            raise InputError(
                f"{self.name} is rows {self.rows}, {self.columns or 'all'} columns of a sheet {input_shape[1:]}; enlarge it"
            )
        self.built = True

    def call(self, page: Any) -> Any:
        return page[:, self.rows[0] : self.rows[1], : self.columns, : self.channels]

    def compute_output_spec(self, page: Any) -> keras.KerasTensor:
        sides = (self.rows[1] - self.rows[0], self.columns or page.shape[2], self.channels or page.shape[3])
        return keras.KerasTensor((page.shape[0], *sides), dtype=page.dtype)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it cuts out."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The sheet's, further down."""
        field = united(fields)
        rows, columns = field.lines
        return Field((rows.shift(self.rows[0]), columns), field.whole)

    def get_config(self) -> dict[str, Any]:
        own = {"rows": list(self.rows), "columns": self.columns, "channels": self.channels}
        return {**super().get_config(), **own}


def parts_network(model: keras.Model) -> keras.Model:
    """The network that takes the parts of a sheet side by side, each by its layer's name; it shares every layer with `model`.

    Parts of one channel are text: their numbers are words', and no picture's. Its `ModelOutput` says so.

    Args:
        model: whose input is read by `SheetPart` layers alone.

    Raises:
        InputError: for a model of another kind.
    """
    parts, last = [layer for layer in model.layers if isinstance(layer, SheetPart)], model_output(model)
    parts.sort(key=lambda part: part.rows)  # from the top, whatever the graph's order
    if not parts or last is None:
        raise InputError(f"{model.name} takes no sheet: expected a network of this zoo that begins with SheetPart layers")
    behind = keras.Model([part.output for part in parts], last.input)
    inputs, specs = [], []
    for part in parts:
        sides = tuple(part.output.shape[1:])
        inputs.append(keras.Input(sides, name=part.name))
        text = {"range": _BYTES, "layout": ""} if sides[2] == 1 else {}
        specs.append(InputSpec(part.name, sides[:2], sides[2], **text))
    answer = ModelOutput.from_config({**last.get_config(), "inputs": specs})(behind(inputs))
    return keras.Model(inputs, answer, name=model.name)
