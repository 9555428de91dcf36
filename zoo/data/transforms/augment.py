"""Augmentation: a picture and its target through one random geometry; colours change on the picture alone.

Images are resampled bilinearly (antialiased when they shrink), targets as their type says. Everything is drawn from the
generator given, in a fixed order, on which the resumption of old runs depends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.sample import as_target, change
from zoo.data.targets import NO_LABEL, Mask, Target
from zoo.data.transforms.elastic import deform, displacements
from zoo.data.transforms.geometric import GREY, Placement, flip
from zoo.data.transforms.photometric import recolour
from zoo.errors import InputError

VERSION = 1  # of `to_dict`; goes up when the same settings come to mean something else
Targets = Target | dict[str, Target]


@dataclass(frozen=True)
class Augment:
    """Augmentation: what may happen to a training sample. The defaults suit photographs taken upright.

    flip, flip_vertical: chance of mirroring left–right, top–bottom (0–1).
    scale: range of magnification, drawn evenly in its logarithm. At 1 the whole sample fills the output, as it does in
        evaluation; above 1 a random part of it does; below 1 it lies at a random place and the rest is padded.
    native: magnify the sample's own pixels instead, so that at 1 the output is a crop of them (for large images).
    stretch: greatest factor by which a part's width grows against its height, or the other way round (1: none).
    rotate: greatest turn either way, in degrees.
    elastic: standard deviation, in pixels of the output, of U-Net's elastic deformation (0: none; the paper's is 10); see
        zoo/data/transforms/elastic.py. What it fetches from beyond the output is mirrored.
    brightness, contrast, saturation: greatest relative change either way (0–1). hue: greatest turn either way, in
    degrees. blur: chance of a Gaussian blur of a radius up to 1.5 pixels (0–1).
    noise: greatest standard deviation of added noise, in levels of 255.
    size: the output's (H, W); None is the sample's own size. `Batches(size=…)` overrides it.
    """

    flip: float = 0.5
    flip_vertical: float = 0.0
    scale: tuple[float, float] = (0.75, 1.5)
    native: bool = False
    stretch: float = 1.0
    rotate: float = 0.0
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    size: tuple[int, int] | None = None
    elastic: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "flip_vertical", "brightness", "contrast", "saturation", "blur"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"Augment({name}={getattr(self, name)}): give 0 to 1")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise InputError(f"Augment(scale={self.scale}): give (least, greatest), both above 0")
        if self.stretch < 1:
            raise InputError(f"Augment(stretch={self.stretch}): give 1 (none) or more")
        if not (0 <= self.rotate <= 180 and 0 <= self.hue <= 180 and self.noise >= 0):
            raise InputError(
                f"Augment: rotate={self.rotate}, hue={self.hue} are 0–180 degrees; noise={self.noise} is 0 or more"
            )
        if self.size is not None and min(self.size) < 1:
            raise InputError(f"Augment(size={self.size}): give (H, W) in pixels")
        if not 0 <= self.elastic < math.inf:
            raise InputError(f"Augment(elastic={self.elastic}): give a deviation in pixels, 0 (none) or more")

    def __repr__(self) -> str:
        """The text that a run is compared by. Checkpoints from before there was `stretch` or `elastic` say nothing of them."""
        later = {"stretch": 1.0, "elastic": 0.0}  # left out while they do nothing
        fields = {name: value for name, value in vars(self).items() if name not in later or value != later[name]}
        return f"Augment({', '.join(f'{name}={value!r}' for name, value in fields.items())})"

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain data, as JSON holds them: "type", "version" and every field.

        What new checkpoints should remember; `repr` stays for those that compare it.
        """
        return describe(self, vars(self))

    def __call__(
        self,
        image: np.ndarray,
        target: Targets | np.ndarray,
        rng: np.random.Generator,
        size: tuple[int, int] | None = None,
        padding: int = NO_LABEL,
    ) -> tuple[np.ndarray, Targets | np.ndarray]:
        """The augmented image (uint8 h×w×3k) and target, of the size given, this one's or the sample's.

        A bare array of class indices comes back as an array; `padding` is its label for what lies beyond the sample.
        """
        if isinstance(target, np.ndarray):
            image, mask = self(image, Mask(target, padding), rng, size)
            return image, mask.values
        whole = image.shape[:2]
        size = tuple(size or self.size or whole)
        check_fits(image, target)
        image, target = mirrored(image, target, (self.flip, self.flip_vertical), rng)
        region = self._region(rng, whole, size)
        turn = math.radians(rng.uniform(-self.rotate, self.rotate))
        placement = Placement(whole, region, size, turn)
        image = placement.draw(image, smooth=True, fill=GREY)
        target = change(target, lambda one: one.place(placement))
        if self.elastic:
            shift = displacements(size, self.elastic, rng)
            image, target = deform(image, shift, smooth=True), change(target, lambda one: one.deform(shift))
        if any(one.holds_colours for one in (target.values() if isinstance(target, dict) else [target])):
            return image, target
        colours = ("brightness", "contrast", "saturation", "hue", "blur", "noise")
        return recolour(image, rng, **{name: getattr(self, name) for name in colours}), target

    def _region(
        self, rng: np.random.Generator, whole: tuple[int, ...], size: tuple[int, int]
    ) -> tuple[float, float, float, float]:
        """The part of the sample that fills the output: left, top, width, height in its pixels; it may reach beyond."""
        scale = math.exp(rng.uniform(math.log(self.scale[0]), math.log(self.scale[1])))
        height, width = ((size if self.native else whole)[axis] / scale for axis in (0, 1))
        if self.stretch > 1:
            aspect = math.exp(rng.uniform(-1, 1) * math.log(self.stretch) / 2)
            height, width = height / aspect, width * aspect
        left, top = rng.random() * (whole[1] - width), rng.random() * (whole[0] - height)
        return left, top, width, height


def check_fits(image: np.ndarray, target: Targets) -> None:
    """Refuses a target that belongs to a picture of another size.

    Raises:
        InputError: saying both sizes.
    """
    for one in target.values() if isinstance(target, dict) else [as_target(target)]:
        if one.size not in (None, image.shape[:2]):
            height, width = one.size
            raise InputError(
                f"{type(one).__name__} of a picture of {height}×{width} (H×W) beside one of {image.shape[0]}×{image.shape[1]}"
            )


def mirrored(
    image: np.ndarray, target: Targets | np.ndarray, chances: tuple[float, float], rng: np.random.Generator
) -> tuple[np.ndarray, Targets | np.ndarray]:
    """A sample mirrored left–right and top–bottom, each with its chance (0–1), where its targets are known of that."""
    every = target.values() if isinstance(target, dict) else [target]
    for axis, chance in zip((1, 0), chances, strict=True):
        if rng.random() < chance and all(one.may_flip(axis) for one in every):
            image, target = flip(image, axis), change(target, lambda one, axis=axis: one.flip(axis))
    return image, target


def describe(augment: object, settings: Mapping[str, Any]) -> dict[str, Any]:
    """An augmentation as plain data, as JSON holds it."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
    return {"type": type(augment).__name__, "version": VERSION, **plain}
