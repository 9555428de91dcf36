"""Shattered gradients: with depth, the gradient of a plain net becomes white noise in its input. Shortcuts prevent it.

Balduzzi, Frean, Leary, Lewis, Ma & McWilliams, "The Shattered Gradients Problem: If resnets are the answer, then what is the
question?", 2017, figures 1 and 2.

The networks are as in the paper: one number in, fully connected ReLU layers of `units` units at initialisation, one number
out; the gradient of the answer with respect to the input is taken at `points` inputs from −2 to 2. With one layer it is like a
random walk: neighbouring inputs have similar gradients. In a deep plain net it is like white noise, so a step right for one
input says nothing of its neighbour. In a residual net it lies between: theory says that the correlation of two inputs'
gradients falls as 2^−L in plain nets of L layers, but only as 1/√L in residual nets with batch normalisation, and slower still
where each block's contribution is scaled by a small β.

Look at: the first row, gradients along the input: a walk, noise, and something between. Below, the autocorrelation of those
gradients: the deep plain net's is gone within a few points, the residual nets' is not; last, its value for nearby inputs.

A plain layer is ReLU(normalised W x), a residual one x + β W ReLU(normalised x), with the statistics that normalisation
measures over all points (the paper centres its plain nets too; or all inputs' activations grow alike and hide the effect).
The gradient is exact (the input is a trainable weight, see `zoo.experiments.gradients`); averages are over `nets` networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.experiments.figures import BLUE, GREEN, INK, ORANGE, QUIET, label_ends, plain_axes, save_figure
from zoo.experiments.gradients import input_gradient

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BETAS = {"plain": None, "residual": 1.0, "residual, β = 0.1": 0.1}  # what multiplies a block's contribution
COLOURS = dict(zip(BETAS, (ORANGE, GREEN, BLUE), strict=True))
NEAR = 5  # points apart; "nearby" in the summary
_START = {"kernel_initializer": "he_normal"}


def build(family: str, depth: int, units: int) -> keras.Model:
    """`depth` hidden ReLU layers between one number and one number, by He's initialisation."""
    number = keras.Input((1,))
    spread = keras.initializers.RandomNormal(stddev=2.0)  # of the first layer's kinks along the input
    x = keras.layers.Dense(units, "relu", bias_initializer=spread, **_START)(number)
    for _ in range(depth - 1):
        x = _layer(x, units, BETAS[family])
    return keras.Model(number, keras.layers.Dense(1)(x))


def _layer(x: Any, units: int, beta: float | None) -> Any:
    # Without momentum one pass over all points leaves exactly their statistics for the gradient's own pass.
    normalise, weigh = keras.layers.BatchNormalization(momentum=0.0), keras.layers.Dense(units, **_START)
    if beta is None:
        return keras.layers.ReLU()(normalise(weigh(x)))
    new = weigh(keras.layers.ReLU()(normalise(x)))
    return keras.layers.Add()([x, keras.layers.Rescaling(beta)(new)])


def start_anew(model: keras.Model, seed: int) -> None:
    """Draws all weights again, as `build` does."""
    keras.utils.set_random_seed(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            for weight, start in ((layer.kernel, layer.kernel_initializer), (layer.bias, layer.bias_initializer)):
                config = {key: value for key, value in start.get_config().items() if key != "seed"}
                weight.assign(type(start).from_config(config)(weight.shape))


def gradients(family: str, depth: int, units: int, points: int, nets: int) -> np.ndarray:
    """nets×points: d answer / d input along the input, each net on its own."""
    model = build(family, depth, units)
    along = np.linspace(-2, 2, points, dtype=np.float32)[:, None]
    gradient = input_gradient(model, along.shape, keras.ops.sum)
    rows = []
    for seed in range(nets):
        start_anew(model, seed)
        model(along, training=True)
        rows.append(gradient(along)[:, 0])
    return np.array(rows)


def autocorrelation(series: np.ndarray, lags: int) -> np.ndarray:
    """Of nets×points: for each distance 0 … lags, the correlation of points so far apart, averaged over the nets."""
    centred = series - series.mean(1, keepdims=True)
    power = (centred**2).sum(1)
    centred, power = centred[power > 0], power[power > 0]
    points = series.shape[1]
    return np.array([((centred[:, : points - lag] * centred[:, lag:]).sum(1) / power).mean() for lag in range(lags + 1)])


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    depths: Sequence[int] = (1, 2, 4, 10, 24, 50),
    units: int = 200,
    points: int = 256,
    nets: int = 20,
    lags: int = 15,
) -> list[dict[str, Any]]:
    """Takes the gradients of all families at all depths.

    Args:
        out: folder for shattered.png and shattered.csv.
        depths: numbers of hidden layers.
        units: of each hidden layer.
        points: inputs from −2 to 2.
        nets: networks that are averaged over.
        lags: the greatest distance in points.

    Returns:
        One row a family, depth and distance: family, depth, lag (in points), correlation (−1 to 1).
    """
    rows, shown = [], {}
    for depth in depths:
        for family in COLOURS:
            series = gradients(family, depth, units, points, nets)
            shown[family, depth] = series[0]
            correlations = autocorrelation(series, lags)
            rows += [
                {"family": family, "depth": depth, "lag": lag, "correlation": round(float(value), 5)}
                for lag, value in enumerate(correlations)
            ]
            near, far = correlations[1], correlations[NEAR]
            say(f"{family}, {depth} layers: gradients 1 point apart correlate {near:+.2f}, {NEAR} points apart {far:+.2f}")
    save_figure(out, "shattered", rows, draw(rows, shown))
    return rows


def draw(rows: Sequence[dict[str, Any]], shown: dict[tuple[str, int], np.ndarray]) -> Figure:
    """Above, single gradients along the input; below, autocorrelation by distance and by depth."""
    from matplotlib.figure import Figure

    depths = sorted({row["depth"] for row in rows})
    deep = depths[-1]
    figure = Figure(figsize=(13, 7.6), layout="constrained")
    figure.suptitle("Shattered gradients", x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK)
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1.35))
    pictures = [("plain", depths[0]), *((family, deep) for family in COLOURS)]
    for axes, key in zip(above.subplots(1, 4), pictures, strict=True):
        plain_axes(axes)
        series = shown[key]
        axes.plot(np.linspace(-2, 2, len(series)), series, color=COLOURS[key[0]] if key[1] == deep else QUIET, linewidth=0.9)
        axes.set(title=f"{key[0]}, {key[1]} layer{'s' * (key[1] > 1)}", xlabel="input", yticks=[])
        axes.title.set_fontsize(10)
    above.supylabel("gradient of the answer", fontsize=10)
    panels = below.subplots(1, 4)
    for axes, family in zip(panels, COLOURS, strict=False):
        _by_lag(axes, rows, family, depths)
    _by_depth(panels[-1], rows, depths)
    return figure


def _correlations(rows: Sequence[dict[str, Any]], family: str, depth: int) -> list[float]:
    return [row["correlation"] for row in rows if (row["family"], row["depth"]) == (family, depth)]


def _by_lag(axes: Any, rows: Sequence[dict[str, Any]], family: str, depths: Sequence[int]) -> None:
    plain_axes(axes)
    ends = []
    for number, depth in enumerate(depths):
        values = _correlations(rows, family, depth)
        strength = 0.3 + 0.7 * number / max(len(depths) - 1, 1)
        axes.plot(values, color=COLOURS[family], alpha=strength, linewidth=1.6)
        ends.append((str(depth), len(values) - 1, values[-1], COLOURS[family]))
    axes.set_ylim(-0.15, 1.05)
    axes.set(title=f"{family}: by layers", xlabel="points apart", xticks=range(0, len(values), 5))
    if family == next(iter(COLOURS)):
        axes.set_ylabel("correlation of gradients")
    axes.title.set_fontsize(10)
    axes.margins(x=0)
    label_ends(axes, ends)


def _by_depth(axes: Any, rows: Sequence[dict[str, Any]], depths: Sequence[int]) -> None:
    plain_axes(axes)
    ends = []
    for family, colour in COLOURS.items():
        near = [_correlations(rows, family, depth)[NEAR] for depth in depths]
        axes.plot(depths, near, color=colour, marker="o", markersize=4, linewidth=1.6)
        ends.append((family, depths[-1], near[-1], colour))
    axes.set_xscale("log")
    axes.set_xticks(depths, [str(depth) for depth in depths])
    axes.minorticks_off()
    axes.set_ylim(-0.15, 1.05)
    axes.set(title=f"{NEAR} points apart", xlabel="layers")
    axes.title.set_fontsize(10)
    label_ends(axes, ends, gap=0.07)
