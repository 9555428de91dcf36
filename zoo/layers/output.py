"""The last layer of every network: what its output is and what its numbers mean."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.errors import unknown
from zoo.outputs.palettes import voc_palette

KINDS = ("logits", "probabilities", "classes")


@keras.saving.register_keras_serializable(package="densezoo", name="Answer")  # as files of 0.1 have it
class ModelOutput(keras.layers.Layer):
    """Turns logits into the answer that was asked for, and carries its meaning.

    Because the task, the labels and the palette are part of this layer's configuration they survive saving, cloning and
    bridging; training, conversion and the runner ask here and need no side file.

    Args:
        task: name of the task (`zoo.tasks.names()`).
        kind: "logits" (float32, unchanged), "probabilities" (float32, softmax over the last axis, in [0, 1]) or
            "classes" (int32 argmax over the last axis, which disappears).
        labels: one name per channel of the logits.
        palette: one (r, g, b) in 0–255 per label; by default PASCAL VOC's colour map.

    Raises:
        zoo.errors.InputError: for an unknown kind.
    """

    def __init__(
        self,
        task: str,
        kind: str = "logits",
        labels: Sequence[str] = (),
        palette: Sequence[Sequence[int]] | None = None,
        **kwargs,
    ) -> None:
        kwargs["dtype"] = "float32"  # a softmax in half precision is where mixed precision turns into NaN
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise unknown("head", kind, KINDS)
        self.task = task
        self.kind = kind
        self.labels = tuple(labels)
        colours = palette or [voc_palette(256)[index % 256] for index in range(len(self.labels))]
        self.palette = tuple(tuple(int(v) for v in colour) for colour in colours)

    def call(self, logits):
        if self.kind == "classes":
            return keras.ops.cast(keras.ops.argmax(logits, axis=-1), "int32")
        logits = keras.ops.cast(logits, "float32")
        return keras.ops.softmax(logits, axis=-1) if self.kind == "probabilities" else logits

    def compute_output_spec(self, logits):
        if self.kind == "classes":
            return keras.KerasTensor(logits.shape[:-1], dtype="int32")
        return keras.KerasTensor(logits.shape, dtype="float32")

    def get_config(self) -> dict:
        palette = [list(colour) for colour in self.palette]
        meaning = {"task": self.task, "kind": self.kind, "labels": list(self.labels), "palette": palette}
        return {**super().get_config(), **meaning}


def answer(model: keras.Model) -> ModelOutput | None:
    """The `ModelOutput` layer that a model ends in, or None for a model that is not from this zoo."""
    return next((layer for layer in reversed(model.layers) if isinstance(layer, ModelOutput)), None)
