"""The gradient of a convolution is a convolution: backpropagation written out, and checked three ways.

LeCun, Bottou, Bengio & Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998; Dumoulin & Visin, "A guide to
convolution arithmetic for deep learning", 2016, chapter 4.

A convolution layer gives y[r, s, f] = b[f] + Σ x[r·S + i, s·S + j, c] · w[i, j, c, f], over i, j and c. With δ, the
gradient of the loss by y, the chain rule leaves three sums, and each is of the layer's own kind:

- by the bias: the sum of δ;
- by the filter: the volume convolved with δ, dw[i, j, c, f] = Σ x[r·S + i, s·S + j, c] · δ[r, s, f];
- by the volume: δ, its values S apart and zeros around them, convolved with the filter turned by 180°, its channels and
  filters exchanged.

So a backward pass is two convolutions where the forward pass is one, which is why training costs about three times as much.

Look at: the maps of δ, spread by the stride, and of the gradient by the volume, from the formula and from the framework: one
picture twice. Right, how far apart the formula is from automatic differentiation (of whatever backend Keras runs on) and from
central differences, which know no formula at all; all is in float64, and the goal is 1e-6. On JAX that needs JAX_ENABLE_X64=1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.experiments.figures import BLUE, INK, ORANGE, save_figure, sheet
from zoo.experiments.gradients import layer_gradients

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OF = ("volume", "filter", "bias")
_STEP = 1e-4  # of central differences; the loss is quadratic in each number alone, so only rounding is left


def correlate(x: np.ndarray, w: np.ndarray, stride: int = 1) -> np.ndarray:
    """H×W×C with i×j×C×F: rows×columns×F, without padding. What frameworks call a convolution."""
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[:2], axis=(0, 1))[::stride, ::stride]
    return np.einsum("rscij,ijcf->rsf", windows, w)


def forward(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, pad: int) -> np.ndarray:
    """The layer: H×W×C to rows×columns×F."""
    return correlate(np.pad(x, ((pad, pad), (pad, pad), (0, 0))), w, stride) + b


def spread(delta: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """δ with its values `stride` apart, in a map of `size`, zeros elsewhere."""
    sparse = np.zeros((*size, delta.shape[2]), delta.dtype)
    sparse[: delta.shape[0] * stride : stride, : delta.shape[1] * stride : stride] = delta
    return sparse


def formula(x: np.ndarray, w: np.ndarray, delta: np.ndarray, stride: int, pad: int) -> list[np.ndarray]:
    """The gradients by volume, filter and bias, each as its sum."""
    around = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
    tall, wide = w.shape[:2]
    # As many places as the filter has at stride 1: rows and columns that no window reaches get zeros, too.
    sparse = spread(delta, stride, (around.shape[0] - tall + 1, around.shape[1] - wide + 1))
    windows = np.lib.stride_tricks.sliding_window_view(around, sparse.shape[:2], axis=(0, 1))
    by_filter = np.einsum("ijcrs,rsf->ijcf", windows, sparse)
    rim = np.pad(sparse, ((tall - 1, tall - 1), (wide - 1, wide - 1), (0, 0)))
    by_volume = correlate(rim, w[::-1, ::-1].transpose(0, 1, 3, 2))
    height, width = x.shape[:2]
    return [by_volume[pad : pad + height, pad : pad + width], by_filter, delta.sum((0, 1))]


def differentiated(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, target: np.ndarray, stride: int, pad: int
) -> list[np.ndarray]:
    """The same by the automatic differentiation of Keras' backend."""
    dtype = x.dtype.name
    picture = keras.Input(x.shape, dtype=dtype)
    convolution = keras.layers.Conv2D(w.shape[3], w.shape[:2], strides=stride, dtype=dtype)
    model = keras.Model(picture, convolution(keras.layers.ZeroPadding2D(pad, dtype=dtype)(picture)))
    convolution.set_weights([w, b])
    by_volume, *others = layer_gradients(
        model, x[None], lambda y: keras.ops.sum(keras.ops.subtract(y, target[None]) ** 2) / 2
    )
    return [by_volume[0], *others]


def numerical(loss: Callable[[], float], arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The same by central differences: each number is moved both ways, in place, and the loss is asked."""
    gradients = []
    for array in arrays:
        gradients.append(np.empty_like(array))
        for place in np.ndindex(array.shape):
            value, losses = array[place], []
            for way in (1, -1):
                array[place] = value + way * _STEP
                losses.append(loss())
            array[place] = value
            gradients[-1][place] = (losses[0] - losses[1]) / (2 * _STEP)
    return gradients


def measure(stride: int, pad: int, size: int = 8) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """The gradients of half the squared distance from a target, three ways.

    Returns:
        The rows of `run`, and δ spread by the stride, the gradient by the volume from the formula, and from Keras.
    """
    generator = np.random.default_rng(0)
    x, w, b = (generator.standard_normal(shape) for shape in ((size, size, 3), (3, 3, 3, 2), (2,)))
    answer = forward(x, w, b, stride, pad)
    target = generator.standard_normal(answer.shape)
    delta = answer - target
    written = formula(x, w, delta, stride, pad)
    automatic = differentiated(x, w, b, target, stride, pad)
    differences = numerical(lambda: float(((forward(x, w, b, stride, pad) - target) ** 2).sum() / 2), (x, w, b))
    rows = [
        {
            "stride": stride,
            "pad": pad,
            "by": name,
            "largest": float(np.abs(gradient).max()),
            "autodiff": float(np.abs(gradient - automatic[number]).max()),
            "numerical": float(np.abs(gradient - differences[number]).max()),
        }
        for number, (name, gradient) in enumerate(zip(OF, written, strict=True))
    ]
    side = size + 2 * pad - 2
    return rows, [spread(delta, stride, (side, side)), written[0], automatic[0]]


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    cases: Sequence[tuple[int, int]] = ((1, 0), (1, 1), (2, 0), (2, 1)),
) -> list[dict[str, Any]]:
    """Compares the three ways for each case.

    Args:
        out: folder for convolution_gradient.png and convolution_gradient.csv.
        cases: pairs of stride and padding, of a 3×3 filter; the last one is drawn.

    Returns:
        Three rows a case: stride, pad, by (volume, filter or bias), largest (of the gradient), autodiff and numerical (the
        largest differences from the formula).
    """
    rows = []
    for stride, pad in cases:
        found, maps = measure(stride, pad)
        rows += found
        worst = {way: max(row[way] for row in found) for way in ("autodiff", "numerical")}
        say(
            f"stride {stride}, padding {pad}: autodiff {worst['autodiff']:.0e} apart, differences {worst['numerical']:.0e}"
        )
    save_figure(out, "convolution_gradient", rows, draw(rows, maps, cases[-1]))
    return rows


def draw(rows: Sequence[dict[str, Any]], maps: Sequence[np.ndarray], case: tuple[int, int]) -> Figure:
    """δ, the gradient by the volume from formula and framework, and how far the three ways are apart."""
    stride, pad = case
    remark = (
        f"Maps: one channel at stride {stride}, padding {pad}, 3×3 filter. Right: all channels, all cases, in float64."
    )
    figure, panels = sheet(4, "The gradient of a convolution is a convolution", remark)
    backend = keras.backend.backend()
    titles = ("δ, spread by the stride", "by the volume: the formula", f"by the volume: {backend}")
    for axes, title, values in zip(panels, titles, maps, strict=False):
        one = values[..., 0]
        limit = np.abs(one).max()
        axes.imshow(one, cmap="RdBu", vmin=-limit, vmax=limit)
        axes.grid(False)
        axes.set(title=title, xticks=[], yticks=[])
    axes = panels[3]
    labels = [f"{row['by']}, {row['stride']}/{row['pad']}" for row in rows]
    places = np.arange(len(rows))
    for way, colour, shift in (("autodiff", BLUE, -0.2), ("numerical", ORANGE, 0.2)):
        axes.barh(places + shift, [max(row[way], 1e-17) for row in rows], 0.38, color=colour, label=way)
    axes.axvline(1e-6, color=INK, linestyle="--", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(right=1e-3)
    axes.set_yticks(places, labels, fontsize=8)
    axes.invert_yaxis()
    axes.set(title="largest difference from the formula", xlabel="dashed: the goal, 1e-6; labels: stride/padding")
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    for one in panels:
        one.title.set_fontsize(10)
    return figure
