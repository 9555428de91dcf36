"""Farnebäck's flow: polynomials fitted to every neighbourhood, and how those moved. OpenCV's.

G. Farnebäck, "Two-Frame Motion Estimation Based on Polynomial Expansion", Scandinavian Conference on Image Analysis 2003.

A neighbourhood is taken for a quadratic polynomial; if it moves, its linear part says by how much, averaged over a window
because one alone is too little. From coarse to fine over a pyramid. The defaults are those of OpenCV's own example.
"""

from __future__ import annotations

import numpy as np

from zoo.classical.method import method, within
from zoo.classical.motion import TASK, MotionField
from zoo.paper import Paper

PAPER = Paper(
    "Two-Frame Motion Estimation Based on Polynomial Expansion", "Farnebäck", 2003, "https://doi.org/10.1007/3-540-45103-X_50"
)


@method(
    paper=PAPER,
    parameters={
        "levels": "of the pyramid, each half as large, the picture's own among them",
        "window": "side of what is averaged over, pixels; larger is smoother",
        "iterations": "at each level",
        "neighbourhood": "side of what a polynomial is fitted to, pixels",
        "spread": "standard deviation of the weights in that, pixels",
    },
    task=TASK,
    runner=MotionField,
)
def farneback(
    frames: np.ndarray,
    *,
    levels: int = 3,
    window: int = 15,
    iterations: int = 3,
    neighbourhood: int = 5,
    spread: float = 1.2,
) -> np.ndarray:
    """cv2.calcOpticalFlowFarneback."""
    import cv2

    for name, value in {"levels": levels, "window": window, "iterations": iterations}.items():
        within(name, value, 1, None)
    within("neighbourhood", neighbourhood, 3, None)
    within("spread", spread, 0.1, None)
    return cv2.calcOpticalFlowFarneback(*frames, None, 0.5, levels, window, iterations, neighbourhood, spread, 0)
