"""Checkerboards: how a decoder goes up decides which grid it leaves in its answer, and training does not wholly remove it.

Odena, Dumoulin & Olah, "Deconvolution and Checkerboard Artifacts", 2016.

A transposed convolution whose kernel is no multiple of its stride covers some positions more often than others: with kernel 3
and stride 2 they get 1, 2, 2 and 4 products. Even overlap (kernel 4) makes it possible to be even, not likely: each phase still
has weights of its own, so random ones paint a checkerboard, further layers paint theirs upon it, and learning has to work
against them. A bilinear start is even, and training may leave it. Resizing before a convolution treats all positions
alike. A bed of nails before a convolution is the transposed convolution of that kernel. Unpooling puts values where
maxima were, so its zeros follow the picture more than the grid, but only four places in each window can be followed.

All nets are one autoencoder of generated scenes but for their three steps up by 2: a small net down to 1/8 and back, learning
to give back the picture. The grid is what is the same in every tile of 8×8 pixels: the mean of the answer over all
tiles and pictures, by position in the tile, with the picture subtracted after training. Its root mean square, in per cent of
the answers' spread, is drawn beside a control, the same with tiles of 7×7, which no net has a reason to repeat.

Look at: above, the enlarged answers: a weave over even areas, or none; nearest alone is blocks, unpooling has the sharpest
edges and the noisiest areas. Below, bars against their controls. Before training all transposed convolutions of random start
stand far out, whatever their kernel, and nails with them; unpooling less; a bilinear start and resizing hardly. After it all is
smaller, and the same ones stand above their controls: grid that training kept. One training a net, small nets, few
steps: who leaves a grid, not a benchmark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.data.datasets.scenes import Scenes
from zoo.experiments.figures import BLUE, INK, ORANGE, QUIET, plain_axes, save_figure
from zoo.models.blocks.upsampling import Step, upsample

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALES = 3  # steps down, and steps up by 2
PERIOD, CONTROL = 2**SCALES, 7  # sides of tiles in pixels
MARGIN = 8  # pixels at the border that are not looked at: padding is another artefact


@dataclass(frozen=True)
class Way:
    """One way up: an entry of the zoo's upsamplers, its kernel, and whether a 3×3 convolution follows."""

    upsampler: str
    kernel: int | None = None
    convolved: bool = False


WAYS = {
    "transposed, kernel 3": Way("transposed", 3),
    "nails + convolution": Way("bed_of_nails", convolved=True),
    "transposed, kernel 2": Way("transposed", 2),
    "transposed, kernel 4": Way("transposed", 4),
    "bilinear start": Way("bilinear"),
    "unpool + convolution": Way("unpool", convolved=True),
    "nearest alone": Way("nearest"),
    "resize + convolution": Way("resize"),
}


def build(way: Way, channels: int, size: int) -> keras.Model:
    """The autoencoder: size×size×3 in −1 … 1 to the same."""
    picture = keras.Input((size, size, 3))
    x, maps = picture, []
    for scale in range(SCALES):
        x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"down{scale}")(x)
        maps.append(x)
        x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Conv2D(2 * channels, 3, padding="same", activation="relu", name="bottom")(x)
    for scale in reversed(range(SCALES)):
        x = upsample(x, way.upsampler, Step(2, channels, f"up{scale}", kernel=way.kernel, pooled=maps[scale]))
        if way.convolved:
            x = keras.layers.Conv2D(channels, 3, padding="same", name=f"up{scale}_conv")(x)
        x = keras.layers.ReLU()(x)
    return keras.Model(picture, keras.layers.Conv2D(3, 1, name="answer")(x))


def pictures(count: int, size: int) -> np.ndarray:
    """Scenes as float32 count×size×size×3, −1 … 1."""
    scenes = Scenes(count, size)
    return np.stack([scenes[index].image for index in range(count)]).astype(np.float32) / 127.5 - 1


def grid(values: np.ndarray, period: int) -> np.ndarray:
    """The grid that all tiles of N×H×W×C have in common: period×period×C, of mean 0."""
    inside = values[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    rows, columns = (side // period for side in inside.shape[1:3])
    tiles = inside[:, : rows * period, : columns * period].reshape(len(values), rows, period, columns, period, -1)
    mean = tiles.mean(axis=(0, 1, 3))
    return mean - mean.mean(axis=(0, 1))


def strength(values: np.ndarray, period: int, spread: float) -> float:
    """Root mean square of the grid, in units of `spread`."""
    return float(np.sqrt((grid(values, period) ** 2).mean()) / spread)


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    ways: Sequence[str] = tuple(WAYS),
    count: int = 96,
    size: int = 64,
    channels: int = 16,
    steps: int = 150,
    draws: int = 4,
    batch: int = 16,
) -> list[dict[str, Any]]:
    """Measures every way up, untrained and trained.

    Args:
        out: folder for upsampling.png and upsampling.csv.
        ways: of `WAYS`.
        count, size: pictures, and their side in pixels.
        channels: of the nets.
        steps: of training.
        draws: random starts that the untrained figure is averaged over; the first of them is trained.
        batch: pictures a step.

    Returns:
        One row a way, draw and number of steps: way, draw, steps, grid and control (shares of the answers' spread), loss
        (mean squared error).
    """
    images = pictures(count, size)
    rows, shown = [], {}
    for name in ways:
        for draw_number in reversed(range(draws)):
            keras.utils.set_random_seed(draw_number)
            net = build(WAYS[name], channels, size)
            before = answers(net, images)
            rows.append(_row(name, draw_number, 0, before, before, images))
        train(net, images, steps, batch)
        after = answers(net, images)
        rows.append(_row(name, 0, steps, after, after - images, images))
        shown[name] = before[0], after[0]
        untrained = np.mean([row["grid"] for row in rows if row["way"] == name and row["steps"] == 0])
        say(f"{name}: the grid is {untrained:.1%} of the spread untrained, {rows[-1]['grid']:.2%} after {steps} steps")
    save_figure(out, "upsampling", rows, draw(rows, shown, images[0]))
    return rows


def answers(net: keras.Model, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(net(images, training=False))


def train(net: keras.Model, images: np.ndarray, steps: int, batch: int) -> None:
    """`steps` steps of Adam towards the pictures themselves, each on `batch` of them."""
    net.compile(keras.optimizers.Adam(3e-3, clipnorm=1.0), "mse", jit_compile=False)
    net.optimizer.build(net.trainable_variables)  # TensorFlow would trace the first step twice
    generator = np.random.default_rng(0)  # the same order for all
    for _ in range(steps):
        chosen = images[generator.choice(len(images), batch, replace=False)]
        net.train_on_batch(chosen, chosen)


def _row(
    way: str, draw_number: int, steps: int, output: np.ndarray, rest: np.ndarray, images: np.ndarray
) -> dict[str, Any]:
    spread = float(output.std())
    strengths = {key: round(strength(rest, period, spread), 6) for key, period in (("grid", PERIOD), ("control", CONTROL))}
    loss = round(float(((output - images) ** 2).mean()), 6)
    return {"way": way, "draw": draw_number, "steps": steps, **strengths, "loss": loss}


def draw(rows: Sequence[dict[str, Any]], shown: dict[str, tuple[np.ndarray, np.ndarray]], original: np.ndarray) -> Figure:
    """Above, one answer of each net before and after training, enlarged; below, the strength of the grid."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.1 * (len(shown) + 1), 9), layout="constrained")
    figure.suptitle("Checkerboards by the way up", x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK)
    above, below = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    axes = above.subplots(2, len(shown) + 1, squeeze=False)
    for column, (name, pair) in enumerate(shown.items()):
        for row, answer in enumerate(pair):
            _picture(axes[row, column], answer, stretched=row == 0)
        axes[0, column].set_title(name, fontsize=9.5, color=INK)
    _picture(axes[1, -1], original, stretched=False)
    axes[1, -1].set_title("the picture", fontsize=9.5, color=INK)
    axes[0, -1].set_visible(False)
    for row, label in enumerate(("untrained", "trained")):
        axes[row, 0].set_ylabel(label, fontsize=10, color=INK)
    untrained, trained = below.subplots(1, 2)
    _bars(untrained, [row for row in rows if row["steps"] == 0], "untrained")
    _bars(trained, [row for row in rows if row["steps"]], f"after {max(row['steps'] for row in rows)} steps")
    return figure


def _picture(axes: Any, answer: np.ndarray, stretched: bool) -> None:
    """The middle of an answer, enlarged without smoothing; an untrained one with its contrast stretched."""
    quarter = answer.shape[0] // 4
    cut = answer[quarter:-quarter, quarter:-quarter]
    low, high = np.percentile(cut, (2, 98)) if stretched else (-1.0, 1.0)
    axes.imshow(np.clip((cut - low) / max(high - low, 1e-6), 0, 1), interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _bars(axes: Any, rows: Sequence[dict[str, Any]], title: str) -> None:
    plain_axes(axes)
    ways = list(dict.fromkeys(row["way"] for row in rows))
    bars = {"grid": ("grid, 8×8", ORANGE, -0.2), "control": ("control, 7×7", QUIET, 0.2)}
    for key, (label, colour, offset) in bars.items():
        means = [100 * np.mean([row[key] for row in rows if row["way"] == way]) for way in ways]
        axes.barh(np.arange(len(ways)) + offset, means, 0.38, color=colour, label=label)
    axes.set_yticks(range(len(ways)), ways)
    axes.invert_yaxis()
    axes.set(title=title, xlabel="% of the answers' spread")
    axes.title.set_color(BLUE)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
