"""No motion: every vector is zero, whatever the frames show.

S. Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 92, 2011.

Its end-point error is the mean length of the true vectors; what is not below it has not seen anything move.
"""

from __future__ import annotations

import numpy as np

from zoo.classical.method import method
from zoo.classical.motion import TASK, MotionField
from zoo.paper import Paper

PAPER = Paper(
    "A Database and Evaluation Methodology for Optical Flow", "Baker et al.", 2011, "https://doi.org/10.1007/s11263-010-0390-2"
)


@method(paper=PAPER, parameters={}, task=TASK, runner=MotionField)
def zero_flow(frames: np.ndarray) -> np.ndarray:
    """(0, 0) everywhere."""
    return np.zeros((*frames.shape[1:], 2), np.float32)
