"""What an engine is asked for: one file of one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from converters.quantization.calibration import Calibration
from converters.quantization.mixed_precision import Names


@dataclass(frozen=True)
class Request:
    """A file that is asked for.

    Args:
        model: of Keras 3, or its tf_keras counterpart; biases corrected, if they are.
        shapes: of the inputs, batch first, None where the file leaves a side open.
        inputs: the names of the inputs.
        outputs: the names of the outputs, in the model's order.
        recipe: a key of `recipes.RECIPES`.
        io: the type of input and output.
        images: to measure ranges on.
        keep_float: layers that stay in float.
        keep_int16: layers that compute with 16-bit activations.
        names: of the model's layers.
        correct_bias: whether an engine that can shall take the mean error of rounded kernels out of the biases.
        spans: what layers' answers span, by the layer's name, as training with the file's rounding learnt it.
        bytes_in: the names of inputs that hold 0–255, whatever is measured.
        sparse: whether kernels of many zeros are stored without these.
    """

    model: Any
    shapes: Sequence[tuple[int | None, ...]]
    inputs: Sequence[str]
    outputs: Sequence[str]
    recipe: str
    io: str
    images: Calibration | None
    keep_float: set[str]
    keep_int16: set[str]
    names: Names
    correct_bias: bool = False
    spans: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    bytes_in: frozenset[str] = frozenset()
    sparse: bool = False

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Of the only input, N×H×W×C."""
        (shape,) = self.shapes
        return shape
