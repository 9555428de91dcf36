"""Elastic deformation: tissue pushed about smoothly, which is what varies most from one microscope picture to the next."""

from __future__ import annotations

import numpy as np
from PIL import Image

GRID = 3  # nodes a side
_STEPS = 20  # of the fixed point that carries points through a deformation; each halves what is left, or better


def displacements(shape: tuple[int, int], deviation: float, rng: np.random.Generator, grid: int = GRID) -> np.ndarray:
    """How far each pixel is fetched from, float32 2×H×W (down, across), in pixels.

    Ronneberger et al. 2015, section 3.1: random vectors on a coarse grid, drawn from a Gaussian of this standard
    deviation, and bicubic interpolation between them. The nodes are the middles of the grid's cells; beyond the outermost
    ones the nearest vectors hold.
    """
    nodes = rng.normal(0.0, deviation, (2, grid, grid)).astype(np.float32)
    size = (shape[1], shape[0])
    return np.stack([np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BICUBIC)) for part in nodes])


def enlarge(shift: np.ndarray, scale: int) -> np.ndarray:
    """Displacements for an array of `scale` times the picture's size, in that array's pixels."""
    if scale == 1:
        return shift
    size = (shift.shape[2] * scale, shift.shape[1] * scale)
    return scale * np.stack([np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BILINEAR)) for part in shift])


def sources(shift: np.ndarray) -> np.ndarray:
    """Where each pixel is fetched from: float32 2×H×W (row, column), of pixel centres."""
    return np.indices(shift.shape[1:], np.float32) + shift


def carry(points: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Points n×2 (x, y; pixel i covers i to i + 1) where the deformed picture shows them.

    The deformed picture shows at p what was at p + shift(p), and here p is what is asked for.
    """
    from scipy.ndimage import map_coordinates

    old = points[:, ::-1].T - 0.5  # (row, column) of pixel centres
    place = old
    for _ in range(_STEPS):
        place = old - np.stack([map_coordinates(part, place, np.float32, order=1, mode="mirror") for part in shift])
    return place.T[:, ::-1] + 0.5


def fold(places: np.ndarray) -> np.ndarray:
    """Places 2×H×W (row, column) with those beyond the edges mirrored, about the outermost pixels' centres, as `fetch` does."""
    last = np.reshape(places.shape[1:], (2, 1, 1)) - 1
    return last - np.abs(last - np.abs(places))


def fetch(values: np.ndarray, places: np.ndarray, smooth: bool) -> np.ndarray:
    """float32 H×W or H×W×C: the array at `places` (2×H×W: row, column), mirrored beyond its edges."""
    from scipy.ndimage import map_coordinates

    if not smooth:
        places = np.rint(places)
    channels = values[..., None] if values.ndim == 2 else values
    order = 1 if smooth else 0
    drawn = [map_coordinates(one, places, np.float32, order=order, mode="mirror") for one in np.moveaxis(channels, -1, 0)]
    return drawn[0] if values.ndim == 2 else np.stack(drawn, axis=-1)


def deform(values: np.ndarray, shift: np.ndarray, smooth: bool) -> np.ndarray:
    """An array H×W or H×W×C, uint8 or float32, with each pixel fetched from `shift` (2×H×W) away, mirrored at the edges.

    smooth: between pixels bilinearly; otherwise from the nearest one, so that no label arises that was not there.
    """
    values = np.asarray(values)
    result = fetch(values, sources(shift), smooth)
    return np.clip(np.rint(result), 0, 255).astype(np.uint8) if values.dtype == np.uint8 else result.astype(values.dtype)
