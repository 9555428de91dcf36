"""PCA and autoencoders: a linear one learns PCA's subspace; on a curved manifold a nonlinear one gets below PCA.

Baldi & Hornik, "Neural networks and principal component analysis: Learning from examples without local minima", 1989; Kramer,
"Nonlinear principal component analysis using autoassociative neural networks", 1991; Hinton & Salakhutdinov, "Reducing the
Dimensionality of Data with Neural Networks", 2006.

No linear map through k numbers gives data back with less squared error than PCA with k components (Eckart & Young, 1936). A
linear autoencoder has that minimum and no other local one, so training leads there: its decoder spans the subspace of the
first k components, shown by the principal angles between the two, all of which go to zero. Its code is not PCA's, though,
but any basis of that subspace. Here the data lie along a curve, a turn of a helix, in a space of more dimensions and with a
little noise. One number says where on the curve, but no straight line holds it, so PCA needs three. An encoder and decoder
with a hidden layer each bend: with one number they are below PCA with one, by far, which no linear map can be.

Look at: the first panel, the data and what comes back through one number: PCA's line, the linear autoencoder's upon it, the
nonlinear one's curve through the data. Second, the largest principal angle while the linear one learns: to zero, the later the
closer two components' variances are. Third, the error by the number of codes: linear on PCA's, nonlinear below until
PCA has all of the curve's dimensions and only noise is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.experiments.figures import BLUE, GREEN, ORANGE, QUIET, label_ends, save_figure, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"PCA": ORANGE, "linear": BLUE, "nonlinear": GREEN}
NOISE = 0.02  # deviation, of every dimension


def helix(count: int, dimensions: int, seed: int = 0) -> np.ndarray:
    """float32 count×dimensions, of mean 0: three quarters of a turn of a helix, turned at random in space, with noise."""
    generator = np.random.default_rng(seed)
    angle = np.linspace(-0.75, 0.75, count) * np.pi
    curve = np.stack([np.cos(angle), np.sin(angle), 0.25 * angle], 1)
    basis = np.linalg.qr(generator.standard_normal((dimensions, 3)))[0]
    points = curve @ basis.T + NOISE * generator.standard_normal((count, dimensions))
    return (points - points.mean(0)).astype(np.float32)


def components(points: np.ndarray) -> np.ndarray:
    """dimensions×dimensions: PCA's directions in its columns, the one of most variance first."""
    return np.linalg.svd(points.astype(np.float64), full_matrices=False)[2].T


def principal_angles(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Degrees between the subspaces that the columns of two matrices span, the smallest first; all zero where they are equal.

    By the sines, as cosines near 1 hide small angles: of each direction of one, what the other does not hold.
    """
    first, second = (np.linalg.qr(matrix.astype(np.float64))[0] for matrix in (one, other))
    sines = np.linalg.svd(first - second @ (second.T @ first), compute_uv=False)[::-1]
    return np.degrees(np.arcsin(np.clip(sines, 0, 1)))


def build(family: str, dimensions: int, codes: int, hidden: int) -> keras.Model:
    """An autoencoder through `codes` numbers: linear, or with a hidden tanh layer on each side."""
    point = x = keras.Input((dimensions,))
    if family == "nonlinear":
        x = keras.layers.Dense(hidden, "tanh", name="encoder_hidden")(x)
    x = keras.layers.Dense(codes, use_bias=family == "nonlinear", name="code")(x)
    if family == "nonlinear":
        x = keras.layers.Dense(hidden, "tanh", name="decoder_hidden")(x)
    return keras.Model(point, keras.layers.Dense(dimensions, use_bias=family == "nonlinear", name="answer")(x))


class Angles(keras.callbacks.Callback):
    """The largest angle between a linear autoencoder's decoder and PCA's subspace, after every epoch."""

    def __init__(self, directions: np.ndarray) -> None:
        super().__init__()
        self.directions, self.degrees = directions, []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        kernel = keras.ops.convert_to_numpy(self.model.get_layer("answer").kernel)
        self.degrees.append(float(principal_angles(kernel.T, self.directions)[-1]))


def train(
    model: keras.Model, points: np.ndarray, epochs: int, steps: int, rate: float, directions: np.ndarray
) -> list[float]:
    """Adam on all points at once, along a cosine to zero; the angles after each epoch of `steps` steps."""
    schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * steps)
    model.compile(keras.optimizers.Adam(schedule), "mse", jit_compile=False, steps_per_execution=steps)
    angles = Angles(directions)
    tiled = np.tile(points, (steps, 1))
    model.fit(tiled, tiled, batch_size=len(points), epochs=epochs, shuffle=False, verbose=0, callbacks=[angles])
    return angles.degrees


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    codes: Sequence[int] = (1, 2, 3),
    count: int = 256,
    dimensions: int = 8,
    hidden: int = 24,
    epochs: int = 24,
    steps: int = 100,
    rate: float = 0.02,
) -> list[dict[str, Any]]:
    """Trains a linear and a nonlinear autoencoder for each number of codes.

    Args:
        out: folder for autoencoders.png and autoencoders.csv.
        codes: numbers that a point goes through.
        count, dimensions: points, and those of the space they lie in.
        hidden: units of the nonlinear one's hidden layers.
        epochs, steps: times that the angles are taken, and steps of Adam between them.
        rate: of Adam at the start.

    Returns:
        One row a family, number of codes and epoch (for PCA, the last alone): family, codes, step, angle (the largest
        principal angle to PCA's subspace in degrees; of linear ones), error (mean squared, over the data's variance; after
        the last step).
    """
    points = helix(count, dimensions)
    directions, power = components(points), float((points**2).mean())
    rows, shown = [], {}
    for number in codes:
        basis = directions[:, :number]
        answers = {"PCA": points @ basis @ basis.T}
        rows.append(
            {"family": "PCA", "codes": number, "step": "", "angle": "", "error": _error(answers["PCA"], points, power)}
        )
        for family in ("linear", "nonlinear"):
            keras.utils.set_random_seed(0)
            model = build(family, dimensions, number, hidden)
            angles = train(model, points, epochs, steps, rate, basis)
            answers[family] = keras.ops.convert_to_numpy(model(points))
            for epoch, angle in enumerate(angles, 1):
                row = {"family": family, "codes": number, "step": epoch * steps, "angle": "", "error": ""}
                rows.append({**row, **({"angle": angle} if family == "linear" else {})})
            rows[-1]["error"] = _error(answers[family], points, power)
            if family == "linear":
                say(f"{number} codes: the linear autoencoder's subspace is {angles[-1]:.1g} degrees from PCA's")
        shown = shown or answers
        last = {row["family"]: row["error"] for row in rows if row["codes"] == number and row["error"] != ""}
        say(f"{number} codes, error: " + ", ".join(f"{family} {error:.2%}" for family, error in last.items()))
    turned = {family: answer @ directions for family, answer in shown.items()}
    save_figure(out, "autoencoders", rows, draw(rows, points @ directions, turned))
    return rows


def _error(answer: np.ndarray, points: np.ndarray, power: float) -> float:
    return float(((answer - points) ** 2).mean() / power)


def draw(rows: Sequence[dict[str, Any]], points: np.ndarray, answers: dict[str, np.ndarray]) -> Figure:
    """The data and what comes back through one number, the angles by step, and the errors by codes.

    Args:
        rows: of `run`; `points` and `answers`: along PCA's directions, the answers of the smallest number of codes.
    """
    remark = f"Points along a turn of a helix in {points.shape[1]} dimensions, with a little noise."
    figure, (space, angle, error) = sheet(3, "PCA and autoencoders", remark)
    space.scatter(points[:, 0], points[:, 1], s=7, color=QUIET, label="data")
    for family, width in (("PCA", 5), ("linear", 1.6), ("nonlinear", 2)):
        space.plot(*answers[family][:, :2].T, color=COLOURS[family], linewidth=width, label=family)
    space.set(title="back from one number", xlabel="first component", ylabel="second component", aspect="equal")
    space.legend(frameon=False, fontsize=9, loc="best")
    codes = sorted({row["codes"] for row in rows})
    ends = []
    for number in codes:
        own = [row for row in rows if (row["family"], row["codes"]) == ("linear", number)]
        angle.plot([row["step"] for row in own], [max(row["angle"], 1e-6) for row in own], color=BLUE, linewidth=1.6)
        ends.append((f"{number}", own[-1]["step"], max(own[-1]["angle"], 1e-6), BLUE))
    angle.set_yscale("log")
    angle.set(title="linear: largest angle to PCA's subspace, degrees", xlabel="step; by number of codes")
    label_ends(angle, ends)
    _errors(error, rows, codes)
    for axes in (space, angle, error):
        axes.title.set_fontsize(10)
    return figure


def _errors(axes: Axes, rows: Sequence[dict[str, Any]], codes: Sequence[int]) -> None:
    for place, (family, colour) in enumerate(COLOURS.items()):
        errors = [
            next(
                row["error"] for row in rows if (row["family"], row["codes"]) == (family, number) and row["error"] != ""
            )
            for number in codes
        ]
        places = np.arange(len(codes)) + 0.27 * (place - 1)
        axes.bar(places, [100 * value for value in errors], 0.25, color=colour, label=family)
    axes.set_yscale("log")
    axes.set_xticks(range(len(codes)), [str(number) for number in codes])
    axes.set(title="squared error, % of the variance", xlabel="numbers that the point goes through")
    axes.legend(frameon=False, fontsize=9)
