"""The spectral residual: what the logarithm of a picture's spectrum has beyond its own local mean stands out.

X. Hou and L. Zhang, "Saliency Detection: A Spectral Residual Approach", CVPR 2007.

Spectra of photographs are alike, a straight line in logarithms; what departs from it is what is unusual in this one. The
picture is made small first, grey and `width` pixels wide as in the paper, which decides at what scale a thing stands out: of a
large uniform thing only the outline does.
"""

from __future__ import annotations

import numpy as np

from zoo.classical.colours import grey
from zoo.classical.gaze import TASK, GazeMap
from zoo.classical.method import method, within
from zoo.outputs.resize import bilinear
from zoo.paper import Paper

PAPER = Paper("Saliency Detection: A Spectral Residual Approach", "Hou, Zhang", 2007, "https://doi.org/10.1109/CVPR.2007.383267")
LOCAL = 3  # frequencies that the mean of the log spectrum is over


@method(
    paper=PAPER,
    parameters={
        "width": "of the picture that the spectrum is of, pixels",
        "blur": "standard deviation of the Gaussian over the map, in those pixels",
    },
    task=TASK,
    runner=GazeMap,
)
def spectral_residual(image: np.ndarray, *, width: int = 64, blur: float = 2.5) -> np.ndarray:
    """|F⁻¹(exp(R + iP))|², blurred: R is the residual of the log amplitude, P the phase."""
    from scipy.ndimage import gaussian_filter, uniform_filter
    from skimage.transform import resize

    within("width", width, 8, None)
    within("blur", blur, 0, None)
    light = grey(image, "luminance").astype(np.float64)
    height = max(8, round(width * image.shape[0] / image.shape[1]))
    spectrum = np.fft.fft2(resize(light, (height, width), anti_aliasing=True, preserve_range=True))
    amplitude = np.log(np.abs(spectrum) + 1e-9)
    residual = amplitude - uniform_filter(amplitude, LOCAL, mode="nearest")
    heat = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    heat = gaussian_filter(heat, blur, mode="constant")
    return bilinear(heat[None, ..., None], image.shape[:2])[0, ..., 0]
