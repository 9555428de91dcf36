"""Scene: one picture made by a program, and everything that is known about it."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from zoo.data.datasets.scenes.composition import Composition, compose
from zoo.data.datasets.scenes.render import motion, render
from zoo.errors import InputError

LEAST_SIDE = 32  # below it a star is not told from a disk


class Scene:
    """One scene. What is not asked for is not computed.

    All arrays are of the picture's H×W. "Noise" is the sensor's, up to a standard deviation of 6 levels.
    """

    def __init__(self, seed: int, index: int, size: tuple[int, int]) -> None:
        self.seed, self.index, self.size = seed, index, size
        self.composition: Composition = self._composed()
        self._picture, shown = render(self.composition, size, 0)
        labels = np.array([layer.label for layer in self.composition.layers], np.uint8)
        self.shown = shown
        """uint8 H×W: the number of the composition's layer that is shown, 0 the background."""
        self.mask: np.ndarray = labels[shown]
        """uint8 H×W: the class shown, 0 (background) to 5; see CLASSES."""

    def _composed(self) -> Composition:
        return compose(self._generator(0), self.size)

    def _generator(self, stream: int) -> np.random.Generator:
        return np.random.default_rng((stream, self.seed, self.index))

    def _sensor(self, picture: np.ndarray, stream: int, least: float, most: float) -> np.ndarray:
        """A picture of 0–1 as uint8 with noise of a standard deviation drawn from least–most levels."""
        rng = self._generator(stream)
        noise = rng.standard_normal(picture.shape, dtype=np.float32)
        noise *= np.float32(rng.uniform(least, most))
        noise += picture * np.float32(255)
        return np.clip(np.rint(noise, out=noise), 0, 255, out=noise).astype(np.uint8)

    @cached_property
    def image(self) -> np.ndarray:
        """uint8 H×W×3 RGB, with a little noise."""
        return self._sensor(self._picture, 1, 0.0, 6.0)

    @cached_property
    def clean(self) -> np.ndarray:
        """uint8 H×W×3 RGB: `image` before its noise."""
        return np.rint(self._picture * 255).astype(np.uint8)

    @cached_property
    def degraded(self) -> np.ndarray:
        """uint8 H×W×3 RGB: `clean` blurred (standard deviation up to 1.2 pixels), with noise of 6 to 30 levels."""
        sigma = self._generator(2).uniform(0.0, 1.2)
        return self._sensor(_blur(self._picture, sigma), 3, 6.0, 30.0)

    @cached_property
    def _next(self) -> np.ndarray:
        return render(self.composition, self.size, 1)[0]

    @cached_property
    def next_image(self) -> np.ndarray:
        """uint8 H×W×3 RGB: the scene a moment later, camera and objects moved; its noise is its own."""
        return self._sensor(self._next, 4, 0.0, 6.0)

    @cached_property
    def next_clean(self) -> np.ndarray:
        """uint8 H×W×3 RGB: `next_image` before its noise."""
        return np.rint(self._next * 255).astype(np.uint8)

    @cached_property
    def _motion(self) -> tuple[np.ndarray, np.ndarray]:
        return motion(self.composition, self.size, self.shown)

    @property
    def flow(self) -> np.ndarray:
        """float32 H×W×2 (dx, dy) in pixels: what `image` shows at (x, y) is at (x + dx, y + dy) of `next_image`.

        Exact for every pixel, background and occluded ones included.
        """
        return self._motion[0]

    @property
    def occlusion(self) -> np.ndarray:
        """bool H×W: what `image` shows here is hidden in `next_image`, or has left it."""
        return self._motion[1]

    @cached_property
    def instances(self) -> np.ndarray:
        """uint8 H×W: 0 background, 1…n the visible objects, nearer ones higher."""
        visible = np.unique(self.shown)
        numbers = np.zeros(len(self.composition.layers), np.uint8)
        numbers[visible[visible > 0]] = np.arange(1, np.count_nonzero(visible) + 1)
        return numbers[self.shown]

    @cached_property
    def boxes(self) -> np.ndarray:
        """int32 n×5: (class, x0, y0, x1, y1) around the visible pixels of instance row + 1; x1 and y1 are one past the
        last.
        """
        boxes = []
        for number in range(1, int(self.instances.max()) + 1):
            rows, columns = np.nonzero(self.instances == number)
            label = self.mask[rows[0], columns[0]]
            boxes.append((label, columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
        return np.array(boxes, np.int32).reshape(-1, 5)


def scene(seed: int, index: int, size: int | tuple[int, int] = (128, 128)) -> Scene:
    """The scene of this seed (0 to 2³² − 1) and index (0 or more) at a size in pixels: (H, W), or one side of a square.

    A pure function of its arguments. Two square sizes of one seed and index show one scene at two resolutions.
    Raises InputError for a side below 32 pixels and for a seed or index out of range.
    """
    if not 0 <= seed < 1 << 32 or index < 0:
        raise InputError(f"scene(seed={seed}, index={index}): a seed is 0 to 2³² − 1 and an index is 0 or more")
    return Scene(int(seed), int(index), checked(size))


def checked(size: int | tuple[int, int]) -> tuple[int, int]:
    """A scene's size as (H, W). Raises InputError for a side that is too short."""
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < LEAST_SIDE:
        raise InputError(f"scenes: size {height}×{width} is too small; each side needs {LEAST_SIDE} pixels or more")
    return int(height), int(width)


def _blur(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of H×W×3 with edges repeated."""
    reach = int(np.ceil(3 * sigma))
    if reach == 0:
        return picture
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(np.float32)
    kernel /= kernel.sum()
    for axis in (0, 1):
        pad = [(reach, reach) if other == axis else (0, 0) for other in range(3)]
        padded = np.pad(picture, pad, mode="edge")
        length = picture.shape[axis]
        picture = sum(weight * padded.take(range(at, at + length), axis) for at, weight in enumerate(kernel))
    return picture
