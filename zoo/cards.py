"""Cards: what is known of a network before anyone trains it, counted and not copied."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from zoo.registry import Paper, architecture, build, option_names


@dataclass(frozen=True)
class Card:
    """One network's figures at its paper's input size.

    Attributes:
        name, task, paper: as registered.
        encoder: the encoder that is used when none is named, or None.
        strides: of the features it offers as an encoder; empty where it is none.
        input_size: (H, W) in pixels, and `channels`, of the figures below.
        classes: number of classes of the figures below.
        trainable: trainable parameters.
        macs: multiply-accumulates of one image, convolutions and dense layers only.
        mobile: whole on the GPU accelerator in float32, float16 and int8.
        options: what `build` can be told about this network beyond its standard arguments.
    """

    name: str
    task: str
    paper: Paper
    encoder: str | None
    strides: tuple[int, ...]
    input_size: tuple[int, int]
    channels: int
    classes: int
    trainable: int
    macs: int
    mobile: bool
    options: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for CSV and JSON."""
        return asdict(self)


def card(name: str) -> Card:
    """Builds the network once and counts.

    Raises:
        zoo.errors.InputError: for an unknown name.
    """
    from zoo.counting import macs

    entry = architecture(name)
    model = build(name, input_shape=(*entry.input_size, entry.channels))
    return Card(
        name=name,
        task=entry.task,
        paper=entry.paper,
        encoder=entry.default_encoder,
        strides=entry.strides,
        input_size=entry.input_size,
        channels=entry.channels,
        classes=len(model.layers[-1].labels),
        trainable=sum(math.prod(v.shape) for v in model.trainable_variables),
        macs=macs(model),
        mobile=entry.mobile,
        options=tuple(option_names(entry)),
    )
