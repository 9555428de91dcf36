"""GrabCut: a mixture of Gaussians for the figure's colours and one for the ground's, a graph cut, and both anew.

C. Rother, V. Kolmogorov, A. Blake, "“GrabCut”: Interactive Foreground Extraction Using Iterated Graph Cuts", SIGGRAPH 2004.

It assumes a figure that lies whole inside a rectangle, and whose colours are rare outside of it. In the paper a person draws
the rectangle; here it is the picture less a `margin`, drawn from nothing else, so a figure that is cut off by the
frame (a portrait) loses what lies in the margin. From OpenCV.
"""

from __future__ import annotations

import numpy as np

from zoo.classical.method import method, within
from zoo.paper import Paper

PAPER = Paper(
    "GrabCut: Interactive Foreground Extraction Using Iterated Graph Cuts",
    "Rother, Kolmogorov, Blake",
    2004,
    "https://doi.org/10.1145/1015706.1015720",
)


@method(
    paper=PAPER,
    figure=True,
    parameters={
        "margin": "of certain ground on each side, as a share of the picture's height and width, above 0 to 0.45",
        "rounds": "of mixtures and cut, 1 or more",
        "seed": "of the mixtures' first means, a whole number of 0 or more",
    },
)
def grabcut(image: np.ndarray, *, margin: float = 0.05, rounds: int = 5, seed: int = 0) -> np.ndarray:
    """1 where the last cut says figure, surely or probably."""
    import cv2

    within("margin", margin, 1e-6, 0.45)
    within("rounds", rounds, 1, None)
    within("seed", seed, 0, 2**31 - 1)
    height, width = image.shape[:2]
    top, left = (max(1, round(margin * n)) for n in (height, width))
    answer = np.zeros((height, width), np.uint8)
    cv2.setRNGSeed(seed)
    box = (left, top, width - 2 * left, height - 2 * top)
    ground, figure = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(image[..., ::-1]), answer, box, ground, figure, rounds, cv2.GC_INIT_WITH_RECT)
    return np.isin(answer, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.int64)
