"""Chan and Vese's active contour without edges: a closed contour, the zero of a level set, that moves until the greys
inside are as much alike as can be, and so are those outside, at the least length of the contour.

T. Chan and L. Vese, "Active Contours Without Edges", IEEE Trans. Image Processing 10(2), 2001.

It assumes two regions, each of about one grey, with smooth outlines; edges may be blurred or missing. It ends in a local
minimum, begun from a checkerboard. From scikit-image (`chan_vese`).
"""

from __future__ import annotations

import numpy as np

from zoo.classical.colours import GREY, grey
from zoo.classical.method import method, within
from zoo.paper import Paper

PAPER = Paper("Active Contours Without Edges", "Chan, Vese", 2001, "https://doi.org/10.1109/83.902291")


@method(
    paper=PAPER,
    parameters={
        "length": "weight of the contour's length against the variances (the paper's μ), greys taken as 0–1",
        "steps": "of the descent at most",
        "grey_from": GREY,
    },
)
def level_set(
    image: np.ndarray, *, length: float = 0.1, steps: int = 100, grey_from: str = "luminance"
) -> np.ndarray:
    """1 where the level set is above 0. A picture of one grey is one region."""
    from skimage.segmentation import chan_vese

    within("length", length, 0, None)
    within("steps", steps, 1, None)
    values = grey(image, grey_from)
    spread = float(np.ptp(values))
    if spread == 0:
        return np.zeros(values.shape, np.int64)
    return chan_vese((values - values.min()) / spread, mu=length, max_num_iter=steps).astype(np.int64)
