"""Placement: one geometry (cut, magnified, turned, padded) that a picture and its target both go through."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from zoo.errors import InputError

Fill = float | tuple[int, int, int]
RGB = 3
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in a grey
GREY = (124, 116, 104)  # ImageNet's mean colour: what lies beyond the picture should look like nothing in particular


@dataclass(frozen=True)
class Placement:
    """The place in an output where a part of a picture comes to lie.

    Coordinates are continuous: pixel i covers i to i + 1.

    Attributes:
        whole: (H, W) of the picture.
        region: left, top, width, height in the picture's pixels of the part that fills the output; it may reach beyond.
        size: (H, W) of the output.
        turn: of the region's content about its middle, in radians. Without one, the picture's edges come to lie at whole
            pixels of the output, so that every resampling agrees on them.
        scale: how many times the picture's size the arrays to draw are, along each side.
    """

    whole: tuple[int, int]
    region: tuple[float, float, float, float]
    size: tuple[int, int]
    turn: float = 0.0
    scale: int = 1

    @classmethod
    def stretch(cls, whole: tuple[int, int], size: tuple[int, int]) -> Placement:
        """The placement that stretches a whole picture to a size, (H, W) both."""
        return cls(whole, (0.0, 0.0, float(whole[1]), float(whole[0])), size)

    def at(self, scale: int) -> Placement:
        """The same placement for arrays of `scale` times the picture's size."""
        return replace(self, scale=scale)

    def draw(self, values: np.ndarray, smooth: bool, fill: Fill = 0) -> np.ndarray:
        """An array in its place: of the output's size, in the array's own type.

        Args:
            values: H×W or H×W×C, uint8, bool or float32, of `scale` times the picture's size. Channels in threes are drawn as
                RGB pictures, others one by one.
            smooth: resample bilinearly, antialiased where the picture shrinks without a turn; otherwise take the nearest.
            fill: of what lies beyond the picture, of every channel, or (r, g, b) of every three; of a grey picture its
                grey, and of a fourth channel 0.

        Raises:
            InputError: if the array is of another size than the picture.
        """
        expected = (self.whole[0] * self.scale, self.whole[1] * self.scale)
        if values.shape[:2] != expected:
            raise InputError(
                f"an array of {values.shape[0]}×{values.shape[1]} (H×W) cannot go with a picture of {self.whole[0]}×"
                f"{self.whole[1]}; it needs {expected[0]}×{expected[1]}"
            )
        if values.dtype == bool:
            return self.draw(values.view(np.uint8), smooth, fill).astype(bool)
        resample = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
        each = iter(_fill_of_each(fill, values.shape[-1] if values.ndim == 3 else 1))
        return by_picture(
            values, lambda picture: self._placed(picture, resample, fill if picture.mode == "RGB" else next(each))
        )

    def matrix(self) -> np.ndarray:
        """3×3 on (x, y, 1): where a point of the picture comes to lie in the output, at scale 1."""
        if self.turn:
            return np.linalg.inv(np.array([*np.reshape(self._fetch(), (2, 3)), (0.0, 0.0, 1.0)]))
        x0, y0, x1, y1 = self._window()
        left, top, right, bottom = self._inside()
        across, down = (x1 - x0) / (right - left), (y1 - y0) / (bottom - top)
        return np.array([[across, 0.0, x0 - left * across], [0.0, down, y0 - top * down], [0.0, 0.0, 1.0]])

    def _placed(self, picture: Image.Image, resample: Image.Resampling, fill: Fill) -> Image.Image:
        size, scale = (self.size[1] * self.scale, self.size[0] * self.scale), self.scale
        if not isinstance(fill, tuple) and picture.mode == "RGB":
            fill = (int(fill),) * RGB
        if self.turn:
            a, b, c, d, e, f = self._fetch()
            fetch = (a, b, c * scale, d, e, f * scale)
            return picture.transform(size, Image.Transform.AFFINE, fetch, resample, fillcolor=fill)
        x0, y0, x1, y1 = (edge * scale for edge in self._window())
        left, top, right, bottom = (edge * scale for edge in self._inside())
        part = picture.resize((x1 - x0, y1 - y0), resample, box=(left, top, right, bottom))
        if part.size == size:
            return part
        canvas = Image.new(picture.mode, size, fill)
        canvas.paste(part, (x0, y0))
        return canvas

    def _window(self) -> tuple[int, int, int, int]:
        """The rectangle of the output that the picture fills, in whole pixels: x0, y0, x1, y1."""
        left, top, width, height = self.region
        across, down = self.size[1] / width, self.size[0] / height
        x0, x1 = max(0, round(-left * across)), min(self.size[1], round((self.whole[1] - left) * across))
        y0, y1 = max(0, round(-top * down)), min(self.size[0], round((self.whole[0] - top) * down))
        return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)

    def _inside(self) -> tuple[float, float, float, float]:
        """The part of the picture inside the region: left, top, right, bottom."""
        left, top, width, height = self.region
        return max(0.0, left), max(0.0, top), min(self.whole[1], left + width), min(self.whole[0], top + height)

    def _fetch(self) -> tuple[float, float, float, float, float, float]:
        """The affine map from the output to the picture: x = a·x' + b·y' + c, y = d·x' + e·y' + f."""
        left, top, width, height = self.region
        across, down = width / self.size[1], height / self.size[0]
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        middle_x, middle_y = left + width / 2, top + height / 2
        # Turned in the output's pixels and then stretched to the region's, so that a turn is a turn also where they differ.
        a, b, d, e = across * cos, -across * sin, down * sin, down * cos
        c = middle_x - a * self.size[1] / 2 - b * self.size[0] / 2
        f = middle_y - d * self.size[1] / 2 - e * self.size[0] / 2
        return a, b, c, d, e, f


def _fill_of_each(fill: Fill, channels: int) -> list[float]:
    """What stands beyond the picture in each of several channels that are drawn one by one."""
    if not isinstance(fill, tuple):
        return [fill] * channels
    if channels == 1:
        return [round(sum(share * level for share, level in zip(LUMA, fill, strict=True)))]
    return [*fill, *[0] * (channels - RGB)]


def flip(image: np.ndarray, axis: int) -> np.ndarray:
    """A picture uint8 H×W×C mirrored: axis 0 swaps top and bottom, 1 left and right. Pillow does it faster than NumPy."""
    way = Image.Transpose.FLIP_LEFT_RIGHT if axis else Image.Transpose.FLIP_TOP_BOTTOM
    return by_picture(image, lambda picture: picture.transpose(way))


def resize(values: np.ndarray, size: tuple[int, int] | None, smooth: bool = True) -> np.ndarray:
    """An array H×W×… stretched to (H, W): bilinearly and antialiased, or to the nearest. None changes nothing."""
    if size is None or values.shape[:2] == tuple(size):
        return values
    return Placement.stretch(values.shape[:2], size).draw(values, smooth)


def by_picture(values: np.ndarray, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    """An array H×W or H×W×C changed by what changes a Pillow picture."""
    if values.ndim == 2:
        return np.array(change(Image.fromarray(values)))
    step = RGB if values.dtype == np.uint8 and values.shape[-1] % RGB == 0 else 1
    parts = []
    for first in range(0, values.shape[-1], step):
        one = values[..., first] if step == 1 else values[..., first : first + step]
        part = np.array(change(Image.fromarray(one)))
        parts.append(part[..., None] if step == 1 else part)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
