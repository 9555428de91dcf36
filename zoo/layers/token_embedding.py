"""Token embedding: numbers of a vocabulary as vectors that are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.layers.field import Field, Shape, united


@keras.saving.register_keras_serializable(package="densezoo")
class TokenEmbedding(keras.layers.Layer):
    """Makes of a map of tokens N×H×W×1 their vectors N×H×W×width. Numbers beyond the vocabulary count as its last token.

    Indices are looked up in a row: GPUs take no others.

    Args:
        vocabulary: how many tokens there are.
        width: of a vector.
    """

    quantization, carries = "rounds", 0

    def __init__(self, vocabulary: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocabulary, self.width = vocabulary, width

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (self.vocabulary, self.width)
        self.embeddings = self.add_weight(shape, keras.initializers.RandomUniform(-0.05, 0.05), name="embeddings")
        self.built = True

    def call(self, tokens: Any) -> Any:
        sides = ops.shape(tokens)
        numbers = ops.cast(ops.clip(ops.reshape(tokens, (-1,)), 0, self.vocabulary - 1), "int32")
        vectors = ops.take(ops.cast(self.embeddings, self.compute_dtype), numbers, axis=0)
        return ops.reshape(vectors, (-1, *sides[1:3], self.width))

    def compute_output_spec(self, tokens: Any) -> keras.KerasTensor:
        return keras.KerasTensor((*tokens.shape[:3], self.width), dtype=self.compute_dtype)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it looks up."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The token's."""
        return united(fields)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocabulary": self.vocabulary, "width": self.width}
