"""Joints: the named points of one thing, as of a body, each with a score; and the bones between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from zoo.errors import InputError
from zoo.outputs.base import Kind, judged
from zoo.outputs.class_map import label_of
from zoo.outputs.comparison import Comparison, Tolerance, numeric
from zoo.outputs.joint_decoding import DECODINGS, decoded, hottest
from zoo.outputs.resize import bilinear
from zoo.outputs.sides import opposites, side_of
from zoo.outputs.spec import OutputSpec

COLUMNS = 3  # of an answer: x, y, score
SHOWN = 0.3  # the least score of what is described and drawn
COLOURS = {"left": (255, 145, 40), "right": (70, 160, 255), "": (120, 230, 90)}  # of joints, by their side
# What bones there may be: rows of joints, each joined to the next. Those are whose two ends a network knows.
CHAINS = (
    ("left ear", "left eye", "nose", "right eye", "right ear"),
    ("left shoulder", "nose", "right shoulder"),
    ("left shoulder", "head", "right shoulder"),
    ("left wrist", "left elbow", "left shoulder", "right shoulder", "right elbow", "right wrist"),
    ("left shoulder", "left hip", "right hip", "right shoulder"),
    ("left hip", "left knee", "left ankle"),
    ("right hip", "right knee", "right ankle"),
)
_MOST_NAMED = 4  # joints that a description names
_SAME = 1.0  # cells of a map: joints no farther apart are the same
_CELLS = 64  # along each side, that coordinates are compared by: as many as such maps have
_CLOSE = 0.05  # by which shares of heat may differ, that cells are as good as equal


class JointsOutput(Kind):
    """Places of joints: x, y and score of each, of the one thing that the picture is of.

    A raw output is h×w×K maps of heat, or 2K coordinates; `zoo.outputs.joint_decoding` says how places are read from either.
    `OutputSpec.options["bones"]` holds pairs of joints that are joined when they are drawn.

    An answer is float32 K×3: x, y in pixels of the picture, where pixel i covers i to i + 1; the score, 0 to 1.
    """

    name = "joints"
    pixelwise = False

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """float32 K×3: of each joint x and y in pixels, and the score.

        Raises:
            InputError: for an output that is neither h×w×K nor 2K, or of another number of joints than there are labels.
        """
        places, scores = decoded(output, dict(spec.options))
        if spec.labels and len(places) != len(spec.labels):
            raise InputError(f"an output of shape {output.shape}, {len(places)} joints; there are {len(spec.labels)} labels")
        return np.column_stack([places * (size[1], size[0]), scores]).astype(np.float32)

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """How many joints have a score from `SHOWN` on, and where the surest are, x to the right and y downwards."""
        sure = np.flatnonzero(answer[:, 2] >= SHOWN)
        if not sure.size:
            return "no joint found"
        order = sure[np.argsort(-answer[sure, 2], kind="stable")][:_MOST_NAMED]
        named = [f"{label_of(spec, place)} at {answer[place, 0]:.0f}, {answer[place, 1]:.0f}" for place in order.tolist()]
        rest = f"; and {sure.size - len(named)} more" if sure.size > len(named) else ""
        return f"{sure.size} of {len(answer)} joints: {'; '.join(named)}{rest}"

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """The bones and joints of a score from `SHOWN` on, joints in their labels' colours, bones in their second end's."""
        from PIL import Image, ImageDraw

        canvas = Image.fromarray(picture)
        pen = ImageDraw.Draw(canvas)
        line = max(2, round(max(picture.shape[:2]) / 150))
        shown = answer[:, 2] >= SHOWN
        for one, other in bones_of(spec, len(answer)):
            if shown[one] and shown[other]:
                ends = [*map(float, answer[one, :2]), *map(float, answer[other, :2])]
                pen.line(ends, fill=colour_of(spec, other), width=line)
        for place in np.flatnonzero(shown):
            x, y = map(float, answer[place, :2])
            disk = (x - 1.5 * line, y - 1.5 * line, x + 1.5 * line, y + 1.5 * line)
            pen.ellipse(disk, fill=colour_of(spec, place), outline=(0, 0, 0))
        return np.array(canvas)

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM_joints.csv, a joint a line."""
        path = stem.with_name(f"{stem.name}_joints.csv")
        quoted = [label_of(spec, place).replace('"', '""') for place in range(len(answer))]
        lines = [f'"{label}",{x:.2f},{y:.2f},{score:.6g}' for label, (x, y, score) in zip(quoted, answer.tolist(), strict=True)]
        path.write_text("\n".join(["name,x,y,score", *lines]) + "\n", encoding="utf-8")
        return path

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """As numbers; by "peak_shift", the mean distance of joints; and by "matched_joints", the share that is the same.

        Of the joints of a score from `SHOWN` on. A shift is in cells of the map, of coordinates in 64ths of the sides; joints
        are the same up to 1 of it. Where the expected map is as hot but for some hundredths at the other's place, the
        choice was a near tie and is not held against it. Where no joint is that sure, the numbers speak alone.
        """
        measures = numeric(expected, got)
        shifts: list[float] = []
        same = 0
        for one, other in zip(expected, got, strict=True):
            distances, ties = _shifts(one, other, spec)
            shifts += distances.tolist()
            same += int((distances <= _SAME).sum() + ties)
            chosen_otherwise += ties
        if shifts:
            measures |= {"peak_shift": float(np.mean(shifts)), "matched_joints": same / len(shifts)}
        return judged(spec.name, measures, tolerance, spec.classes, chosen_otherwise)

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Left becomes right in place and in name."""
        order = list(opposites(spec.labels) or range(output.shape[-1]))
        if output.ndim == 4:
            return output[:, :, ::-1, order]
        pairs = output.reshape(len(output), -1, 2)
        return (pairs[:, order] * np.array([-1, 1], output.dtype)).reshape(output.shape)

    def resize(self, output: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Maps at another size, bilinearly; coordinates, which are shares, as they are."""
        return bilinear(output, size) if output.ndim == 4 else output


def joint_output(
    labels: Sequence[str], palette: Sequence[Sequence[int]] = (), decode: str = DECODINGS[0]
) -> OutputSpec:
    """The spec of a network of joints.

    Args:
        labels: one name a joint; those of `CHAINS` are joined by bones, and "left" and "right" in a name tell sides.
        palette: one (r, g, b) in 0–255 a joint; by default `COLOURS` by the side.
        decode: one of `zoo.outputs.joint_decoding.DECODINGS`.
    """
    colours = tuple(tuple(colour) for colour in palette or [COLOURS[side_of(label)] for label in labels])
    options = {"decode": decode, "bones": [list(bone) for bone in bones(labels)]}
    return OutputSpec("joints", channels=len(labels), labels=tuple(labels), palette=colours, unit="px", options=options)


def bones(labels: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs of joints that are joined, by their names."""
    places = {label.replace("_", " ").casefold(): place for place, label in enumerate(labels)}
    pairs = [pair for chain in CHAINS for pair in pairwise(chain)]
    return [(places[one], places[other]) for one, other in pairs if one in places and other in places]


def bones_of(spec: OutputSpec, count: int) -> list[tuple[int, int]]:
    """Those of a spec between the `count` joints of an answer."""
    pairs = ((int(one), int(other)) for one, other in spec.options.get("bones", ()))
    return [(one, other) for one, other in pairs if 0 <= one < count and 0 <= other < count]


def colour_of(spec: OutputSpec, place: int) -> tuple[int, int, int]:
    """The colour that a joint is drawn in."""
    return spec.palette[place] if place < len(spec.palette) else COLOURS[""]


def _shifts(expected: np.ndarray, got: np.ndarray, spec: OutputSpec) -> tuple[np.ndarray, int]:
    """Of one picture: how far the sure joints lie from where the other has them, and how many of those by a near tie."""
    (places, scores), (others, _) = (decoded(output, dict(spec.options)) for output in (expected, got))
    sure = scores >= SHOWN
    cells = np.array([expected.shape[1], expected.shape[0]] if expected.ndim == 3 else [_CELLS] * 2)
    distances = np.linalg.norm((places - others) * cells, axis=1)
    if expected.ndim != 3:
        return distances[sure], 0
    rows, columns, _ = hottest(got)
    there = expected[rows, columns, np.arange(expected.shape[-1])]
    ties = sure & (distances > _SAME) & (there >= scores * (1 - _CLOSE))
    return distances[sure], int(ties.sum())
