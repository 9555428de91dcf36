"""Degradation: beyond some depth a plain network fits even its training data worse. Shortcuts and gates cure it.

He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", 2015, figures 1 and 6; Srivastava, Greff &
Schmidhuber, "Training Very Deep Networks", 2015, figure 1.

A deeper plain net could copy a shallower one and let its other layers pass on what they get, so it has no reason to fit worse;
yet it does, and not from overfitting: it is the training error that rises. A residual net has the copy for free; a highway
net starts near it, its gates biased to carry. All have the same depths and channels and see the same pictures in one order.
Two pairs differ in nothing but the cure: plain and residual, with batch normalisation, as in He 2015; "bare" and highway,
without, as in Srivastava 2015. The recipe is one for all.

Look at: the right panel, comparing within pairs. Beyond some depth the plain net's error rises and the residual net's does not.
The left panel shows the deepest nets learning. The second pair is slow without normalisation: in the few epochs of the default
the bare net stays at chance where it is deep and the highway net has only begun to learn. That is no verdict on highway
nets, which the paper trained far longer; `epochs` can be raised.

Different from the papers: nets of `width` times their channels, minutes instead of days, generated pictures
(`zoo.experiments.instances`), one seed unless `seeds` says more, so expect a few per cent of noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

import zoo
from zoo.experiments.figures import BLUE, GREEN, ORANGE, QUIET, label_ends, save_figure, sheet
from zoo.experiments.instances import LABELS, objects
from zoo.models.blocks.conv import conv_relu
from zoo.models.blocks.normalization import normalize
from zoo.models.encoders.highway import thirds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"plain": ORANGE, "residual": BLUE, "bare": QUIET, "highway": GREEN}
CARRY_BIAS = -4.0  # of the highway nets: the paper's −1 to −4, the more negative the deeper
BATCH = 32


def build(family: str, depth: int, width: float, size: int) -> keras.Model:
    """A net of 6n + 2 weighted layers; all families have equal channels at equal depth."""
    shape = (size, size, 3)
    stages = tuple(tuple(int(width * channels) for channels in plan) for plan in thirds(depth))
    if family == "bare":
        return bare(stages, shape)
    if family == "highway":
        return zoo.build("highway20", LABELS, shape, stages=stages, carry_bias=CARRY_BIAS)
    name = {"plain": "plain20", "residual": "resnet20"}[family]
    return zoo.build(name, LABELS, shape, depth=depth, width=width)


def bare(stages: Sequence[Sequence[int]], shape: tuple[int, int, int]) -> keras.Model:
    """The highway net of these stages without a gate."""
    image = keras.Input(shape, name="image")
    x = normalize(image, "cifar")
    for stage, plan in enumerate(stages, start=1):
        if stage > 1:
            x = keras.layers.MaxPooling2D(2, padding="same")(x)
        for layer, channels in enumerate(plan, start=1):
            x = conv_relu(x, channels, 3, f"stage{stage}_layer{layer}")
    return keras.Model(image, keras.layers.Dense(len(LABELS))(keras.layers.GlobalAveragePooling2D()(x)))


def train(model: keras.Model, images: np.ndarray, labels: np.ndarray, epochs: int, rate: float, seed: int) -> list[float]:
    """Training error after each epoch, 0–1, as it is met on the way."""
    steps = epochs * -(-len(images) // BATCH)
    model.compile(
        optimizer=keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(rate, steps), momentum=0.9, clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    model.optimizer.build(model.trainable_variables)  # TensorFlow would trace the first step twice
    keras.utils.set_random_seed(seed)  # the same order for all
    history = model.fit(images, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    return [1.0 - accuracy for accuracy in history.history["accuracy"]]


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    families: Sequence[str] = tuple(COLOURS),
    depths: Sequence[int] = (8, 20, 32, 44),
    count: int = 600,
    epochs: int = 10,
    size: int = 32,
    width: float = 0.5,
    rate: float = 0.05,
    seeds: int = 1,
) -> list[dict[str, Any]]:
    """Trains every family at every depth.

    Args:
        out: folder for degradation.png and degradation.csv.
        families: of `COLOURS`.
        depths: numbers of weighted layers, 6n + 2.
        count, size: pictures, and their side in pixels.
        width: multiplies the channels.
        rate: SGD's first learning rate, lowered to zero along a cosine; momentum is 0.9, gradients are clipped to norm 1.
        seeds: trainings of each net.

    Returns:
        One row a family, depth, seed and epoch: family, depth, seed, epoch, error (training error, 0–1).
    """
    images, labels = objects(count, size)
    rows = []
    for depth in depths:
        for family in families:
            for seed in range(seeds):
                keras.utils.set_random_seed(seed)
                net = build(family, depth, width, size)
                errors = train(net, images, labels, epochs, rate, seed)
                rows += [
                    {"family": family, "depth": depth, "seed": seed, "epoch": epoch, "error": round(error, 5)}
                    for epoch, error in enumerate(errors, start=1)
                ]
            say(f"{family}, {depth} layers: training error {errors[-1]:.1%}")
    save_figure(out, "degradation", rows, draw(rows))
    return rows


def last_errors(rows: Sequence[dict[str, Any]], family: str, depth: int, epoch: int) -> float:
    """Mean training error over the seeds."""
    key = (family, depth, epoch)
    return float(np.mean([row["error"] for row in rows if (row["family"], row["depth"], row["epoch"]) == key]))


def draw(rows: Sequence[dict[str, Any]]) -> Figure:
    """Left: the deepest nets' training error by epoch. Right: the last training error by depth."""
    families = list(dict.fromkeys(row["family"] for row in rows))
    depths = sorted({row["depth"] for row in rows})
    epochs = sorted({row["epoch"] for row in rows})
    remark = "Training error. A deeper plain net could copy a shallower one, but does not find the copy."
    figure, (left, right) = sheet(2, "Degradation", remark)
    _lines(left, families, epochs, lambda family, epoch: last_errors(rows, family, depths[-1], epoch))
    left.set(title=f"{depths[-1]} layers", xlabel="epoch", ylabel="training error, %")
    _lines(right, families, depths, lambda family, depth: last_errors(rows, family, depth, epochs[-1]))
    right.set(title=f"after {epochs[-1]} epochs", xlabel="layers", ylabel="training error, %", xticks=depths)
    return figure


def _lines(axes: Axes, families: Sequence[str], xs: Sequence[int], error: Callable[[str, int], float]) -> None:
    ends = []
    for family in families:
        ys = [100 * error(family, x) for x in xs]
        axes.plot(xs, ys, color=COLOURS[family], marker="o", markersize=4, linewidth=1.8)
        ends.append((family, xs[-1], ys[-1], COLOURS[family]))
    axes.set_ylim(bottom=0)
    axes.margins(x=0.02)
    label_ends(axes, ends)
