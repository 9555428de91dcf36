"""Ensemble of paths: a ResNet is a sum over paths of many lengths, and what teaches it are the short ones.

Veit, Wilber & Belongie, "Residual Networks Behave Like Ensembles of Relatively Shallow Networks", 2016, figures 3 and 6.

Each of n blocks is passed through its convolutions or around them, so there are 2^n paths from the picture to the answer, and
a path's length (the convolutions of how many blocks?) is binomial: most paths go through about half of the blocks. Gradients
shrink along a path with its length, though. Number of paths times gradient by path is what all paths of one length contribute
to learning: nearly all of it is from paths far shorter than n. And as no block is on all paths, cutting out one of a trained
ResNet hardly hurts; in a plain net every block is on the only path there is.

Look at: the first panel, paths by length; the second, the norm of the gradient through single paths, which falls by orders of
magnitude; the third, their product, which peaks far left of the first panel's peak. The fourth: training error with single
blocks cut out (the dashed line: none). Most cost a few per cent; the very first ones cost most, as all others build on them (in
the paper, trained for days, those that halve the map do).

How: every Add of the trained network is swapped for a `Crossing`, whose value is the same but whose gradient can be let through
either side (`keras.ops.stop_gradient`), and whose convolutions can be cut off. Gradients are of the loss, with respect to the
first block's input, over random paths of each length: what backpropagation brings to it along one path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

import zoo
from zoo.experiments.degradation import train
from zoo.experiments.figures import BLUE, GREEN, INK, ORANGE, QUIET, save_figure, sheet
from zoo.experiments.gradients import input_gradient
from zoo.experiments.instances import LABELS, objects

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Crossing(keras.layers.Layer):
    """The sum of a block's shortcut and its convolutions, with switches: weights, so that turning one traces nothing anew.

    `ways` (2): share of the gradient that passes to the shortcut and to the convolutions; the value does not depend on it.
    `on` (scalar): multiplies what the convolutions give.
    """

    def build(self, input_shape: Any) -> None:
        self.ways = self.add_weight(shape=(2,), initializer="ones", trainable=False, name="ways")
        self.on = self.add_weight(shape=(), initializer="ones", trainable=False, name="on")

    def call(self, inputs: list) -> Any:
        old, new = (
            self.ways[side] * value + (1.0 - self.ways[side]) * keras.ops.stop_gradient(value)
            for side, value in enumerate(inputs)
        )
        return old + self.on * new

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]


def with_crossings(model: keras.Model) -> tuple[keras.Model, list[Crossing]]:
    """The same network with the same weights, each Add a Crossing; they come in the order of the graph."""
    crossings: list[Crossing] = []

    def swap(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.layers.Add):
            crossings.append(Crossing(name=layer.name))
            return crossings[-1]
        return type(layer).from_config(layer.get_config())

    crossed = keras.models.clone_model(model, clone_function=swap)
    for layer in model.layers:
        if layer.weights:
            crossed.get_layer(layer.name).set_weights(layer.get_weights())
    order = {layer.name: place for place, layer in enumerate(crossed.layers)}
    return crossed, sorted(crossings, key=lambda crossing: order[crossing.name])


def after_stem(model: keras.Model, first: str) -> keras.Model:
    """From the first block's input to the answer. `first`: name of the first crossing."""
    entry = model.get_layer(first).input[0]
    return keras.Model(entry, model.output)


def gradient_norms(
    model: keras.Model, crossings: Sequence[Crossing], images: np.ndarray, labels: np.ndarray, samples: int, seed: int = 0
) -> list[list[float]]:
    """For each path length 0 … n, the gradient's norm along `samples` random paths of that length.

    The gradient is of the summed cross-entropy over all images, with respect to what enters the first block; the norm is the
    root of the mean square over the images.
    """
    entry = keras.Model(model.input, model.get_layer(crossings[0].name).input[0])
    inside = entry.predict(images, verbose=0)
    truth = keras.ops.convert_to_tensor(labels)

    def loss(logits: Any) -> Any:
        return keras.ops.sum(keras.losses.sparse_categorical_crossentropy(truth, logits, from_logits=True))

    gradient = input_gradient(after_stem(model, crossings[0].name), inside.shape, loss)
    rng = np.random.default_rng(seed)
    norms = []
    for length in range(len(crossings) + 1):
        norms.append([])
        for _ in range(samples if 0 < length < len(crossings) else 1):
            through = set(rng.choice(len(crossings), length, replace=False).tolist())
            for place, crossing in enumerate(crossings):
                crossing.ways.assign([0.0, 1.0] if place in through else [1.0, 0.0])
            norms[-1].append(float(np.sqrt((gradient(inside) ** 2).sum() / len(images))))
    for crossing in crossings:
        crossing.ways.assign([1.0, 1.0])
    return norms


def lesions(model: keras.Model, crossings: Sequence[Crossing], images: np.ndarray, labels: np.ndarray) -> list[float]:
    """Error (0–1) of the whole network, then with each single block's convolutions cut off."""

    def error() -> float:
        return float((model.predict(images, batch_size=100, verbose=0).argmax(-1) != labels).mean())

    errors = [error()]
    for crossing in crossings:
        crossing.on.assign(0.0)
        errors.append(error())
        crossing.on.assign(1.0)
    return errors


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    depth: int = 56,
    width: float = 0.5,
    size: int = 32,
    count: int = 400,
    epochs: int = 8,
    samples: int = 5,
    probes: int = 32,
) -> list[dict[str, Any]]:
    """Trains a CIFAR-sized ResNet of `depth` layers, follows its paths and cuts its blocks out.

    Args:
        out: folder for paths.png and paths.csv.
        depth: weighted layers, 6n + 2; it has 3n blocks.
        width: multiplies the channels.
        size, count, epochs: side of the training pictures in pixels, how many, how often.
        samples: random paths of each length.
        probes: pictures over which gradients are taken.

    Returns:
        One row a length 0 … 3n: length, paths (how many there are), gradient (mean norm along one), contribution (share of all
        lengths, 0–1), block (the block of that number; empty for 0), error (training error without it; for 0, of the whole).
    """
    keras.utils.set_random_seed(0)
    images, labels = objects(count, size)
    net = zoo.build("resnet20", LABELS, (size, size, 3), depth=depth, width=width)
    say(f"training a ResNet of {depth} layers on {count} pictures, {epochs} times each")
    say(f"its training error is {train(net, images, labels, epochs, 0.05, 0)[-1]:.1%}")
    crossed, crossings = with_crossings(net)
    norms = gradient_norms(crossed, crossings, images[:probes], labels[:probes], samples)
    say(f"gradients along paths of {len(norms)} lengths are measured")
    errors = lesions(crossed, crossings, images, labels)
    rows = tabulate(norms, errors, [crossing.name.removesuffix("_add") for crossing in crossings])
    mean = sum(row["length"] * row["contribution"] for row in rows)
    say(f"of {len(crossings)} blocks, the mean path has {len(crossings) / 2:.1f}; weighted by gradient, {mean:.1f}")
    save_figure(out, "paths", rows, draw(rows))
    return rows


def tabulate(norms: Sequence[Sequence[float]], errors: Sequence[float], names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of `run`."""
    blocks = len(names)
    paths = [math.comb(blocks, length) for length in range(blocks + 1)]
    gradients = [float(np.mean(values)) for values in norms]
    total = sum(count * gradient for count, gradient in zip(paths, gradients, strict=True))
    return [
        {
            "length": length,
            "paths": paths[length],
            "gradient": gradients[length],
            "contribution": paths[length] * gradients[length] / total,
            "block": "" if length == 0 else names[length - 1],
            "error": errors[length],
        }
        for length in range(blocks + 1)
    ]


def draw(rows: Sequence[dict[str, Any]]) -> Figure:
    """Paths by length, gradient by length, their product, and the lesions."""
    blocks = rows[-1]["length"]
    mean = sum(row["length"] * row["contribution"] for row in rows)
    remark = f"A ResNet of {blocks} blocks. The mean path is {blocks / 2:.1f} blocks long; weighted by gradient, {mean:.1f}."
    figure, (count, norm, product, cut) = sheet(4, "An ensemble of paths", remark)
    lengths = [row["length"] for row in rows]
    count.bar(lengths, [row["paths"] for row in rows], color=QUIET)
    count.set(title=f"how many paths, of 2$^{{{blocks}}}$", xlabel="path length, blocks")
    norm.plot(lengths, [row["gradient"] for row in rows], color=ORANGE, marker="o", markersize=4)
    norm.set_yscale("log")
    norm.set(title="gradient norm along one path", xlabel="path length, blocks")
    product.bar(lengths, [row["contribution"] for row in rows], color=BLUE)
    share = np.array([row["paths"] for row in rows], float) / 2.0**blocks
    product.step(lengths, share, where="mid", color=QUIET, linewidth=1)
    top = int(np.argmax(share))
    product.text(top + 1.5, share[top], "share of paths", color=QUIET, fontsize=9)
    product.set(title="share of the gradient", xlabel="path length, blocks")
    halving = ["block1" in row["block"] and "stage1" not in row["block"] for row in rows[1:]]
    colours = [ORANGE if changed else GREEN for changed in halving]
    cut.bar(lengths[1:], [100 * row["error"] for row in rows[1:]], color=colours)
    cut.axhline(100 * rows[0]["error"], color=INK, linestyle="--", linewidth=1)
    cut.set(title="error without one block, %", xlabel="block cut out (orange: halves the map)")
    for axes in (count, norm, product, cut):
        axes.title.set_fontsize(10)
    return figure
