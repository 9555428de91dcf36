"""What the losses of a training step cost, as a share of the step: networks with auxiliary heads have one loss a head.

    python benchmarks/loss_share.py

A step is the forward pass, the losses and the slopes of all weights, on seeded noise; the losses alone are timed on answers
that lie there already, their slopes included. `of_keras` is the same with the cross-entropy that Keras takes. Figures are
processor time of all threads, each the least over the rounds, in which the contestants take turns. TensorFlow only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import typer
from rows import Row, write_table

COLUMNS = (
    "network", "size", "batch", "classes", "losses", "step_ms", "losses_ms", "share", "losses_of_keras_ms", "share_of_keras",
    "machine",
)  # fmt: skip
CASES: tuple[tuple[str, dict[str, Any], tuple[int, int], int], ...] = (
    ("pocket_seg", {"auxiliary": (8, 16)}, (240, 320), 4),
    ("unet", {}, (96, 128), 8),
)
CLASSES = 11


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 8,
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/loss_share.csv"),
) -> None:
    """Let them take turns."""
    from zoo.training.recipe_runner import machine

    rows = [row(*case, rounds) | {"machine": machine()} for case in CASES]
    print(*rows, sep="\n")
    write_table(out, COLUMNS, rows)


def row(name: str, options: dict[str, Any], size: tuple[int, int], batch: int, rounds: int) -> Row:
    """One network's figures."""
    import keras
    import numpy as np
    import tensorflow as tf

    import zoo
    from zoo.layers import supervised
    from zoo.losses import SegmentationCrossEntropy

    keras.utils.set_random_seed(0)
    network, weights = supervised(zoo.build(name, CLASSES, input_shape=(None, None, 3), **options))
    rng = np.random.default_rng(0)
    images = tf.constant(rng.uniform(0, 255, (batch, *size, 3)).astype(np.float32))
    masks = tf.constant(rng.integers(0, CLASSES, (batch, *size)).astype(np.int32))
    answers = [tf.constant(rng.normal(size=(batch, *size, CLASSES)).astype(np.float32)) for _ in weights]

    def of_keras(truth: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(keras.ops.sparse_categorical_crossentropy(truth, logits, from_logits=True))

    def total(loss: Callable[..., tf.Tensor], logits: list[tf.Tensor]) -> tf.Tensor:
        return tf.add_n([weight * loss(masks, each) for weight, each in zip(weights, logits, strict=True)])

    def step() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            value = total(SegmentationCrossEntropy(), list(tf.nest.flatten(network(images, training=True))))
        return tape.gradient(value, network.trainable_variables)

    def losses(loss: Callable[..., tf.Tensor]) -> Callable[[], list[tf.Tensor]]:
        def alone() -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(answers)
                value = total(loss, answers)
            return tape.gradient(value, answers)

        return alone

    contestants = {"step": step, "losses": losses(SegmentationCrossEntropy()), "losses_of_keras": losses(of_keras)}
    least = race({name: tf.function(work, jit_compile=False) for name, work in contestants.items()}, rounds)
    rest = least["step"] - least["losses"]
    figures = {f"{name}_ms": round(1000 * seconds, 1) for name, seconds in least.items()}
    theirs = least["losses_of_keras"]
    shares = {"share": least["losses"] / least["step"], "share_of_keras": theirs / (rest + theirs)}
    facts = {"network": name, "size": "x".join(map(str, size)), "batch": batch, "classes": CLASSES, "losses": len(weights)}
    return {**facts, **figures, **{key: round(share, 3) for key, share in shares.items()}}


def race(contestants: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The least processor seconds of each; the first two rounds, which trace and warm up, do not count."""
    least = dict.fromkeys(contestants, float("inf"))
    for number in range(2 + rounds):
        for name, work in contestants.items():
            began = time.process_time()
            work()
            if number > 1:
                least[name] = min(least[name], time.process_time() - began)
    return least


if __name__ == "__main__":
    typer.run(main)
