"""Elastic deformation: tissue pushed about smoothly, which is what varies most from one microscope picture to the next."""

from __future__ import annotations

import numpy as np
from PIL import Image

GRID = 3  # nodes a side


def displacements(shape: tuple[int, int], deviation: float, rng: np.random.Generator, grid: int = GRID) -> np.ndarray:
    """How far each pixel is fetched from, float32 2×H×W (down, across), in pixels.

    Ronneberger et al. 2015, section 3.1: random vectors on a coarse grid, drawn from a Gaussian of this standard
    deviation, and bicubic interpolation between them. The nodes are the middles of the grid's cells; beyond the outermost
    ones the nearest vectors hold.
    """
    nodes = rng.normal(0.0, deviation, (2, grid, grid)).astype(np.float32)
    size = (shape[1], shape[0])
    return np.stack([np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BICUBIC)) for part in nodes])


def deform(picture: Image.Image, moved: np.ndarray, smooth: bool) -> Image.Image:
    """The picture (8 bits a channel, W×H) with each pixel fetched from `moved` (2×H×W) away, mirrored beyond its edges.

    smooth: between pixels bilinearly; otherwise from the nearest one, so that no label arises that was not there.
    """
    from scipy.ndimage import map_coordinates

    values = np.asarray(picture)
    places = np.indices(values.shape[:2], np.float32) + moved
    if not smooth:
        places = np.rint(places)
    channels = values[..., None] if values.ndim == 2 else values
    order = 1 if smooth else 0
    drawn = [map_coordinates(one, places, np.float32, order=order, mode="mirror") for one in np.moveaxis(channels, -1, 0)]
    result = np.clip(np.rint(np.stack(drawn, axis=-1)), 0, 255).astype(np.uint8)
    return Image.fromarray(result[..., 0] if values.ndim == 2 else result)
