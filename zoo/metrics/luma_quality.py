"""PSNR and SSIM of the luma, as papers of super-resolution measure them."""

from __future__ import annotations

import numpy as np

from zoo.data.targets import TargetImage
from zoo.errors import InputError
from zoo.metrics.psnr_ssim import PictureQuality, psnr, ssim

# R, G, B → Y of ITU-R BT.601 in 16–235, as MATLAB's rgb2ycbcr has it, from values of 0–255.
STUDIO = np.array([65.481, 128.553, 24.966]) / 255
OFFSET = 16.0


class LumaQuality(PictureQuality):
    """PSNR (decibels) and SSIM of the luma in 16–235, without a border as wide as the scale; each the mean over the pictures.

    This is what tables of super-resolution hold: both pictures in 8 bits, the luma of MATLAB's `rgb2ycbcr` and scikit-image's,
    which is not rounded again, `scale` pixels cut off on every side, since convolutions do not know what lies beyond; SSIM with
    its paper's settings (`zoo.metrics.psnr_ssim`).
    """

    def update(self, target: TargetImage, answer: np.ndarray) -> None:
        """Scores one picture.

        Raises:
            InputError: shapes differ, or the border leaves less than SSIM's window.
        """
        truth, picture = np.asarray(target), np.asarray(answer)
        if truth.shape != picture.shape:
            raise InputError(
                f"the target is of shape {truth.shape}, {target.scale} times the picture's, and the answer of {picture.shape}; "
                f"score a network that enlarges by {target.scale}"
            )
        ours, theirs = (without_border(luma(each), target.scale) for each in (picture, truth))
        self._psnr.append(psnr(theirs, ours))
        self._ssim.append(ssim(theirs[..., None], ours[..., None]))


def luma(picture: np.ndarray) -> np.ndarray:
    """float64 H×W of 16–235, of a picture uint8 H×W×3."""
    return picture.astype(np.float64) @ STUDIO + OFFSET


def without_border(picture: np.ndarray, width: int) -> np.ndarray:
    """A picture H×W… without so many pixels on every side."""
    return picture[width : picture.shape[0] - width, width : picture.shape[1] - width]
