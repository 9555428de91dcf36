"""The mean map: where people looked in other pictures, whatever this one shows.

B. Tatler, "The central fixation bias in scene viewing", Journal of Vision 7(14), 2007.

The best that can be said without looking: the mean of the maps of a data set's training pictures. `data` names it.
"""

from __future__ import annotations

import functools

import numpy as np

from zoo.classical.centre_gaussian import PAPER
from zoo.classical.gaze import TASK, GazeMap
from zoo.classical.method import method
from zoo.data.targets import Fixations
from zoo.errors import InputError
from zoo.outputs.resize import bilinear


@method(
    paper=PAPER,
    parameters={"data": "whose training pictures, as osie:PATH"},
    task=TASK,
    runner=GazeMap,
)
def mean_map(image: np.ndarray, *, data: str = "") -> np.ndarray:
    """The mean of the training pictures' maps, at this picture's size."""
    if not data:
        raise InputError("mean_map: say whose pictures' mean is wanted, as mean_map:data=osie:PATH")
    return bilinear(_mean(data)[None, ..., None], image.shape[:2])[0, ..., 0]


@functools.lru_cache(maxsize=4)
def _mean(data: str) -> np.ndarray:
    """float H×W, at the size of the first training picture."""
    import zoo.data

    targets = [sample.target for sample in zoo.data.open(data, "train", cache_bytes=0)]
    if not isinstance(targets[0], Fixations):
        raise InputError(f"mean_map: {data} holds no fixations but {type(targets[0]).__name__}; give data of saliency")
    # Blurring is linear: the mean of the maps is the map of all points, of which each picture has the same share.
    size, spread = targets[0].picture, targets[0].spread
    counts = [target.resize(size).counts() / max(len(target.values), 1) for target in targets]
    down, across = Fixations.blurs(size, spread)
    return down @ np.mean(counts, axis=0) @ across.T
