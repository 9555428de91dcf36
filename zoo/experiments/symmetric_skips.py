"""Symmetric skips: what they do to the training of a deep autoencoder of pictures.

Mao, Shen & Yang, "Image Restoration Using Very Deep Convolutional Encoder-Decoder Networks with Symmetric Skip Connections",
2016, sections 3 and 4.1, figures 3 and 4.

A convolutional autoencoder that is to take noise out of a picture has to carry the picture through all of its layers. The
deeper it is, the more of the detail is lost on the way, and the less gradient comes back. RED-Net adds the map of every
second convolution to the deconvolution that mirrors it, and the picture to the answer: detail takes the short way, the
gradient too, and the layers learn the noise alone. The claim is of two parts: without skips deeper nets are worse, with
them better.

Look at: left, the loss while training, on a logarithmic scale: the nets with skips (blue) begin near the others' end
(orange), as they pass the picture on from the first step. Second, PSNR after training by depth, beside the noisy input's own
(dashed): with skips well above it at any depth; without, deeper is worse, and below the input that was to be bettered. Third,
the gradient's norm by the weights at the start, layer by layer from picture to answer: from He's start all nets' are within
an order or two, so at these depths it is detail that the skips save more than the gradient's size.

The nets are the zoo's `rednet`, of few channels and steps, on noisy scenes, one training each; the last layer starts small,
as a sum of many skips is large. Which net is how much better after the paper's long training it does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

import zoo
from zoo.data.datasets.scenes import Scenes
from zoo.experiments.figures import BLUE, INK, ORANGE, label_ends, save_figure, sheet
from zoo.experiments.gradients import layer_gradients

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SKIPS = {"without skips": None, "with skips": 2}  # layers from one skip to the next, as `rednet` takes them
COLOURS = {"without skips": ORANGE, "with skips": BLUE}
BATCH = 4
FAINT = 0.1  # times the last layer's start, of all nets: sums of many skips are large, and a first step from there kills ReLUs


def pictures(count: int, size: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Scenes with normal noise of that deviation, not cut off, and without; float32 count×size×size×3, 0–255."""
    scenes = Scenes(count, size)
    clean = np.stack([scenes[index].image for index in range(count)]).astype(np.float32)
    noise = np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    return clean + sigma * noise, clean


def squared_error(truth: Any, answer: Any) -> Any:
    """Mean squared error of values in units of 255."""
    return keras.ops.mean((keras.ops.subtract(truth, answer) / 255.0) ** 2)


def psnr(error: float) -> float:
    """Decibels of a mean squared error in units of 255."""
    return -10 * float(np.log10(error))


def gradient_norms(model: keras.Model, noisy: np.ndarray, clean: np.ndarray) -> list[float]:
    """Norm of the loss's gradient by each layer's weights, from the picture to the answer."""
    _, *gradients = layer_gradients(model, noisy, lambda answer: squared_error(clean, answer))
    return [float(np.linalg.norm(gradient)) for gradient in gradients if gradient.ndim == 4]


def train(model: keras.Model, noisy: np.ndarray, clean: np.ndarray, steps: int, rate: float) -> list[float]:
    """The loss of each step of Adam."""
    model.compile(keras.optimizers.Adam(rate), squared_error, jit_compile=False)
    model.optimizer.build(model.trainable_variables)  # TensorFlow would trace the first step twice
    generator, losses = np.random.default_rng(0), []  # the same order for all
    for _ in range(steps):
        chosen = generator.choice(len(noisy), BATCH, replace=False)
        model.reset_metrics()  # what train_on_batch returns is the mean since then
        losses.append(float(model.train_on_batch(noisy[chosen], clean[chosen])))
    return losses


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    depths: Sequence[int] = (10, 20),
    width: int = 16,
    size: int = 32,
    count: int = 64,
    sigma: float = 30.0,
    steps: int = 200,
    rate: float = 1e-3,
) -> list[dict[str, Any]]:
    """Trains RED-Nets of every depth, with and without skips.

    Args:
        out: folder for symmetric_skips.png and symmetric_skips.csv.
        depths: layers, half of them convolutions and half deconvolutions.
        width: channels of each.
        size, count, sigma: side of the pictures, how many, and their noise's deviation of 255.
        steps, rate: of Adam, `BATCH` pictures each.

    Returns:
        One row a net and layer for the measure gradient (norm at the start), one a net and step for the measure loss, and one
        a net for the measure psnr (dB, of all pictures after training; the noisy input's is the row of the net "input"): net,
        depth, measure, at (the layer or step), value.
    """
    noisy, clean = pictures(count, size, sigma)
    before = psnr(float(squared_error(clean, noisy)))
    rows = [{"net": "input", "depth": "", "measure": "psnr", "at": "", "value": round(before, 3)}]
    for depth in depths:
        for name, skips in SKIPS.items():
            keras.utils.set_random_seed(0)
            model = zoo.build("rednet10", input_shape=(size, size, 3), depth=depth // 2, width=width, skips=skips)
            last = model.get_layer("deconv1").kernel
            last.assign(FAINT * last)
            gradients = gradient_norms(model, noisy[:BATCH], clean[:BATCH])
            losses = train(model, noisy, clean, steps, rate)
            after = psnr(float(squared_error(clean, keras.ops.convert_to_numpy(model(noisy)))))
            for measure, values in (("gradient", gradients), ("loss", losses)):
                rows += [_row(name, depth, measure, at, value) for at, value in enumerate(values, 1)]
            rows.append(_row(name, depth, "psnr", "", round(after, 3)))
            say(f"{depth} layers, {name}: {after:.1f} dB from {before:.1f}")
    save_figure(out, "symmetric_skips", rows, draw(rows))
    return rows


def _row(net: str, depth: int, measure: str, at: int | str, value: float) -> dict[str, Any]:
    return {"net": net, "depth": depth, "measure": measure, "at": at, "value": value}


def series(rows: Sequence[dict[str, Any]], net: str, depth: int, measure: str) -> list[float]:
    """The values of one net's measure."""
    return [row["value"] for row in rows if (row["net"], row["depth"], row["measure"]) == (net, depth, measure)]


def draw(rows: Sequence[dict[str, Any]]) -> Figure:
    """Loss by step, PSNR by depth, gradient by layer."""
    depths = sorted({row["depth"] for row in rows if row["depth"] != ""})
    remark = "Deep autoencoders that take noise out of pictures: RED-Nets of few channels, by number of layers."
    figure, (loss, end, gradient) = sheet(3, "Symmetric skips", remark)
    losses, gradients = [], []
    for depth in depths:
        for net, colour in COLOURS.items():
            strength = 0.35 + 0.65 * depth / depths[-1]
            values = series(rows, net, depth, "loss")
            window = min(10, len(values))
            smooth = np.convolve(values, np.ones(window) / window, "valid")
            loss.plot(np.arange(len(smooth)) + window, smooth, color=colour, alpha=strength, linewidth=1.6)
            losses.append((str(depth), len(values), smooth[-1], colour))
            norms = series(rows, net, depth, "gradient")
            gradient.plot(np.linspace(0, 1, len(norms)), norms, color=colour, alpha=strength, linewidth=1.6)
            gradients.append((str(depth), 1, norms[-1], colour))
    for axes, ends in ((loss, losses), (gradient, gradients)):
        axes.set_yscale("log")
        label_ends(axes, ends)
    for net, colour in COLOURS.items():
        end.plot(depths, [series(rows, net, depth, "psnr")[0] for depth in depths], color=colour, marker="o", label=net)
    end.axhline(rows[0]["value"], color=INK, linestyle="--", linewidth=1)
    end.legend(frameon=False, fontsize=9)
    end.set_xticks(depths)
    loss.set(title="squared error while training, by layers", xlabel="step")
    end.set(title="PSNR after training, dB (dashed: the input's)", xlabel="layers")
    gradient.set(title="gradient's norm by the weights, at the start", xlabel="share of the way from picture to answer")
    for axes in (loss, end, gradient):
        axes.title.set_fontsize(10)
    return figure
