"""A convolution is a fully connected layer with most weights zero and the others shared.

LeCun, Boser, Denker et al., "Backpropagation Applied to Handwritten Zip Code Recognition", 1989, who share the weights;
Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016, chapter 4, who write the matrix down.

A picture of 32×32 has 1024 numbers, a 5×5 filter without padding gives 28×28 = 784. As a multilayer perceptron's layer that is
a matrix W of 784×1024. Each of its rows is zero but for the 25 places where the filter lies: the layer is sparse, as a unit
sees a window only. And each row has the same 25 numbers: the weights are shared, as all units look for the same thing. So of
802,816 weights the sparse layer keeps 19,600, and sharing leaves 25; the first saves work, the second what is to be learnt.

Look at: the whole W, a diagonal band of 784 rows; its corner, where a row's five runs of five weights are seen and each row
is the one above, a place further on (four places more where the filter starts a new line); the weights of the three layers,
on a scale of powers of ten. In the table, `difference` is the largest one from Keras' Conv2D: a Dense layer with W for its
weights, each row's 25 products alone, and the convolution itself. In float64 they are equal but for the order of summing. (On
PyTorch the first is 1e-6 off: there Keras 3.15's Dense of float64 answers in float32.)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.experiments.figures import BLUE, GREEN, ORANGE, save_figure, sheet
from zoo.experiments.unrolling import answer_size, convolution_matrix

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"fully connected": ORANGE, "sparse": BLUE, "convolution": GREEN}


def answers(image: np.ndarray, kernel: np.ndarray, matrix: np.ndarray) -> dict[str, np.ndarray]:
    """The answer of each of the three layers, flattened, in the image's precision.

    Args:
        image: H×W; `kernel`: side×side; `matrix`: of that convolution.
    """
    dtype = image.dtype.name
    dense = keras.layers.Dense(len(matrix), use_bias=False, dtype=dtype)
    dense.build((1, image.size))
    dense.set_weights([matrix.T])
    rows, side = len(matrix), len(kernel)
    columns = np.nonzero(matrix)[1].reshape(rows, side**2)  # what each unit is connected to
    weights = np.take_along_axis(matrix, columns, 1)
    convolution = keras.layers.Conv2D(1, side, use_bias=False, dtype=dtype)
    convolution.build((1, *image.shape, 1))
    convolution.set_weights([kernel[..., None, None]])
    return {
        "fully connected": keras.ops.convert_to_numpy(dense(image.reshape(1, -1)))[0],
        "sparse": (weights * image.ravel()[columns]).sum(1),
        "convolution": keras.ops.convert_to_numpy(convolution(image[None, ..., None])).ravel(),
    }


def run(out: Path, *, say: Callable[[str], None] = print, size: int = 32, window: int = 5) -> list[dict[str, Any]]:
    """Writes the matrix down, computes the three layers and counts their weights.

    Args:
        out: folder for sparse_layer.png and sparse_layer.csv.
        size: side of the picture in pixels; `window`: of the filter.

    Returns:
        One row a layer: layer, inputs, outputs, weights (what is to be learnt), products (multiplications of a picture),
        difference (the largest one from Keras' Conv2D).
    """
    generator = np.random.default_rng(0)
    image = generator.uniform(0, 1, (size, size))
    kernel = generator.standard_normal((window, window))
    matrix = convolution_matrix(kernel[..., None, None], image.shape)
    outputs = int(np.prod(answer_size(image.shape, kernel.shape)))
    found = answers(image, kernel, matrix)
    connections = np.count_nonzero(matrix)
    weights = {
        "fully connected": matrix.size,
        "sparse": connections,
        "convolution": len(np.unique(matrix[matrix != 0])),
    }
    rows = [
        {
            "layer": name,
            "inputs": image.size,
            "outputs": outputs,
            "weights": weights[name],
            "products": matrix.size if name == "fully connected" else connections,
            "difference": float(np.abs(answer - found["convolution"]).max()),
        }
        for name, answer in found.items()
    ]
    for row in rows:
        say(f"{row['layer']}: {row['weights']:,} weights, {row['products']:,} products, {row['difference']:.1e} apart")
    save_figure(out, "sparse_layer", rows, draw(rows, matrix, window, size))
    return rows


def draw(rows: list[dict[str, Any]], matrix: np.ndarray, window: int, size: int) -> Figure:
    """The matrix, its corner, and the weights of the three layers."""
    remark = f"W for a picture of {size}×{size} and a filter of {window}×{window}: {matrix.shape[0]}×{matrix.shape[1]}."
    figure, (whole, corner, count) = sheet(3, "A convolution is a sparse layer that shares", remark)
    whole.imshow(
        matrix != 0, cmap="Greys", aspect="auto", interpolation="antialiased", interpolation_stage="rgba", vmax=0.6
    )
    whole.set(title="W: where it is not zero", xlabel="number of the picture", ylabel="number of the answer")
    reach = (window + 1) * size
    limit = np.abs(matrix).max()
    shown = np.where(matrix == 0, np.nan, matrix)[: size + 8, :reach]
    corner.imshow(shown, cmap="RdBu", aspect="auto", interpolation="nearest", vmin=-limit, vmax=limit)
    corner.set(title=f"its corner: {window} runs of {window} weights a row", xlabel="number of the picture")
    for axes in (whole, corner):
        axes.grid(False)
    places = np.arange(len(rows))
    count.bar(places, [row["weights"] for row in rows], color=[COLOURS[row["layer"]] for row in rows])
    for place, row in zip(places, rows, strict=True):
        count.text(place, row["weights"] * 1.25, f"{row['weights']:,}", ha="center", fontsize=10)
    count.set_yscale("log")
    count.set_ylim(1, rows[0]["weights"] * 6)
    count.set_xticks(places, [row["layer"] for row in rows])
    count.set(title="weights to learn")
    return figure
