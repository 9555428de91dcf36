"""Gradients through time: a recurrent net multiplies them by a matrix a step, so they explode or vanish; an LSTM has a highway.

Bengio, Simard & Frasconi, "Learning Long-Term Dependencies with Gradient Descent is Difficult", 1994; Pascanu, Mikolov &
Bengio, "On the difficulty of training Recurrent Neural Networks", 2013, for the spectral radius, clipping and the cliff
(figure 6); Hochreiter & Schmidhuber, "Long Short-Term Memory", 1997; Jozefowicz, Zaremba & Sutskever, 2015, for the forget
bias.

A vanilla net's state is h ← tanh(W h + U x). What a state k steps back does to the state of now is the product of k Jacobians,
diag(1 − h²) W. Without the tanh it is Wᵏ, which grows or shrinks as the k-th power of the spectral radius ρ of W: below 1 it
vanishes, above 1 it explodes. The tanh only ever shrinks, so with it gradients vanish well above ρ = 1, too, the more surely
the more it saturates. An LSTM's cell is c ← f·c + i·g: its state is multiplied by the gate f alone, a number near 1 where
the forget bias is large, whatever the matrices do. Explosions are cut by clipping the gradient to a greatest norm, which keeps
its direction; no clipping brings back what has vanished.

Look at: left, the largest singular value of the product by steps back, for three spectral radii: straight lines on the
logarithmic scale, and tanh beneath the linear net. Middle, the same at the last step by spectral radius: the linear net is
about 1 at ρ = 1, tanh needs nearly twice that radius to get there, and the LSTM's do not fall to 0 with ρ, as every
vanilla net's does: what is left is the forget gate's own power, a half from bias 0, 0.95 from bias 3. Right, a
net of one unit (Pascanu's): the loss by its weight and bias has a cliff; descent without clipping meets it and is thrown out
of the picture by one step; with clipping the step is short, and the way goes on downhill.

All Jacobians are exact, written out in NumPy; the nets have random weights and inputs, averages are over `draws` in
logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.experiments.figures import BLUE, GREEN, INK, ORANGE, QUIET, label_ends, save_figure, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"linear": QUIET, "tanh": ORANGE, "LSTM, forget bias 0": GREEN, "LSTM, forget bias 3": BLUE}
START, RATE, CLIP = (5.0, -2.1), 0.2, 0.2  # of the descent to the cliff: weight and bias, learning rate, greatest norm
_TINY = 1e-300  # below it, a gradient is drawn as this


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def recurrent_matrix(units: int, radius: float, generator: np.random.Generator) -> np.ndarray:
    """units×units, normal, scaled to that spectral radius: its largest eigenvalue's absolute value."""
    matrix = generator.standard_normal((units, units))
    return matrix * (radius / np.abs(np.linalg.eigvals(matrix)).max())


def vanilla_step(
    state: np.ndarray, drive: np.ndarray, matrix: np.ndarray, saturates: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """The next state, and its Jacobian by the last one.

    Args:
        state: of `units`; `drive`: what the input adds before the tanh; `matrix`: units×units, old states in its columns.
        saturates: with tanh; else the net is linear.
    """
    new = matrix @ state + drive
    if not saturates:
        return new, matrix
    new = np.tanh(new)
    return new, (1 - new**2)[:, None] * matrix


def lstm_step(
    state: np.ndarray, drive: np.ndarray, matrices: np.ndarray, biases: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The next state and its Jacobian by the last one; a state is h, then c.

    Args:
        state: of 2·units; `drive`: 4×units, what the input adds to each gate.
        matrices: 4×units×units, of the gates in Keras' order: input, forget, cell, output.
        biases: 4, one a gate.
    """
    h, c = np.split(state, 2)
    i, f, g, o = (
        (np.tanh if place == 2 else sigmoid)(matrices[place] @ h + drive[place] + biases[place]) for place in range(4)
    )
    memory = f * c + i * g
    shown = np.tanh(memory)
    slopes = (i * (1 - i) * g, f * (1 - f) * c, (1 - g**2) * i)
    memory_by_h = sum(slope[:, None] * matrix for slope, matrix in zip(slopes, matrices[:3], strict=True))
    passes = (o * (1 - shown**2))[:, None]
    h_by_h = (shown * o * (1 - o))[:, None] * matrices[3] + passes * memory_by_h
    jacobian = np.block([[h_by_h, passes * np.diag(f)], [memory_by_h, np.diag(f)]])
    return np.concatenate([o * shown, memory]), jacobian


def sizes(cell: str, radius: float, units: int, length: int, seed: int) -> list[tuple[float, float]]:
    """Of the product of the last k Jacobians, k to `length`: the largest singular value, and the root of their mean square."""
    generator = np.random.default_rng(seed)
    gates = 4 if cell.startswith("LSTM") else 1
    matrices = np.stack([recurrent_matrix(units, radius, generator) for _ in range(gates)])
    state = np.zeros(units * (2 if gates == 4 else 1))
    biases = np.array([0, float(cell.rpartition(" ")[2]), 0, 0]) if gates == 4 else None
    jacobians = []
    for _ in range(length):
        drive = generator.standard_normal((gates, units)) * 0.5
        if gates == 4:
            state, jacobian = lstm_step(state, drive, matrices, biases)
        else:
            state, jacobian = vanilla_step(state, drive[0], matrices[0], saturates=cell == "tanh")
        jacobians.append(jacobian)
    product, found = np.eye(len(state)), []
    for jacobian in reversed(jacobians):
        product = product @ jacobian
        found.append((float(np.linalg.norm(product, 2)), float(np.linalg.norm(product) / np.sqrt(len(product)))))
    return found


def cliff(weight: np.ndarray, bias: np.ndarray, steps: int = 50) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pascanu's net of one unit, x ← w·σ(x) + b from 0.5, and its loss (σ(x) − 0.7)², with the gradient by w and b."""
    x = np.full(np.broadcast(weight, bias).shape, 0.5)
    by_weight, by_bias = np.zeros_like(x), np.zeros_like(x)
    for _ in range(steps):
        a = sigmoid(x)
        slope = weight * a * (1 - a)
        x, by_weight, by_bias = weight * a + bias, a + slope * by_weight, 1 + slope * by_bias
    a = sigmoid(x)
    outer = 2 * (a - 0.7) * a * (1 - a)
    return (a - 0.7) ** 2, outer * by_weight, outer * by_bias


def descend(start: tuple[float, float], steps: int, rate: float, clip: float | None) -> np.ndarray:
    """steps×4: weight, bias, loss and norm of the gradient before each step of gradient descent on the cliff."""
    weight, bias, path = *start, []
    for _ in range(steps):
        loss, *gradient = (float(value) for value in cliff(np.array(weight), np.array(bias)))
        norm = float(np.hypot(*gradient))
        path.append((weight, bias, loss, norm))
        share = rate * (min(1.0, clip / norm) if clip else 1.0)
        weight, bias = weight - share * gradient[0], bias - share * gradient[1]
    return np.array(path)


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    radii: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0),
    units: int = 24,
    length: int = 50,
    draws: int = 3,
) -> list[dict[str, Any]]:
    """Multiplies the Jacobians of every cell at every spectral radius.

    Args:
        out: folder for through_time.png and through_time.csv.
        radii: spectral radii of the recurrent matrices (of each of an LSTM's four).
        units: of a state; an LSTM has as many cells.
        length: steps of time.
        draws: nets that are averaged over.

    Returns:
        One row a cell, radius and number of steps back: cell, radius, back, largest (singular value of the product) and spread
        (root of the mean squared singular value), geometric means over the draws.
    """
    rows = []
    for cell in COLOURS:
        for radius in radii:
            found = np.array([sizes(cell, radius, units, length, seed) for seed in range(draws)])
            largest, spread = np.exp(np.log(np.maximum(found, _TINY)).mean(0)).T
            rows += [
                {"cell": cell, "radius": radius, "back": back, "largest": float(one), "spread": float(other)}
                for back, (one, other) in enumerate(zip(largest, spread, strict=True), start=1)
            ]
        ends = [
            f"{row['largest']:.0e} at {row['radius']:g}"
            for row in rows
            if row["cell"] == cell and row["back"] == length
        ]
        say(f"{cell}: {length} steps back, {ends[0]}, {ends[len(ends) // 2]}, {ends[-1]}")
    save_figure(out, "through_time", rows, draw(rows))
    return rows


def draw(rows: Sequence[dict[str, Any]]) -> Figure:
    """By steps back, by spectral radius, and the cliff."""
    remark = "What a state so many steps back does to the state of now: the largest singular value of the product of Jacobians."
    figure, (time, radius, wall) = sheet(3, "Gradients through time", remark)
    _by_time(time, rows)
    _by_radius(radius, rows)
    _cliff(wall)
    for axes in (time, radius, wall):
        axes.title.set_fontsize(10)
    return figure


def _by_time(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    radii = sorted({row["radius"] for row in rows})
    ends = []
    for cell in ("linear", "tanh"):
        for shown in (radii[0], 1.0, radii[-1]) if 1.0 in radii else (radii[0], radii[-1]):
            own = [row for row in rows if (row["cell"], row["radius"]) == (cell, shown)]
            axes.plot([row["back"] for row in own], [row["largest"] for row in own], color=COLOURS[cell], linewidth=1.8)
            ends.append((f"ρ {shown:g}", own[-1]["back"], own[-1]["largest"], COLOURS[cell]))
    axes.set_yscale("log")
    label_ends(axes, ends)
    axes.set(title="by steps back (grey: linear, orange: tanh)", xlabel="steps back")


def _by_radius(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    last = max(row["back"] for row in rows)
    for cell, colour in COLOURS.items():
        own = [row for row in rows if (row["cell"], row["back"]) == (cell, last)]
        axes.plot(
            [row["radius"] for row in own], [row["largest"] for row in own], color=colour, linewidth=1.8, label=cell
        )
    axes.axhline(1, color=INK, linestyle="--", linewidth=1)
    axes.axvline(1, color=INK, linestyle="--", linewidth=1)
    axes.set_yscale("log")
    axes.set(title=f"{last} steps back, by spectral radius", xlabel="spectral radius ρ of the recurrent matrices")
    axes.legend(frameon=False, fontsize=9, loc="lower right")


def _cliff(axes: Axes) -> None:
    weights, biases = np.linspace(4.2, 5.2, 200), np.linspace(-2.6, -1.9, 200)
    loss = cliff(weights[None, :], biases[:, None])[0]
    corners = (weights[0], weights[-1], biases[0], biases[-1])
    axes.imshow(loss, origin="lower", extent=corners, aspect="auto", cmap="Greys", vmin=0, vmax=loss.max() * 1.3)
    for clip, colour, name in ((None, ORANGE, "not clipped"), (CLIP, BLUE, f"clipped to norm {CLIP:g}")):
        path = descend(START, 60, RATE, clip)
        axes.plot(path[:, 0], path[:, 1], color=colour, marker="o", markersize=2.5, linewidth=0.8, label=name)
    axes.set_xlim(corners[:2])
    axes.set_ylim(corners[2:])
    axes.grid(False)
    axes.set(title="loss of one unit over 50 steps, dark is high", xlabel="weight", ylabel="bias")
    axes.legend(frameon=False, fontsize=9, loc="upper right")
