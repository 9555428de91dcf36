"""Image: a picture out, as of restoration and super-resolution."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from zoo.errors import InputError
from zoo.outputs.base import Kind, judged
from zoo.outputs.comparison import Comparison, Tolerance, numeric
from zoo.outputs.resize import bilinear
from zoo.outputs.spec import OutputSpec


class ImageOutput(Kind):
    """Values h×w×1 or h×w×3 in the spec's range (by default 0–255), `scale` times the picture's size."""

    name = "image"

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """uint8 sH×sW×3: rounded, and what lies beyond the range cut off; grey is repeated.

        Raises:
            InputError: for an output that is not h×w×1 or h×w×3.
        """
        if output.ndim != 3 or output.shape[-1] not in (1, 3):
            raise InputError(f"an output of shape {output.shape}; a picture is h×w×1 or h×w×3")
        scale = spec.scale or 1
        values = bilinear(output[None], (size[0] * scale, size[1] * scale))[0]
        low, high = spec.range or (0.0, 255.0)
        picture = np.clip(np.rint((values - low) * (255 / (high - low))), 0, 255).astype(np.uint8)
        return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """Its size."""
        return f"a picture of {answer.shape[1]}×{answer.shape[0]} pixels"

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """The answer itself."""
        return answer

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM_image.png."""
        from PIL import Image

        path = stem.with_name(f"{stem.name}_image.png")
        Image.fromarray(answer).save(path)
        return path

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """As numbers, and by "psnr" in decibels over the spec's range."""
        measures = numeric(expected, got)
        low, high = spec.range or (0.0, 255.0)
        error = float(np.mean((np.asarray(got, np.float64) - expected) ** 2))
        measures["psnr"] = 10 * (2 * math.log10(high - low) - math.log10(error)) if error else math.inf
        return judged(spec.name, measures, tolerance, ties=chosen_otherwise)
