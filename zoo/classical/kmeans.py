"""k-means: pixels of like colour together, each with the nearest of k mean colours.

S. Lloyd, "Least Squares Quantization in PCM", IEEE Trans. Information Theory 28(2), 1982 (written 1957), begun as in D. Arthur
and S. Vassilvitskii, "k-means++: The Advantages of Careful Seeding", SODA 2007.

It assumes that each region is a ball of one size in colour space (CIELAB here) and that k is known. Neighbours are not
asked; with `position` above 0 a pixel's place is part of what is compared, which makes regions compact. From OpenCV.
"""

from __future__ import annotations

import numpy as np

from zoo.classical.colours import lab
from zoo.classical.method import method, within
from zoo.paper import Paper

PAPER = Paper("Least Squares Quantization in PCM", "Lloyd", 1982, "https://doi.org/10.1109/TIT.1982.1056489")
PARAMETERS = {
    "regions": "how many, 2–64; in evaluation by default as many as the data have classes",
    "seed": "of the first means, a whole number of 0 or more",
}


@method(
    paper=PAPER,
    parameters={
        **PARAMETERS,
        "position": "weight of a pixel's place: at 1 the picture's longer side counts as much as black to white",
    },
)
def kmeans(image: np.ndarray, *, regions: int = 2, seed: int = 0, position: float = 0.0) -> np.ndarray:
    """The nearest of the k means; the best of four starts."""
    import cv2

    within("regions", regions, 2, 64)
    within("seed", seed, 0, 2**31 - 1)
    within("position", position, 0, None)
    rows, columns = np.indices(image.shape[:2], np.float32) * (100 * position / max(image.shape[:2]))
    features = np.dstack([lab(image), rows, columns] if position else [lab(image)])
    features = features.reshape(-1, features.shape[-1]).astype(np.float32)
    cv2.setRNGSeed(seed)
    until = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 0.1)
    _, labels, _ = cv2.kmeans(features, regions, None, until, 4, cv2.KMEANS_PP_CENTERS)
    return labels.reshape(image.shape[:2])
