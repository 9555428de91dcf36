"""What happens in every frame of a film: an encoder sees each frame, an LSTM remembers those before.

No paper of its own; the lectures' "many to many, in step", and what Donahue et al. 2015 (LRCN) do for activities: a network
for pictures over each frame, an LSTM over what it makes of them, and a class of every frame. They take an encoder's fully
connected layer; here it is the small map of a deep stride, narrowed, with its places kept: what moves is told by where it was.
Frames go in along the channels and through the encoder as a batch, so that its weights are there once. A device, to which
frames come one by one, runs `zoo.layers.frame_network` and `zoo.layers.step_network` for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.data.datasets.scenes_events import FRAMES
from zoo.lazy import keras
from zoo.models.encoders import features
from zoo.paper import Paper
from zoo.registry import Variant, register

LRCN = Paper(
    "Long-term Recurrent Convolutional Networks for Visual Recognition and Description", "Donahue et al.", 2015,
    "https://arxiv.org/abs/1411.4389",
)  # fmt: skip
VARIANTS = {"frame_labels": Variant(options={"encoder": "resnet18"}, inspired_by=(LRCN,))}


@register(
    VARIANTS, task="frame_labels", paper=None, input_size=(64, 64), channels=3 * FRAMES, fixed_size=True,
    tiny={"encoder_options": {"width": 0.125, "depths": (1, 1, 1, 1)}, "channels": 4, "units": 16},
)  # fmt: skip
def frame_labels(
    film: Any,
    classes: int,
    *,
    encoder: str = "resnet18",
    encoder_options: Mapping[str, Any] | None = None,
    stride: int = 16,
    frames: int = FRAMES,
    channels: int = 16,
    cell: str = "lstm",
    units: int = 128,
) -> Any:
    """Encoder over each frame → its map, narrowed, in a row → cell → scores of each frame.

    Args:
        film: N×H×W×3k, 0–255, k frames along the channels, H and W known.
        classes: of what happens.
        encoder: any encoder with that stride.
        encoder_options: options of it.
        stride: of the map that is kept of a frame.
        frames: k.
        channels: that the map is narrowed to.
        cell: of `zoo.layers.Recurrence`.
        units: of the cell.

    Returns:
        Logits N×1×k×classes.
    """
    pictures = layers.FramesApart(frames, name="frames")(film)
    (seen,) = features(encoder, pictures, **(encoder_options or {})).at(stride)
    seen = keras.layers.Conv2D(channels, 1, activation="relu", name="narrow")(seen)
    row = layers.FramesInRow(frames, name="row")(seen)
    x = layers.Recurrence(cell, units, name=cell)(row)
    return keras.layers.Dense(classes, name="scores")(x)
