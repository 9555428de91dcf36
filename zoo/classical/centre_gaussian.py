"""The middle of the picture: a Gaussian there, whatever the picture shows.

B. Tatler, "The central fixation bias in scene viewing: Selecting an optimal viewing position independently of motor biases and
image feature distributions", Journal of Vision 7(14), 2007.

People look at the middle first, and photographers put there what matters. What is no better than this has not looked at the
picture; by the shuffled area under the curve it is worth nothing.
"""

from __future__ import annotations

import numpy as np

from zoo.classical.gaze import TASK, GazeMap
from zoo.classical.method import method, within
from zoo.paper import Paper

PAPER = Paper("The central fixation bias in scene viewing", "Tatler", 2007, "https://doi.org/10.1167/7.14.4")


@method(
    paper=PAPER,
    parameters={"spread": "standard deviation, as a share of the picture's height and of its width"},
    task=TASK,
    runner=GazeMap,
)
def centre_gaussian(image: np.ndarray, *, spread: float = 0.25) -> np.ndarray:
    """exp(−d²/2), with d the distance from the middle in standard deviations."""
    within("spread", spread, 1e-3, None)
    down, across = (((np.arange(side) + 0.5) / side - 0.5) / spread for side in image.shape[:2])
    return np.exp(-0.5 * (down[:, None] ** 2 + across[None, :] ** 2))
