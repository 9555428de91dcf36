"""InputSpec and OutputSpec: what goes into a network and what its numbers mean, as data that survive saving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zoo.errors import InputError, unknown
from zoo.outputs.layout import CHANNELS_LAST
from zoo.outputs.palettes import voc_palette

ACTIVATIONS = ("linear", "softmax", "sigmoid", "argmax")  # what a model ends in, behind its logits
Colour = tuple[int, int, int]
Bound = float | tuple[float, ...]  # of all channels, or one a channel


@dataclass(frozen=True)
class InputSpec:
    """One input of a network: a picture, or several of them along the channels.

    Attributes:
        name: of the tensor.
        size: (H, W) in pixels; None for any.
        channels: of the whole tensor; with frames=2 of RGB pictures, 6.
        range: (low, high), the values that stand for a picture's 0 and 255, each a number or one a channel; None where
            nobody knows, as of files of others.
        frames: how many pictures lie along the channels.
        layout: which axis of the tensor is which, in the letters of `zoo.outputs.layout`; empty where it takes no picture.
        feedback: of a state, the name of the output that gives it for the next step, zeros before the first; empty for what
            comes from outside.
    """

    name: str = "image"
    size: tuple[int, int] | None = None
    channels: int = 3
    range: tuple[Bound, Bound] | None = (0.0, 255.0)
    frames: int = 1
    layout: str = CHANNELS_LAST
    feedback: str = ""

    def __post_init__(self) -> None:
        if self.channels < 1 or self.frames < 1 or self.channels % self.frames:
            raise InputError(f"{self.channels} channels of {self.frames} frames: each frame has as many channels, 1 or more")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as JSON holds it."""
        size = None if self.size is None else list(self.size)
        bounds = None if self.range is None else [list(end) if isinstance(end, tuple) else end for end in self.range]
        facts = {"name": self.name, "size": size, "channels": self.channels, "range": bounds, "frames": self.frames}
        facts |= {} if self.layout == CHANNELS_LAST else {"layout": self.layout}
        return facts | ({"feedback": self.feedback} if self.feedback else {})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> InputSpec:
        """The spec of `to_dict`'s data."""
        size, bounds = data.get("size"), data.get("range", (0, 255))
        return cls(
            name=str(data.get("name", "image")),
            size=None if size is None else (int(size[0]), int(size[1])),
            channels=int(data["channels"]),
            range=None if bounds is None else (_bound(bounds[0]), _bound(bounds[1])),
            frames=int(data.get("frames", 1)),
            layout=str(data.get("layout", CHANNELS_LAST)),
            feedback=str(data.get("feedback", "")),
        )


def _bound(end: float | Sequence[float]) -> Bound:
    return tuple(float(value) for value in end) if isinstance(end, Sequence) else float(end)


@dataclass(frozen=True)
class OutputSpec:
    """One output of a network.

    Attributes:
        kind: what the numbers are, a name of `zoo.outputs.names()`.
        name: of the tensor, in the Keras model, the file and the runner.
        channels: of the network's last map, before its activation.
        labels: names, one a class; empty where there are no classes.
        palette: one (r, g, b) in 0–255 per label.
        activation: "linear" (numbers as the last layer gives them), "softmax", "sigmoid" or "argmax" (over the channels, which
            disappear; int32).
        unit: of the values, as "px"; empty where they have none.
        range: (low, high) of the values; None for any number.
        scale: pixels of the output per pixel of the input along a side; None for one answer a picture.
        layout: which axis of the tensor is which, in the letters of `zoo.outputs.layout`; empty where it is the kind's own
            order, as of all networks of this zoo.
        options: what else the kind needs to know, as plain data that JSON holds; each kind says what it reads.
    """

    kind: str
    name: str = "answer"
    channels: int | None = None
    labels: tuple[str, ...] = ()
    palette: tuple[Colour, ...] = ()
    activation: str = "linear"
    unit: str = ""
    range: tuple[float, float] | None = None
    scale: int | None = 1
    layout: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise unknown("activation of an output", self.activation, ACTIVATIONS)
        usual = () if self.palette else voc_palette(256)
        colours = self.palette or [usual[index % 256] for index in range(len(self.labels))]
        object.__setattr__(self, "labels", tuple(map(str, self.labels)))
        object.__setattr__(self, "palette", tuple(tuple(int(value) for value in colour) for colour in colours))
        if len(self.palette) != len(self.labels):
            raise InputError(f"{len(self.palette)} colours for {len(self.labels)} labels: give one (r, g, b) each")

    @property
    def classes(self) -> int:
        """The number of classes that the labels name."""
        return len(self.labels)

    @property
    def dense(self) -> bool:
        """Whether there is an answer for every pixel, not one a picture."""
        return self.scale is not None

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as JSON holds it."""
        layout = {"layout": self.layout} if self.layout else {}
        options = {"options": dict(self.options)} if self.options else {}
        return {
            "name": self.name,
            "kind": self.kind,
            "channels": self.channels,
            "labels": list(self.labels),
            "palette": [list(colour) for colour in self.palette],
            "activation": self.activation,
            "unit": self.unit,
            "range": None if self.range is None else list(self.range),
            "scale": self.scale,
            **layout,
            **options,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> OutputSpec:
        """The spec of `to_dict`'s data."""
        bounds: Sequence[float] | None = data.get("range")
        return cls(
            kind=str(data["kind"]),
            name=str(data.get("name", "answer")),
            channels=None if data.get("channels") is None else int(data["channels"]),
            labels=tuple(data.get("labels") or ()),
            palette=tuple(tuple(colour) for colour in data.get("palette") or ()),
            activation=str(data.get("activation", "linear")),
            unit=str(data.get("unit", "")),
            range=None if bounds is None else (float(bounds[0]), float(bounds[1])),
            scale=None if data.get("scale") is None else int(data["scale"]),
            layout=str(data.get("layout") or ""),
            options=dict(data.get("options") or {}),
        )
