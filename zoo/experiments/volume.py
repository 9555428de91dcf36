"""A convolution by hand: a volume of 7×7×3 and two filters of 3×3×3 at stride 2 give 3×3×2 numbers, everywhere the same ones.

Li, Karpathy & Johnson, "CS231n: Convolutional Neural Networks for Visual Recognition", Stanford 2016, lecture notes on
convolutional networks: the demo of a convolution layer.

A picture of 5×5×3 within a ring of zeros is the volume; each filter lies on nine places of it, two apart, and each time
gives one number: the sum of its 27 products, plus its bias. Nothing is flipped: what these networks call a convolution is a
correlation. The demo draws its numbers anew whenever it is loaded, so there are no numbers of the lecture to keep; those of
this file are one such draw, from the demo's own ranges (0 to 2 in the picture, −1 to 1 in the filters, the biases 1 and 0).
All are
small whole numbers, which float32 and float16 hold exactly: a Keras layer, a `.tflite` file and an `.onnx` file have no excuse
to differ from the sum on paper.

Look at: the frame on the volume and the sum beneath, which is the framed number of the answer; every other one is counted so.
In the table, each number of the answer is what its three channels and its bias add up to, beside what Keras gives.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.experiments.figures import BLUE, GREEN, INK, ORANGE, QUIET, save_figure
from zoo.experiments.unrolling import answer_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STRIDE, WINDOW = 2, 3
PICTURE = (  # a channel a line, a row a group
    "20112 11021 02210 12001 21120",
    "01220 21100 10212 02011 12102",
    "11202 02121 20010 12210 01022",
)
FILTERS = (  # a filter a line, a channel a part, a row a group; "-" is −1, "+" is 1
    "+0- 0+0 --+ | 0+0 -0+ +-0 | --0 0++ 0-+",
    "0-+ ++0 -0- | +-0 00- 0++ | 0+- -+0 +0-",
)
BIASES = (1, 0)
_DIGITS = {"-": -1, "0": 0, "+": 1}


def volume() -> np.ndarray:
    """float32 1×7×7×3: the picture within its ring of zeros."""
    channels = [[[int(digit) for digit in row] for row in line.split()] for line in PICTURE]
    return np.pad(np.array(channels, np.float32).transpose(1, 2, 0), ((1, 1), (1, 1), (0, 0)))[None]


def kernel() -> np.ndarray:
    """float32 3×3×3×2: rows, columns, channels, filters."""
    filters = [
        [[[_DIGITS[digit] for digit in row] for row in part.split()] for part in line.split("|")] for line in FILTERS
    ]
    return np.array(filters, np.float32).transpose(2, 3, 1, 0)


def shares() -> np.ndarray:
    """3×3×2×3: what each channel adds to each number of the answer, summed over its nine products on paper's terms."""
    image, weights = volume()[0], kernel()
    rows, columns = answer_size(image.shape[:2], (WINDOW, WINDOW), STRIDE)
    sums = np.zeros((rows, columns, weights.shape[3], image.shape[2]), int)
    for row, column, number, channel in np.ndindex(sums.shape):
        for down, right in np.ndindex(WINDOW, WINDOW):
            pixel = image[row * STRIDE + down, column * STRIDE + right, channel]
            sums[row, column, number, channel] += int(pixel * weights[down, right, channel, number])
    return sums


def by_hand() -> np.ndarray:
    """int 3×3×2: the answer."""
    return shares().sum(-1) + np.array(BIASES)


def network() -> keras.Model:
    """The volume in, the answer out: one layer with the weights of this file."""
    picture = keras.Input((7, 7, 3), name="volume")
    layer = keras.layers.Conv2D(len(BIASES), WINDOW, strides=STRIDE, name="answer")
    model = keras.Model(picture, layer(picture), name="by_hand")
    layer.set_weights([kernel(), np.array(BIASES, np.float32)])
    return model


def run(out: Path, *, say: Callable[[str], None] = print) -> list[dict[str, Any]]:
    """Counts the answer by hand and lets Keras count it.

    Args:
        out: folder for volume.png and volume.csv.

    Returns:
        One row a number of the answer: filter, row, column, red, green, blue (what each channel adds), bias, answer (their
        sum), keras.
    """
    parts, answer = shares(), by_hand()
    layer = keras.ops.convert_to_numpy(network()(volume()))[0]
    rows = [
        {
            "filter": number,
            "row": row,
            "column": column,
            **dict(zip(("red", "green", "blue"), parts[row, column, number].tolist(), strict=True)),
            "bias": BIASES[number],
            "answer": int(answer[row, column, number]),
            "keras": float(layer[row, column, number]),
        }
        for number, row, column in np.ndindex(len(BIASES), *answer.shape[:2])
    ]
    equal = sum(row["answer"] == row["keras"] for row in rows)
    say(f"{equal} of {len(rows)} numbers are what Keras gives, to the last bit")
    save_figure(out, "volume", rows, draw(rows))
    return rows


def draw(rows: list[dict[str, Any]]) -> Figure:
    """The volume's channels, the filters' and the answer as numbers, one window framed and its sum written out."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 9.2), layout="constrained")
    figure.suptitle("A convolution by hand", x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK)
    grid = figure.add_gridspec(3, 4, width_ratios=(7, 3.6, 3.6, 3.6))
    image, weights, answer = volume()[0], kernel(), by_hand()
    shown = next(row for row in rows if (row["filter"], row["row"], row["column"]) == (0, 1, 1))
    corner = (shown["row"] * STRIDE, shown["column"] * STRIDE)
    for channel, name in enumerate(("red", "green", "blue")):
        axes = figure.add_subplot(grid[channel, 0])
        numbers(axes, image[..., channel], BLUE, f"x[:, :, {channel}], {name}", dim_rim=True)
        frame(axes, corner, WINDOW, ORANGE)
        for number in range(len(BIASES)):
            title = f"w{number}[:, :, {channel}]"
            axes = figure.add_subplot(grid[channel, 1 + number])
            numbers(axes, weights[..., channel, number], ORANGE if number == 0 else QUIET, title)
    for number, bias in enumerate(BIASES):
        axes = figure.add_subplot(grid[number, 3])
        numbers(axes, answer[..., number], GREEN, f"answer[:, :, {number}], bias {bias}")
        if number == shown["filter"]:
            frame(axes, (shown["row"], shown["column"]), 1, ORANGE)
    terms = " + ".join(
        f"({shown[name]})" if shown[name] < 0 else str(shown[name]) for name in ("red", "green", "blue", "bias")
    )
    sums = f"In the frame: {terms} = {shown['answer']} (red + green + blue + bias)".replace("-", "−")
    figure.supxlabel(sums, x=0.06, ha="left", fontsize=12, color=INK)
    return figure


def numbers(axes: Axes, values: np.ndarray, colour: str, title: str, dim_rim: bool = False) -> None:
    """A table of whole numbers on a light ground; the rim, which is padding, in quiet ink where asked."""
    rows, columns = values.shape
    axes.imshow(np.zeros((rows, columns)), cmap="Greys", vmin=0, vmax=1)
    for row, column in np.ndindex(rows, columns):
        rim = dim_rim and (row in (0, rows - 1) or column in (0, columns - 1))
        text = f"{int(values[row, column])}".replace("-", "−")
        axes.text(column, row, text, ha="center", va="center", fontsize=11, color=QUIET if rim else INK)
    axes.set_xticks(np.arange(columns + 1) - 0.5, [])
    axes.set_yticks(np.arange(rows + 1) - 0.5, [])
    axes.grid(color=colour, alpha=0.35, linewidth=0.8)
    axes.tick_params(length=0)
    axes.spines[:].set_color(colour)
    axes.set_title(title, fontsize=10, color=colour)


def frame(axes: Axes, corner: tuple[int, int], side: int, colour: str) -> None:
    """A square frame around `side` cells a side, whose first cell is at (row, column)."""
    from matplotlib.patches import Rectangle

    row, column = corner
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), side, side, fill=False, edgecolor=colour, linewidth=2.5))
