"""Itti, Koch and Niebur's model: what differs from its surroundings in light, colour or orientation, at several scales.

L. Itti, C. Koch and E. Niebur, "A Model of Saliency-Based Visual Attention for Rapid Scene Analysis", IEEE TPAMI 20(11), 1998.

It assumes what the first stages of sight are known to compute: centres against surrounds, in pyramids of nine levels, centre
at levels 2 to 4 and surround 3 or 4 further. Maps are stretched to one range and multiplied by (1 − m)², m the mean of the
local maxima but the greatest: a map with one peak counts, one with many like each other hardly does. Orientations are
Gabor filters' of four directions, whose wavelength the paper does not say: 7 pixels of each level here.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zoo.classical.gaze import TASK, GazeMap
from zoo.classical.method import method
from zoo.outputs.resize import bilinear
from zoo.paper import Paper

PAPER = Paper(
    "A Model of Saliency-Based Visual Attention for Rapid Scene Analysis", "Itti, Koch, Niebur", 1998,
    "https://doi.org/10.1109/34.730558",
)  # fmt: skip
CENTRES, FARTHER = (2, 3, 4), (3, 4)  # levels of the centre, and how many further the surround lies
LEVEL = 4  # of the answer
DIRECTIONS = (0.0, 45.0, 90.0, 135.0)  # degrees
WAVELENGTH, WIDTH = 7.0, 7 / 3  # pixels of a Gabor filter, and the standard deviation of its Gaussian
DARK = 0.1  # of the greatest light: where it is darker, no hue is seen


@method(paper=PAPER, parameters={}, task=TASK, runner=GazeMap)
def itti(image: np.ndarray) -> np.ndarray:
    """The mean of three conspicuity maps: light, colours and orientations."""
    red, green, blue = np.moveaxis(image.astype(np.float64) / 255, -1, 0)
    light = (red + green + blue) / 3
    lights = pyramid(light)
    hue = np.where(light > DARK * light.max(), 1 / np.maximum(light, 1e-6), 0)
    red, green, blue = (channel * hue for channel in (red, green, blue))
    pure = {
        "red": red - (green + blue) / 2,
        "green": green - (red + blue) / 2,
        "blue": blue - (red + green) / 2,
        "yellow": (red + green) / 2 - np.abs(red - green) / 2 - blue,
    }
    pure = {name: pyramid(values.clip(0)) for name, values in pure.items()}
    size = lights[LEVEL].shape
    conspicuity = [conspicuous([lights], [lights], size)]
    first, second = ([a - b for a, b in zip(pure[one], pure[other], strict=True)] for one, other in (
        ("red", "green"), ("blue", "yellow"),
    ))  # fmt: skip
    # A surround's opponency is the other way round: red against green in the centre, green against red around it.
    conspicuity.append(conspicuous([first, second], [[-level for level in maps] for maps in (first, second)], size))
    turned = [[oriented(level, angle) for level in lights] for angle in DIRECTIONS]
    conspicuity.append(sum(normalized(conspicuous([maps], [maps], size)) for maps in turned))
    return sum(normalized(values) for values in conspicuity) / len(conspicuity)


def pyramid(values: np.ndarray) -> list[np.ndarray]:
    """Nine levels, each blurred and of half the sides of the one before, of 1 pixel at least."""
    from scipy.ndimage import gaussian_filter

    levels = [values]
    for _ in range(max(CENTRES) + max(FARTHER)):
        levels.append(gaussian_filter(levels[-1], 1.0, mode="nearest")[::2, ::2])
    return levels


def oriented(values: np.ndarray, degrees: float) -> np.ndarray:
    """The strength of edges and lines of one direction: of an even and an odd Gabor filter together."""
    from scipy.signal import fftconvolve

    reach = int(3 * WIDTH)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = x * np.cos(np.radians(degrees)) + y * np.sin(np.radians(degrees))
    window = np.exp(-(x**2 + y**2) / (2 * WIDTH**2))
    wave = window * np.exp(2j * np.pi * along / WAVELENGTH)
    wave -= window * wave.sum() / window.sum()  # of an even surface there is no strength
    padded = np.pad(values, reach, mode="edge")
    return np.abs(fftconvolve(padded, wave, mode="valid"))


def conspicuous(centres: list[list[np.ndarray]], surrounds: list[list[np.ndarray]], size: tuple[int, int]) -> np.ndarray:
    """The sum of the normalised differences of centres and surrounds over all scales and pyramids, at one size."""
    return sum(_differences(centres, surrounds, size))


def _differences(
    centres: list[list[np.ndarray]], surrounds: list[list[np.ndarray]], size: tuple[int, int]
) -> Iterable[np.ndarray]:
    for centre, surround in zip(centres, surrounds, strict=True):
        for level in CENTRES:
            for farther in FARTHER:
                around = _at(surround[level + farther], centre[level].shape)
                yield _at(normalized(np.abs(centre[level] - around)), size)


def normalized(values: np.ndarray) -> np.ndarray:
    """Stretched to 0 … 1 and multiplied by (1 − m)², m the mean of the local maxima other than the greatest."""
    from scipy.ndimage import maximum_filter

    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-9:
        return np.zeros_like(values)
    values = (values - low) / (high - low)
    peaks = values[(values == maximum_filter(values, 7, mode="nearest")) & (values > 0)]
    others = peaks[peaks < 1]
    return values * (1 - (float(others.mean()) if others.size else 0.0)) ** 2


def _at(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return bilinear(values[None, ..., None], size)[0, ..., 0].astype(np.float64)
