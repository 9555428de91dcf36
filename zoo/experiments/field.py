"""Receptive fields: what a position of the last map could see, and what it does see, which is far less.

Luo, Li, Urtasun & Zemel, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", 2016, figures 1
and 2.

The theoretical field (`zoo.analysis.receptive_field`) grows with each layer's window times the stride so far. But a pixel in
its middle reaches the position along many more paths than one at its rim, so its influence is like a Gaussian whose width
grows only with the root of the number of layers. Measured is the gradient of the middle position of the last map (of the
logits, in segmentation) with respect to the picture, squared and averaged over random pictures.

Look at: the gradient fades long before the frame, the theoretical field; the circle, the effective field, has the area of
all pixels whose influence is more than 4.5 % of the strongest one's, two standard deviations of a Gaussian. Skip connections to
early layers (U-Net) put a sharp peak on the pixel itself.

Untrained nets are normalised by the statistics of the pictures that they are shown; weights can be given instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

import zoo
from zoo import registry
from zoo.analysis.macs import trace
from zoo.analysis.receptive_field import receptive_field
from zoo.experiments.figures import BLUE, INK, ORANGE, QUIET, plain_axes, save_figure
from zoo.experiments.gradients import input_gradient
from zoo.training.batchnorm import recalibrate_batchnorm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAINT = 0.045  # of the strongest influence: a Gaussian's at two standard deviations from its mean is more, at three less
_PAPER = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5}


def last_map(model: keras.Model, size: tuple[int, int]) -> str:
    """Name of the last layer whose output has positions: more than one row or column."""
    maps = [layer.name for layer, _, outputs in trace(model, size) if _has_positions(outputs[0].shape)]
    return maps[-1]


def _has_positions(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and max(shape[1:3]) > 1


def size_for(name: str, most: int, **options: Any) -> tuple[int, int]:
    """A picture size that holds the theoretical field with some margin, if `most` pixels a side are enough.

    Networks of a fixed size have that.
    """
    entry = registry.get(name)
    if entry.fixed_size:
        return entry.input_size
    model = zoo.build(name, **options)
    rows, columns = receptive_field(model, entry.input_size, last_map(model, entry.input_size))
    return tuple(max(min(-(-(pixels + 32) // 32) * 32, most), entry.min_size) for pixels in (rows, columns))


def influence(model: keras.Model, layer: str, images: np.ndarray, seed: int = 0) -> np.ndarray:
    """H×W: mean squared gradient of the layer's middle position, its channels mixed at random, by each pixel."""
    inner = keras.Model(model.input, model.get_layer(layer).output)
    rows, columns, channels = inner.compute_output_shape(images.shape)[1:]
    mix = np.random.default_rng(seed).standard_normal(channels).astype(np.float32)

    def middle(answer: Any) -> Any:
        return keras.ops.sum(answer[:, rows // 2, columns // 2, :] * mix)

    total = np.zeros(images.shape[1:3])
    gradient = input_gradient(inner, (1, *images.shape[1:]), middle)
    for image in images:
        total += (gradient(image[None])[0].astype(np.float64) ** 2).sum(-1)
    return total / len(images)


def measure(
    name: str,
    *,
    pictures: int = 8,
    most: int = 448,
    size: tuple[int, int] | None = None,
    weights: str | Path | None = None,
    **options: Any,
) -> tuple[dict[str, Any], np.ndarray]:
    """The theoretical and the measured field of a model.

    Args:
        name: of `zoo.list_models()`; `options` are its own.
        pictures: of uniform noise, over which the gradient is averaged.
        most: greatest side of a picture in pixels; a field that is larger is cut off.
        size: (H, W) instead of one that fits the field.
        weights: of a trained network, as for `zoo.build`.

    Returns:
        The row of `run`, and the influence, H×W, its strongest pixel 1.
    """
    keras.utils.set_random_seed(0)
    size = size or size_for(name, most, **options)
    channels = registry.get(name).channels
    model = zoo.build(name, input_shape=(*size, channels), weights=weights, **options)
    layer = last_map(model, size)
    theoretical = receptive_field(model, size, layer)
    images = np.random.default_rng(0).uniform(0, 255, (pictures, *size, channels)).astype(np.float32)
    if weights is None:
        recalibrate_batchnorm(model, [images])
    power = influence(model, layer, images)
    power /= power.max()
    touched = [np.flatnonzero(power.max(axis)) for axis in (1, 0)]
    row = {
        "model": name,
        "layer": layer,
        "height": size[0],
        "width": size[1],
        "theoretical_rows": theoretical[0],
        "theoretical_columns": theoretical[1],
        "touched_rows": int(touched[0][-1] - touched[0][0] + 1),
        "touched_columns": int(touched[1][-1] - touched[1][0] + 1),
        "effective": round(effective(power), 1),
    }
    return row, power


def effective(seen: np.ndarray) -> float:
    """Diameter in pixels of the disk with the area of all pixels whose influence (the root of `seen`) is not faint."""
    return 2 * float(np.sqrt(np.count_nonzero(np.sqrt(seen) > FAINT * np.sqrt(seen.max())) / np.pi))


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    models: Sequence[str] = ("resnet18", "resnet50", "unet"),
    **options: Any,
) -> list[dict[str, Any]]:
    """Measures each model.

    Args:
        out: folder for field.png and field.csv.
        models: names of `zoo.list_models()`.
        **options: of `measure`.

    Returns:
        One row a model: model, layer (whose middle position is asked), height and width of the pictures; in pixels, the
        theoretical field's rows and columns, the rows and columns with any gradient at all (touched), and the effective
        field's diameter.
    """
    rows, maps = [], []
    for name in models:
        row, power = measure(name, **options)
        say(
            f"{name}: could see {row['theoretical_rows']}×{row['theoretical_columns']} pixels, "
            f"does see a disk of {row['effective']:.0f}"
        )
        rows.append(row)
        maps.append(power)
    save_figure(out, "field", rows, draw(rows, maps))
    return rows


def draw(rows: Sequence[dict[str, Any]], maps: Sequence[np.ndarray]) -> Figure:
    """Above, each model's influence by pixel with both fields; below, its profile through the middle row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(4.2 * len(rows), 6.4), 7), layout="constrained")
    figure.suptitle("Receptive fields: possible and effective", x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK)
    above, below = figure.subplots(2, len(rows), squeeze=False, height_ratios=(2.4, 1))
    for picture, profile, row, power in zip(above, below, rows, maps, strict=True):
        _picture(picture, row, power)
        _profile(profile, row, power)
    return figure


def _centre(power: np.ndarray) -> tuple[float, float]:
    """Row and column of the influence's centre of mass."""
    weights = np.sqrt(power)
    return tuple(float((weights.sum(1 - axis) * np.arange(power.shape[axis])).sum() / weights.sum()) for axis in (0, 1))


def _picture(axes: Axes, row: dict[str, Any], power: np.ndarray) -> None:
    from matplotlib.patches import Circle, Rectangle

    axes.imshow(np.sqrt(power) ** 0.5, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
    (middle, centre), tall, wide = _centre(power), row["theoretical_rows"], row["theoretical_columns"]
    corner = (centre - wide / 2, middle - tall / 2)
    axes.add_patch(Rectangle(corner, wide, tall, fill=False, color=BLUE, linewidth=1.6))
    axes.add_patch(Circle((centre, middle), row["effective"] / 2, fill=False, color=ORANGE, linewidth=1.6))
    axes.set(xticks=[], yticks=[], title=row["model"], xlim=(-0.5, power.shape[1] - 0.5), ylim=(power.shape[0] - 0.5, -0.5))
    axes.spines[:].set_color(QUIET)
    possible = f"possible: {tall}×{wide}" + ("" if max(tall, wide) <= min(power.shape) else ", beyond the picture")
    for height, text, colour in ((0.95, possible, BLUE), (0.89, f"effective: {row['effective']:.0f}", ORANGE)):
        axes.text(0.03, height, text, color=colour, fontsize=10, transform=axes.transAxes, va="center", bbox=_PAPER)


def _profile(axes: Axes, row: dict[str, Any], power: np.ndarray) -> None:
    plain_axes(axes)
    middle, centre = _centre(power)
    reach = 1 + len(power) // 40
    stripe = np.sqrt(power[max(round(middle) - reach, 0) : round(middle) + reach + 1].mean(0))
    axes.plot(np.arange(power.shape[1]) - centre, stripe / stripe.max(), color=INK, linewidth=0.9)
    for reach, colour in ((row["theoretical_columns"] / 2, BLUE), (row["effective"] / 2, ORANGE)):
        for side in (-reach, reach):
            axes.axvline(side, color=colour, linewidth=1.2)
    axes.set(xlabel="pixels from the middle", ylabel="influence", xlim=(-centre, power.shape[1] - centre), yticks=[0, 1])
