"""DIS: dense inverse search, patches that slide down the difference of the frames. OpenCV's.

T. Kroeger, R. Timofte, D. Dai & L. Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016.

On a coarse grid each patch of the first frame looks for its place in the second by inverse search, from where the coarser scale
left it; vectors of overlapping patches are averaged by how well they fit, and a variational step smooths the field.
"""

from __future__ import annotations

import numpy as np

from zoo.classical.method import method, within
from zoo.classical.motion import TASK, MotionField
from zoo.paper import Paper

PAPER = Paper("Fast Optical Flow using Dense Inverse Search", "Kroeger et al.", 2016, "https://arxiv.org/abs/1603.03590")


@method(
    paper=PAPER,
    parameters={"preset": "OpenCV's: 0 ultra fast, 1 fast, 2 medium, each finer and slower than the one before"},
    task=TASK,
    runner=MotionField,
)
def dis(frames: np.ndarray, *, preset: int = 2) -> np.ndarray:
    """cv2.DISOpticalFlow."""
    import cv2

    within("preset", preset, 0, 2)
    return cv2.DISOpticalFlow_create(preset).calc(*frames, None)
