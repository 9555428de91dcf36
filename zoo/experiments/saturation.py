"""Saturation: a sigmoid that is surely wrong learns nothing from squared error, and everything from cross-entropy.

Nielsen, "Neural Networks and Deep Learning", 2015, chapter 3; Glorot & Bengio, "Understanding the difficulty of training deep
feedforward neural networks", 2010, section 4, for the plateaus.

One unit, a = σ(z), whose answer is to be 0. Squared error (a − y)²/2 has the gradient (a − y)·a·(1 − a) by z: the slope of the
sigmoid stands in it, and where the unit is saturated that is next to nothing, however wrong the unit is. Cross-entropy
has a − y: its logarithm cancels the slope, so the more wrong, the more is learnt. Learning the one takes exponentially many
steps in the start's distance, the other's grow in proportion to it.

A third line is a trap of practice: cross-entropy of probabilities, as a net that ends in a sigmoid has it. Mathematically
it is the second; in float32 the sigmoid rounds to 1 and the loss clips it, as its logarithm would be of 0, so beyond some z
its gradient is exactly zero. (Keras' own loss on TensorFlow looks for the sigmoid in the graph and takes what went in; on
JAX and PyTorch it does not.) From logits (`from_logits=True`) nothing is lost, which is why the zoo's networks end in
logits.

Look at: left, gradients by z, as automatic differentiation gives them in float32 and (thin, beneath) as the formulas say:
squared error rises, and falls off; cross-entropy goes to 1 and stays there from logits, but drops to zero from
probabilities. Right, the steps of gradient descent until the answer is below 0.1, from each start, on a logarithmic scale.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.experiments.figures import BLUE, GREEN, INK, ORANGE, save_figure, sheet
from zoo.experiments.gradients import input_gradient

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"squared error": ORANGE, "cross-entropy of probabilities": GREEN, "cross-entropy from logits": BLUE}
LEARNT = 0.1  # the answer, which is to be 0
_THICK = {"cross-entropy from logits": 4.5}  # beneath the line that it shares most of its way with


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


FORMULAS = {
    "squared error": lambda z: sigmoid(z) ** 2 * (1 - sigmoid(z)),
    "cross-entropy of probabilities": sigmoid,
    "cross-entropy from logits": sigmoid,
}


def gradients(z: np.ndarray) -> dict[str, np.ndarray]:
    """d loss / d z of each loss at each z, by automatic differentiation in float32; the truth is 0."""
    logit = keras.Input((1,))
    keep, squash = (keras.Model(logit, keras.layers.Activation(name)(logit)) for name in ("linear", "sigmoid"))
    truth = np.zeros((len(z), 1), np.float32)
    losses = {
        "squared error": (squash, lambda answer: keras.ops.sum(answer**2) / 2),
        "cross-entropy of probabilities": (squash, _of_probabilities),
        "cross-entropy from logits": (keep, lambda answer: _from_logits(truth, answer)),
    }
    points = z.astype(np.float32)[:, None]
    return {name: input_gradient(model, points.shape, loss)(points)[:, 0] for name, (model, loss) in losses.items()}


def _of_probabilities(answer: Any) -> Any:
    """Cross-entropy from the truth 0, clipped as losses clip it."""
    least = keras.config.epsilon()
    return -keras.ops.sum(keras.ops.log(1 - keras.ops.clip(answer, least, 1 - least)))


def _from_logits(truth: np.ndarray, answer: Any) -> Any:
    return keras.ops.sum(keras.losses.binary_crossentropy(truth, answer, from_logits=True))


def steps(gradient: Callable[[np.ndarray], np.ndarray], z: np.ndarray, rate: float, most: int) -> np.ndarray:
    """Steps of gradient descent on weight and bias, at input 1, until the answer is `LEARNT`; −1 where `most` are too few.

    The unit's z is weight + bias, and both get the same gradient, so z moves by twice the rate times it.
    """
    z, needed = z.astype(np.float64).copy(), np.full(len(z), -1)
    for step in range(most + 1):
        needed[(needed < 0) & (sigmoid(z) < LEARNT)] = step
        if (needed >= 0).all():
            break
        z -= 2 * rate * gradient(z)
    return needed


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    reach: float = 20.0,
    points: int = 41,
    rate: float = 0.15,
    most: int = 20_000,
) -> list[dict[str, Any]]:
    """Takes the gradients and counts the steps.

    Args:
        out: folder for saturation.png and saturation.csv.
        reach: the greatest z, where the unit is most wrong; the smallest is −4.
        points: values of z.
        rate: of gradient descent, the same for all.
        most: steps that are waited for.

    Returns:
        One row a loss and z: loss, z, answer (σ(z)), gradient (measured), formula, steps (by the formula; empty where `most`
        were too few, or where the measured gradient is zero and there will never be enough).
    """
    z = np.linspace(-4, reach, points)
    rows = []
    for name, measured in gradients(z).items():
        needed = steps(FORMULAS[name], z, rate, most)
        rows += [
            {
                "loss": name,
                "z": round(float(at), 4),
                "answer": float(sigmoid(at)),
                "gradient": float(measured[place]),
                "formula": float(FORMULAS[name](at)),
                "steps": "" if needed[place] < 0 or measured[place] == 0 else int(needed[place]),
            }
            for place, at in enumerate(z)
        ]
        learnt = [row["z"] for row in rows if row["loss"] == name and row["steps"] != ""]
        say(f"{name}: learnt within {most:,} steps from any z up to {max(learnt):g}")
    save_figure(out, "saturation", rows, draw(rows, rate, most))
    return rows


def draw(rows: list[dict[str, Any]], rate: float, most: int) -> Figure:
    """Left: gradient by z. Right: steps until it is learnt."""
    figure, (left, right) = sheet(2, "Saturation", "One sigmoid unit that is to answer 0, and says σ(z).")
    for name in reversed(COLOURS):
        own = [row for row in rows if row["loss"] == name]
        style = {"color": COLOURS[name], "linewidth": _THICK.get(name, 2), "alpha": 0.5 if name in _THICK else 1}
        z = [row["z"] for row in own]
        left.plot(z, [row["gradient"] for row in own], label=name, **style)
        left.plot(z, [row["formula"] for row in own], color=INK, linewidth=0.6, linestyle=":")
        learnt = [row for row in own if row["steps"] != ""]
        right.plot([row["z"] for row in learnt], [max(row["steps"], 0.8) for row in learnt], **style)
    left.legend(frameon=False, fontsize=9, loc="center right", bbox_to_anchor=(0.79, 0.55))
    left.set(title="gradient of the loss by z (dotted: the formulas)", xlabel="z: the further right, the more wrong")
    right.axhline(most, color=INK, linestyle="--", linewidth=1)
    right.set_yscale("log")
    right.set(title=f"steps to learn, rate {rate:g} (dashed: given up)", xlabel="z at the start")
    for axes in (left, right):
        axes.title.set_fontsize(10)
    return figure
