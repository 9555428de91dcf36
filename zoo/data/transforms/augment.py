"""Paired augmentation: a sample's image and its mask through one geometry; colours change on the image alone.

Images are resampled bilinearly (antialiased when they shrink), masks by nearest neighbour, so no label arises that was
not there. Everything is drawn from the generator given, in a fixed order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from zoo.data.transforms.elastic import deform, displacements
from zoo.errors import InputError

GREY = (124, 116, 104)  # ImageNet's mean colour: what lies beyond the picture should look like nothing in particular
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Augment:
    """What may happen to a training sample. The defaults suit photographs taken upright.

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
        """What a run is compared by. Checkpoints from before there was `stretch` or `elastic` say nothing of them."""
        later = {"stretch": 1.0, "elastic": 0.0}  # not told while they do nothing
        told = {name: value for name, value in vars(self).items() if name not in later or value != later[name]}
        return f"Augment({', '.join(f'{name}={value!r}' for name, value in told.items())})"

    def __call__(
        self,
        image: np.ndarray,
        target: np.ndarray,
        rng: np.random.Generator,
        size: tuple[int, int] | None = None,
        padding: int = 255,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The augmented image (uint8 h×w×3) and target (uint8 h×w) of the size given, this one's or the sample's.

        `padding` is the label of what lies beyond the sample: its ignore value.
        """
        size = size or self.size or target.shape
        picture, mask = Image.fromarray(image), Image.fromarray(target)
        if rng.random() < self.flip:
            picture, mask = (one.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for one in (picture, mask))
        if rng.random() < self.flip_vertical:
            picture, mask = (one.transpose(Image.Transpose.FLIP_TOP_BOTTOM) for one in (picture, mask))
        region = self._region(rng, target.shape, size)
        turn = math.radians(rng.uniform(-self.rotate, self.rotate))
        place = _turn_to if turn else _fit_to
        picture = place(picture, region, size, turn, Image.Resampling.BILINEAR, GREY)
        mask = place(mask, region, size, turn, Image.Resampling.NEAREST, padding)
        if self.elastic:
            moved = displacements(size, self.elastic, rng)
            picture, mask = deform(picture, moved, smooth=True), deform(mask, moved, smooth=False)
        return self._recolour(picture, rng), np.array(mask)

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

    def _recolour(self, picture: Image.Image, rng: np.random.Generator) -> np.ndarray:
        """Brightness, contrast, saturation and hue as one matrix on RGB, then blur and noise."""
        bright, contrast, saturation = (
            1 + rng.uniform(-most, most) for most in (self.brightness, self.contrast, self.saturation)
        )
        hue = math.radians(rng.uniform(-self.hue, self.hue))
        matrix = bright * contrast * (saturation * _turn_hue(hue) + (1 - saturation) * np.outer(np.ones(3), _LUMA))
        middle = np.asarray(picture.convert("L").reduce(4)).mean() * bright
        offset = np.full((3, 1), (1 - contrast) * middle)
        picture = picture.convert("RGB", tuple(np.hstack([matrix, offset]).ravel().tolist()))
        if rng.random() < self.blur:
            picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
        values = np.array(picture)
        deviation = rng.uniform(0, self.noise)
        if deviation:
            noisy = values + rng.standard_normal(values.shape, dtype=np.float32) * np.float32(deviation)
            values = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        return values


def _turn_hue(angle: float) -> np.ndarray:
    """3×3 on RGB: a turn about the grey axis (Rodrigues' formula), which leaves greys as they are."""
    cos, sin = math.cos(angle), math.sin(angle) / math.sqrt(3)
    return cos * np.eye(3) + (1 - cos) / 3 * np.ones((3, 3)) + sin * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])


def _fit_to(
    picture: Image.Image,
    region: tuple[float, float, float, float],
    size: tuple[int, int],
    turn: float,
    resample: Image.Resampling,
    fill: int | tuple[int, int, int],
) -> Image.Image:
    """The region of the picture resized to `size`; what it has beyond the picture is filled."""
    left, top, width, height = region
    across, down = size[1] / width, size[0] / height
    # Where the picture's own edges come to lie in the output, in whole pixels so that both resamplings agree on them.
    x0, x1 = max(0, round(-left * across)), min(size[1], round((picture.width - left) * across))
    y0, y1 = max(0, round(-top * down)), min(size[0], round((picture.height - top) * down))
    inside = (max(0.0, left), max(0.0, top), min(picture.width, left + width), min(picture.height, top + height))
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    part = picture.resize((x1 - x0, y1 - y0), resample, box=inside)
    if part.size == (size[1], size[0]):
        return part
    canvas = Image.new(picture.mode, (size[1], size[0]), fill)
    canvas.paste(part, (x0, y0))
    return canvas


def _turn_to(
    picture: Image.Image,
    region: tuple[float, float, float, float],
    size: tuple[int, int],
    turn: float,
    resample: Image.Resampling,
    fill: int | tuple[int, int, int],
) -> Image.Image:
    """As `_fit_to`, turned about the region's middle by `turn` radians."""
    left, top, width, height = region
    across, down = width / size[1], height / size[0]
    cos, sin = math.cos(turn), math.sin(turn)
    middle_x, middle_y = left + width / 2, top + height / 2
    # Turned in the output's pixels and then stretched to the region's, so that a turn is a turn also where they differ.
    a, b, d, e = across * cos, -across * sin, down * sin, down * cos
    c = middle_x - a * size[1] / 2 - b * size[0] / 2
    f = middle_y - d * size[1] / 2 - e * size[0] / 2
    return picture.transform((size[1], size[0]), Image.Transform.AFFINE, (a, b, c, d, e, f), resample, fillcolor=fill)
