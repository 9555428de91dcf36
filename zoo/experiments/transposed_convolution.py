"""A transposed convolution is a convolution's backward pass: the same matrix, turned over.

Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016, chapter 4; Odena, Dumoulin & Olah,
"Deconvolution and Checkerboard Artifacts", 2016, for the overlaps.

A convolution with stride S is a matrix C with few rows and many columns. Backpropagation through it multiplies by C
transposed, so few numbers become many: that is all that a "deconvolution" is, and it undoes nothing, as Cᵀ is no inverse of C.
Where C reads one window for each number, Cᵀ paints one: a window of k×k, times the number, added to what lies there already.
How many windows lie over a place depends on the place. Only a kernel that is a multiple of its stride covers all places within
equally; any other lays a grid over the picture, whatever it has learnt. `zoo experiments upsampling` shows it in trained nets.

Look at: C, and Cᵀ, which is the other one mirrored at its diagonal. Below, how many windows cover each place at stride 2 and
3: even where the kernel is a multiple of the stride, a grid elsewhere. In the table, how far Cᵀ is from Keras' Conv2DTranspose
and from automatic differentiation of Keras' Conv2D (float64: rounding alone), and the fewest and most products within.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.experiments.figures import INK, QUIET, save_figure
from zoo.experiments.gradients import layer_gradients
from zoo.experiments.unrolling import convolution_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def painted(side: int, window: int, stride: int) -> int:
    """Side of the map that `side` windows a side are painted on; one smaller than its stride has a gap behind it."""
    return side * stride + max(window - stride, 0)


def overlap(side: int, window: int, stride: int) -> np.ndarray:
    """How many of the windows lie over each place: Cᵀ of a kernel of ones, times ones."""
    large = painted(side, window, stride)
    matrix = convolution_matrix(np.ones((window, window, 1, 1)), (large, large), stride)
    return matrix.sum(0).reshape(large, large)


def within(counts: np.ndarray, window: int) -> np.ndarray:
    """What lies away from the border, where fewer windows can be."""
    return counts[window - 1 : 1 - window or None, window - 1 : 1 - window or None]


def differences(side: int, window: int, stride: int) -> dict[str, float]:
    """Largest differences of Cᵀ·y: from the layer that is named for it, and from the convolution's gradient."""
    generator = np.random.default_rng(0)
    large = painted(side, window, stride)
    kernel, y = generator.standard_normal((window, window, 2, 3)), generator.standard_normal((1, side, side, 3))
    expected = (convolution_matrix(kernel, (large, large), stride).T @ y.ravel()).reshape(1, large, large, 2)
    layer = keras.layers.Conv2DTranspose(2, window, strides=stride, use_bias=False, dtype="float64")
    layer.build(y.shape)
    layer.set_weights([kernel])  # outputs before inputs: the convolution's own kernel fits as it is
    convolution = keras.layers.Conv2D(3, window, strides=stride, use_bias=False, dtype="float64")
    convolution.build((1, large, large, 2))
    convolution.set_weights([kernel])
    at = np.zeros((1, large, large, 2))
    backward, _ = layer_gradients(convolution, at, lambda answer: keras.ops.sum(keras.ops.multiply(answer, y)))
    found = {"conv2d_transpose": keras.ops.convert_to_numpy(layer(y)), "backward_pass": backward}
    return {name: float(np.abs(values - expected).max()) for name, values in found.items()}


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    windows: Sequence[int] = (2, 3, 4, 5, 6),
    strides: Sequence[int] = (2, 3),
    side: int = 9,
) -> list[dict[str, Any]]:
    """Compares the three ways and counts the overlaps, for each kernel and stride.

    Args:
        out: folder for transposed_convolution.png and transposed_convolution.csv.
        windows: sides of the kernels.
        side: of the small map.

    Returns:
        One row a stride and window: stride, window, conv2d_transpose and backward_pass (largest differences from Cᵀ·y), least
        and most (windows over one place, away from the border).
    """
    rows, counts = [], {}
    for stride in strides:
        for window in windows:
            counts[stride, window] = overlap(side, window, stride)
            inner = within(counts[stride, window], window)
            row = {"stride": stride, "window": window, **differences(min(side, 4), window, stride)}
            rows.append({**row, "least": int(inner.min()), "most": int(inner.max())})
            even = "evenly" if inner.min() == inner.max() else f"{inner.min():.0f} to {inner.max():.0f} times"
            say(f"stride {stride}, kernel {window}: covered {even}; {max(list(row.values())[2:]):.0e} apart")
    save_figure(out, "transposed_convolution", rows, draw(counts))
    return rows


def draw(counts: dict[tuple[int, int], np.ndarray]) -> Figure:
    """Above, the matrix of a convolution and the same transposed; below, the overlaps."""
    from matplotlib.figure import Figure

    strides, windows = (list(dict.fromkeys(key[place] for key in counts)) for place in (0, 1))
    figure = Figure(figsize=(2.3 * len(windows) + 1, 3.6 + 2.5 * len(strides)), layout="constrained")
    title = "A transposed convolution is a convolution's backward pass"
    figure.suptitle(title, x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK)
    above, below = figure.subfigures(2, 1, height_ratios=(3.6, 2.5 * len(strides)))
    kernel = np.arange(1.0, 10).reshape(3, 3, 1, 1)
    matrix = convolution_matrix(kernel, (7, 7), 2)
    wide, tall = above.subplots(1, 2, width_ratios=(5, 1))
    _matrix(wide, matrix, "C: 7×7 pixels to 3×3, kernel 3, stride 2")
    _matrix(tall, matrix.T, "Cᵀ: 3×3 to 7×7")
    grid = below.subplots(len(strides), len(windows), squeeze=False)
    for (stride, window), values in counts.items():
        axes = grid[strides.index(stride), windows.index(window)]
        inner = within(values, window)
        axes.imshow(values, cmap="viridis", vmin=0, vmax=values.max())
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        least, most = int(inner.min()), int(inner.max())
        said = f"{least} window{'s' * (least > 1)} each" if least == most else f"{least} to {most} windows"
        axes.set_title(f"kernel {window}, stride {stride}\n{said}", fontsize=9, color=INK)
    return figure


def _matrix(axes: Axes, values: np.ndarray, title: str) -> None:
    axes.imshow(np.where(values == 0, np.nan, values), cmap="viridis", interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color(QUIET)
    axes.set_title(title, fontsize=10, color=INK)
