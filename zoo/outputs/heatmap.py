"""Heat map: how much of something is at each pixel, as of saliency or of a body's joints; one map, or one a name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.errors import InputError
from zoo.outputs.base import Kind, judged
from zoo.outputs.comparison import Comparison, Tolerance, numeric
from zoo.outputs.resize import bilinear
from zoo.outputs.sides import opposites
from zoo.outputs.spec import OutputSpec

# What a network of heat maps can be asked for → the activation that gives it.
OUTPUTS = {"logits": "linear", "heat": "sigmoid"}
# Colours of a single map from its coldest to its hottest, evenly spaced; between them they are mixed.
RAMP = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))
OPACITY = 0.85  # over the picture, of the hottest place; a cold one is clear
_MOST_NAMED = 4  # places that a description names


class HeatMapOutput(Kind):
    """Numbers h×w×K, one map a label: log-odds, which become heat from 0 to 1, or behind a sigmoid the heat itself."""

    name = "heatmap"

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """float32 H×W×K, heat from 0 to 1.

        Raises:
            InputError: for an output that is not h×w×K, or of another number of maps than there are labels.
        """
        if output.ndim != 3 or (spec.labels and output.shape[-1] != len(spec.labels)):
            expected = f"h×w×{len(spec.labels) or 'K'}"
            raise InputError(f"an output of shape {output.shape}; heat maps are {expected}, one map a label")
        return heat(bilinear(output[None], size)[0], spec)

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """The place of the greatest heat, x to the right and y downwards; of named maps of each, the hottest first."""
        peaks = sorted(_peaks(answer), key=lambda peak: -peak[2])
        names = {index: f"{label} " for index, label in enumerate(spec.labels)}
        named = [f"{names.get(index, '')}{value:.2f} at {x}, {y}" for x, y, value, index in peaks[:_MOST_NAMED]]
        rest = len(peaks) - len(named)
        return f"hottest: {'; '.join(named)}" + (f"; and {rest} more" if rest else "")

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """The heat over the picture, the hottest place nearly opaque; named maps in their labels' colours."""
        colours, share = heat_colours(answer, spec)
        share = OPACITY * share[..., None]
        return np.rint(picture * (1 - share) + colours * share).astype(np.uint8)

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM_heat.png of one map, grey, with 255 for its hottest place; of several STEM_places.csv, the hottest of each."""
        if answer.shape[-1] == 1:
            from PIL import Image

            path = stem.with_name(f"{stem.name}_heat.png")
            Image.fromarray(np.rint(255 * relative(answer)[..., 0]).astype(np.uint8)).save(path)
            return path
        path = stem.with_name(f"{stem.name}_places.csv")
        labels = spec.labels or range(answer.shape[-1])
        quoted = [str(label).replace('"', '""') for label in labels]
        rows = [f'"{label}",{x},{y},{value:.6g}' for label, (x, y, value, _) in zip(quoted, _peaks(answer), strict=True)]
        path.write_text("name,x,y,heat\n" + "\n".join(rows) + "\n", encoding="utf-8")
        return path

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """As numbers, and by "correlation", Pearson's of the heat over the pixels, the mean over maps and samples."""
        measures = numeric(expected, got)
        measures["correlation"] = correlation(heat(expected, spec), heat(got, spec))
        return judged(spec.name, measures, tolerance, ties=chosen_otherwise)

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Left becomes right in place and, of named maps, in name."""
        mirrored = super().mirror(output, spec)
        return mirrored[..., list(opposites(spec.labels))] if spec.labels else mirrored

    def poolable(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Heat, N×h×w×K."""
        return heat(output, spec)

    def pooled_spec(self, spec: OutputSpec) -> OutputSpec:
        """Heat stays such."""
        return replace(spec, activation="sigmoid")


def heat_output(labels: tuple[str, ...] = (), palette: tuple = (), output: str = "logits") -> OutputSpec:
    """The spec of a network of heat maps.

    Args:
        labels: one name a map; none for a single one.
        palette: one (r, g, b) in 0–255 a label.
        output: a key of `OUTPUTS`.
    """
    activation = OUTPUTS[output]
    bounds = None if activation == "linear" else (0.0, 1.0)
    return OutputSpec("heatmap", channels=len(labels) or 1, labels=labels, palette=palette, activation=activation, range=bounds)


def heat(values: np.ndarray, spec: OutputSpec) -> np.ndarray:
    """Raw outputs as float32 heat from 0 to 1, by the logistic function where that is still missing."""
    values = np.asarray(values).astype(np.float32, copy=False)
    if spec.activation != "linear":
        return values
    return np.tanh(values / 2) / 2 + 0.5  # the logistic function, which cannot overflow in this form


def relative(answer: np.ndarray) -> np.ndarray:
    """Heat as shares of the greatest of all maps; 0 everywhere where there is none."""
    greatest = float(answer.max(initial=0.0))
    return answer.clip(0) / greatest if greatest > 0 else np.zeros_like(answer)


def heat_colours(answer: np.ndarray, spec: OutputSpec) -> tuple[np.ndarray, np.ndarray]:
    """Colours float H×W×3 in 0–255, and the relative heat H×W: by `RAMP`, or by the label of the hottest map at each pixel."""
    shares = relative(answer)
    strongest = shares.max(axis=-1)
    if answer.shape[-1] > 1 and spec.palette:
        return np.asarray(spec.palette, np.float64)[shares.argmax(axis=-1)], strongest
    places = np.linspace(0, 1, len(RAMP))
    return np.stack([np.interp(strongest, places, channel) for channel in zip(*RAMP, strict=True)], axis=-1), strongest


def correlation(expected: np.ndarray, got: np.ndarray) -> float:
    """Pearson's correlation over the pixels of N×h×w×K, the mean over maps and samples; of constant maps 1 where equal."""
    pairs = zip(*(np.moveaxis(values, -1, 1).reshape(-1, values[0, ..., 0].size) for values in (expected, got)), strict=True)
    return float(np.mean([_pearson(one.astype(np.float64), other.astype(np.float64)) for one, other in pairs]))


def _pearson(one: np.ndarray, other: np.ndarray) -> float:
    a, b = one - one.mean(), other - other.mean()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else float(np.array_equal(one, other))


def _peaks(answer: np.ndarray) -> list[tuple[int, int, float, int]]:
    """(x, y, heat, map) of the hottest pixel of each map."""
    flat = answer.reshape(-1, answer.shape[-1])
    places = flat.argmax(axis=0)
    width = answer.shape[1]
    return [(int(at % width), int(at // width), float(flat[at, index]), index) for index, at in enumerate(places)]
