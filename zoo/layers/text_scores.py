"""Text scores: what a text is taken for once its last word has been read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.layers.field import Field, Shape, united


@keras.saving.register_keras_serializable(package="densezoo")
class TextScores(keras.layers.Layer):
    """Scores of classes where a text ends: [what was read of each word N×1×S×C, the words' numbers N×1×S×1] → N×classes.

    Words have numbers from 1 on. What follows the last one is padding, 0, and changes nothing, whatever was read there; of a
    text without words nothing is known but the classes' biases.

    Args:
        classes: how many.
        vocabulary: the text of each number, which whoever asks in words needs to know; the first is that of padding.
    """

    quantization, carries = "rounds", 0

    def __init__(self, classes: int, vocabulary: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes, self.vocabulary = classes, tuple(vocabulary)
        self.scores = keras.layers.Dense(classes, name="scores", dtype=self.dtype_policy)

    @property
    def output_options(self) -> dict[str, Any]:
        """The words that are known, and how many of them are read."""
        reads = self.input[1].shape[2] if self._inbound_nodes else None
        return {"vocabulary": list(self.vocabulary)} | ({} if reads is None else {"reads": reads})

    def build(self, input_shapes: Sequence[Shape]) -> None:
        self.scores.build((input_shapes[0][0], input_shapes[0][-1]))
        self.built = True

    def call(self, inputs: Sequence[Any]) -> Any:
        read, words = inputs
        present = ops.cast(ops.minimum(words, 1), read.dtype)
        following = ops.pad(present[:, :, 1:], ((0, 0), (0, 0), (0, 1), (0, 0)))
        return self.scores(ops.sum(read * (present - following), axis=(1, 2)))

    def compute_output_spec(self, inputs: Sequence[Any]) -> keras.KerasTensor:
        return keras.KerasTensor((inputs[0].shape[0], self.classes), dtype=self.compute_dtype)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """The products of the last word's features with each class."""
        return input_shapes[0][-1] * self.classes

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """All of the text."""
        return Field(united(fields).lines, whole=True)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "classes": self.classes, "vocabulary": list(self.vocabulary)}
