"""Vector field: (dx, dy) in pixels of every pixel, as of optical flow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.errors import InputError
from zoo.outputs.base import Kind, judged
from zoo.outputs.comparison import Comparison, Tolerance, numeric
from zoo.outputs.resize import bilinear
from zoo.outputs.spec import OutputSpec

FLO_TAG = 202021.25  # the first four bytes of a .flo file, "PIEH" read as a float32
_STEPS = (15, 6, 4, 11, 13, 6)  # of the colour wheel between red, yellow, green, cyan, blue, magenta and red
_CORNERS = ((255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255))


class VectorField(Kind):
    """Vectors h×w×2, dx to the right and dy downwards, in pixels of the network's input."""

    name = "vector_field"

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """float32 H×W×2 in pixels of the picture: a vector grows with the picture that it lies in.

        Raises:
            InputError: for an output that is not h×w×2.
        """
        if output.ndim != 3 or output.shape[-1] != 2:
            raise InputError(f"an output of shape {output.shape}; a vector field is h×w×2")
        height, width = output.shape[:2]
        field = bilinear(output[None], size)[0].astype(np.float32)
        scale = spec.scale or 1
        return field * np.array([size[1] * scale / width, size[0] * scale / height], np.float32)

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """The mean and the greatest length."""
        lengths = np.hypot(answer[..., 0], answer[..., 1])
        return f"mean movement {lengths.mean():.2f} {spec.unit or 'px'}, at most {lengths.max():.2f}"

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """The Middlebury wheel's colours: hue is the direction, saturation the length, of the longest 1."""
        return flow_colours(answer)

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM.flo, Middlebury's format: tag, width, height, then (dx, dy) as little-endian float32, row by row."""
        path = stem.with_name(f"{stem.name}.flo")
        height, width = answer.shape[:2]
        header = np.array([FLO_TAG], "<f4").tobytes() + np.array([width, height], "<i4").tobytes()
        path.write_bytes(header + np.ascontiguousarray(answer, "<f4").tobytes())
        return path

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """As numbers, and by "end_point_error": the mean distance of two vectors over the expected ones' mean length."""
        measures = numeric(expected, got)
        distance = np.hypot(*np.moveaxis(np.asarray(got, np.float64) - expected, -1, 0))
        length = float(np.hypot(*np.moveaxis(np.asarray(expected, np.float64), -1, 0)).mean())
        measures["end_point_error"] = float(distance.mean()) / length if length else float(distance.mean() > 0)
        return judged(spec.name, measures, tolerance, ties=chosen_otherwise)

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """What moves to the right in a mirrored picture moves to the left in the picture."""
        return output[:, :, ::-1] * np.array([-1, 1], output.dtype)

    def resize(self, output: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """N×h×w×2 at another size, the vectors scaled along."""
        scale = np.array([size[1] / output.shape[2], size[0] / output.shape[1]], np.float32)
        return bilinear(output, size) * scale


def flow_colours(field: np.ndarray) -> np.ndarray:
    """H×W×2 as uint8 H×W×3: hue is the direction, saturation the length; the longest vector has full colour.

    Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011.
    """
    lengths = np.hypot(field[..., 0], field[..., 1])
    longest = float(lengths.max(initial=0.0)) or 1.0
    wheel = _wheel()
    position = (np.arctan2(-field[..., 1], -field[..., 0]) / np.pi + 1) / 2 * (len(wheel) - 1)
    first = np.minimum(position.astype(int), len(wheel) - 1)
    part = (position - first)[..., None]
    pure = (wheel[first] * (1 - part) + wheel[(first + 1) % len(wheel)] * part) / 255
    return np.floor(255 * (1 - (lengths / longest)[..., None] * (1 - pure))).astype(np.uint8)


def _wheel() -> np.ndarray:
    rows = []
    for corner, steps in enumerate(_STEPS):
        start, end = np.array(_CORNERS[corner]), np.array(_CORNERS[(corner + 1) % len(_CORNERS)])
        rows += [np.floor(start + (end - start) * step / steps) for step in range(steps)]
    return np.array(rows, np.float64)
