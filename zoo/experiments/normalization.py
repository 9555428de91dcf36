"""Batch normalisation and depth: a plain net of thirty layers learns from one scale of start alone, a normalised one from any.

Ioffe & Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift", 2015; He,
Zhang, Ren & Sun, "Delving Deep into Rectifiers", 2015, for the start that keeps the variance; Yang, Pennington, Rao,
Sohl-Dickstein & Schoenholz, "A Mean Field Theory of Batch Normalization", 2019, for what it does to the gradient.

A ReLU layer passes on half of its input's power, unless its weights are √2 times as strong as a linear layer's: He's start,
scale 1 here. Any other scale is multiplied by itself layer by layer, 30 times: Glorot's start, Keras' default, is the scale
0.71, which leaves 0.71^30, 3e-5, of the activations and of the gradient; 2 blows them up a billion times. A normalised layer's
input has variance 1 whatever lies before, and the scale of its weights cancels out.

Look at: the first two panels, nets at their start, layer by layer: plain ones fade or blow up unless they begin at scale 1;
the normalised ones are one line of activations, whatever the scale. The others, the loss after training by the scale of the
start, a panel for each rate: below the dashed line, something is learnt. At the higher rate the normalised net learns from
every scale; at the low one not from the largest in this time, as a step matters less to larger weights. The plain one learns
from scale 1 alone. There, though, it learns better than the normalised one, if its rate is not so high that it diverges: what
normalisation gives a plain stack this deep is not the best fit, but a free choice of the start. Nor is its gradient a flat
line: in a plain stack of normalised ReLU layers it grows by √(π/(π − 1)), about 1.21, a layer towards the first, as Yang et
al. derive, and slows the learning of one so deep. It is why deep nets have shortcuts as well (`zoo experiments degradation`).

The task is that of all experiments, shapes cut out of scenes, the nets fully connected, the optimizer SGD with momentum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.experiments.figures import BLUE, INK, ORANGE, label_ends, save_figure, sheet
from zoo.experiments.gradients import layer_gradients
from zoo.experiments.instances import LABELS, objects

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"plain": ORANGE, "normalised": BLUE}
BATCH = 64


def build(family: str, depth: int, units: int, size: int) -> keras.Model:
    """`depth` hidden layers between a picture of size×size×3, standardised, and its class' logits; He's start."""
    normalised = family == "normalised"
    picture = keras.Input((size, size, 3))
    x = keras.layers.Flatten()(picture)
    for layer in range(1, depth + 1):
        x = keras.layers.Dense(units, use_bias=not normalised, kernel_initializer="he_normal", name=f"dense{layer}")(x)
        if normalised:
            x = keras.layers.BatchNormalization(name=f"norm{layer}")(x)
        x = keras.layers.ReLU(name=f"relu{layer}")(x)
    return keras.Model(picture, keras.layers.Dense(len(LABELS), name="logits")(x))


def pictures(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Objects with mean 0 and deviation 1 over all of them, and their classes."""
    images, labels = objects(count, size)
    return (images - images.mean()) / images.std(), labels


def rescale(model: keras.Model, start: Sequence[np.ndarray], scale: float) -> None:
    """The weights of the start, those of the hidden layers times the scale."""
    model.set_weights(start)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense) and layer.name != "logits":
            layer.kernel.assign(scale * layer.kernel)


def by_layer(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> tuple[list[float], list[float]]:
    """Layer by layer: the activations' deviation and the norm of the loss's gradient by the weights; as in training."""
    hidden = [layer for layer in model.layers if layer.name.startswith("dense")]
    outputs = [model.get_layer(layer.name.replace("dense", "relu")).output for layer in hidden]
    spreads = [float(keras.ops.std(values)) for values in keras.Model(model.input, outputs)(images, training=True)]
    truth = keras.ops.convert_to_tensor(labels)

    def loss(logits: Any) -> Any:
        return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(truth, logits, from_logits=True))

    _, *gradients = layer_gradients(model, images, loss)
    kernels = {layer.kernel.path for layer in hidden}
    pairs = zip(model.trainable_weights, gradients, strict=True)
    return spreads, [float(np.linalg.norm(gradient)) for weight, gradient in pairs if weight.path in kernels]


def train(model: keras.Model, images: np.ndarray, labels: np.ndarray, epochs: int, rate: float) -> float:
    """The mean loss of the last epoch's steps; of a compiled model, whose optimizer forgets what it did before."""
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    model.optimizer.learning_rate.assign(rate)
    generator = np.random.default_rng(0)  # the same order for all
    for _ in range(epochs):
        order = generator.permutation(len(images))
        model.reset_metrics()  # what train_on_batch returns is the mean since then
        for first in range(0, len(images) - BATCH + 1, BATCH):
            chosen = order[first : first + BATCH]
            loss = model.train_on_batch(images[chosen], labels[chosen])
    return float(loss)


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    depth: int = 30,
    units: int = 64,
    size: int = 16,
    count: int = 448,
    epochs: int = 40,
    scales: Sequence[float] = (0.5, 0.71, 1.0, 1.41, 2.0),
    rates: Sequence[float] = (0.003, 0.03),
) -> list[dict[str, Any]]:
    """Looks at both nets' starts at every scale and trains them.

    Args:
        out: folder for normalization.png and normalization.csv.
        depth, units: hidden layers, and how wide they are.
        size, count, epochs: side of the pictures in pixels, how many, how often.
        scales: of the start, 1 for He's.
        rates: of SGD, momentum 0.9, without a schedule.

    Returns:
        A row of the loss of the best constant answer (family "constant"); then one a family, scale and layer for the measures
        activation (deviation) and gradient (norm), and one a training for the measure loss: family, scale, measure, at (the
        layer, or the learning rate), value (empty where it is no number).
    """
    images, labels = pictures(count, size)
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    rows = [_row("constant", "", "loss", "", -float((shares * np.log(shares)).sum()))]  # nothing is learnt but how often
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for family in COLOURS:
        keras.utils.set_random_seed(0)
        model = build(family, depth, units, size)
        start = model.get_weights()
        model.compile(keras.optimizers.SGD(rates[0], momentum=0.9), loss, jit_compile=False)
        model.optimizer.build(model.trainable_variables)  # TensorFlow would trace the first step twice
        for scale in scales:
            rescale(model, start, scale)
            measured = by_layer(model, images[:BATCH], labels[:BATCH])
            for measure, values in zip(("activation", "gradient"), measured, strict=True):
                rows += [_row(family, scale, measure, layer, value) for layer, value in enumerate(values, 1)]
            for rate in rates:
                rescale(model, start, scale)
                rows.append(_row(family, scale, "loss", rate, train(model, images, labels, epochs, rate)))
            said = ", ".join(f"{row['value'] or np.nan:.2f} at {row['at']:g}" for row in rows[-len(rates) :])
            say(f"{family} from scale {scale:g}: loss by rate {said}")
    save_figure(out, "normalization", rows, draw(rows))
    return rows


def _row(family: str, scale: float | str, measure: str, at: float | str, value: float) -> dict[str, Any]:
    said = value if np.isfinite(value) else ""
    return {"family": family, "scale": scale, "measure": measure, "at": at, "value": said}


def draw(rows: Sequence[dict[str, Any]]) -> Figure:
    """Activation and gradient by layer, and the loss by scale at each rate."""
    depth = max(row["at"] for row in rows if row["measure"] == "activation")
    remark = f"{depth} fully connected ReLU layers, plain (orange) and normalised (blue). Scale 1: He's start, 0.71: Glorot's."
    constant, *losses = (row for row in rows if row["measure"] == "loss")
    rates = list(dict.fromkeys(row["at"] for row in losses))
    figure, panels = sheet(2 + len(rates), "Batch normalisation and depth", remark)
    _layers(panels[0], rows, "activation", "activations' deviation, at the start")
    _layers(panels[1], rows, "gradient", "gradient's norm by the weights, at the start")
    for axes, rate in zip(panels[2:], rates, strict=True):
        _losses(axes, [row for row in losses if row["at"] == rate], constant["value"])
        axes.set(title=f"loss after training at rate {rate:g} (top: diverged)")
    for axes in panels:
        axes.title.set_fontsize(10)
    return figure


def _layers(axes: Axes, rows: Sequence[dict[str, Any]], measure: str, title: str) -> None:
    ends = []
    for family, colour in COLOURS.items():
        own = [row for row in rows if (row["family"], row["measure"]) == (family, measure)]
        for scale in dict.fromkeys(row["scale"] for row in own):
            series = [row["value"] or np.nan for row in own if row["scale"] == scale]
            axes.plot(range(1, len(series) + 1), series, color=colour, linewidth=1.6)
            if family == "plain":
                ends.append((f"{scale:g}", len(series), series[-1], colour))
    axes.set_yscale("log")
    axes.set(title=title, xlabel="layer; plain nets by scale")
    label_ends(axes, ends)


def _losses(axes: Axes, rows: Sequence[dict[str, Any]], constant: float) -> None:
    for family, colour in COLOURS.items():
        own = [row for row in rows if row["family"] == family]
        shown = [1.4 * constant if row["value"] == "" else min(row["value"], 1.4 * constant) for row in own]
        axes.plot([row["scale"] for row in own], shown, color=colour, marker="o", markersize=4, linewidth=1.8)
    axes.axhline(constant, color=INK, linestyle="--", linewidth=1)
    axes.set_xscale("log")
    places = list(dict.fromkeys(row["scale"] for row in rows))
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.minorticks_off()
    axes.set_ylim(0, 1.45 * constant)
    axes.set_xlabel("scale of the start; dashed: a constant answer")
