"""Otsu's threshold: the grey level that parts the histogram with the least variance on both sides together.

N. Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Trans. Systems, Man, and Cybernetics 9(1), 1979.

It assumes that figure and ground differ in brightness, the same way all over the picture, and are of comparable size; where a
pixel lies plays no part, so noise goes through and a shadow is a figure. `levels` above 2 is the paper's own extension
to several thresholds. From scikit-image (`threshold_multiotsu`).
"""

from __future__ import annotations

import numpy as np

from zoo.classical.colours import GREY, grey
from zoo.classical.method import method, within
from zoo.paper import Paper

PAPER = Paper(
    "A Threshold Selection Method from Gray-Level Histograms", "Otsu", 1979, "https://doi.org/10.1109/TSMC.1979.4310076"
)


@method(
    paper=PAPER,
    parameters={"levels": "ranges of grey, 2–5; the time grows as 256 to their number", "grey_from": GREY},
)
def threshold(image: np.ndarray, *, levels: int = 2, grey_from: str = "luminance") -> np.ndarray:
    """The range of grey that each pixel is in; a picture of fewer greys than `levels` has as many regions as greys."""
    from skimage.filters import threshold_multiotsu

    within("levels", levels, 2, 5)
    values = grey(image, grey_from)
    distinct = np.unique(values)
    if len(distinct) <= levels:
        return np.searchsorted(distinct, values)
    return np.digitize(values, threshold_multiotsu(values, levels, nbins=256))
