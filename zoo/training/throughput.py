"""Throughput: the images a second that a run learns from, and what share of the chip's speed that is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.analysis.macs import macs
from zoo.errors import InputError
from zoo.training import distribution

if TYPE_CHECKING:
    from zoo.training.batch_source import BatchSource
    from zoo.training.config import TrainingConfig

STEP = 3  # times the multiply-accumulates of an answer: that, the gradient of what came in, and the gradient of the weights
SIDES = {True: 768, False: 8192}  # of the matrices, on a CPU and on an accelerator: large enough for its peak
CHAIN, REPEATS = 4, 5


def throughput_summary(
    network: keras.Model, source: BatchSource, config: TrainingConfig, epoch_seconds: Sequence[tuple[int, float]]
) -> str | None:
    """One line on the images a second, the loading of the data included, and the share of the chip's peak.

    The median over the epochs with batches of the size of the last, but the first of them, which also compiles. None where
    there is no other.

    Args:
        network: as it is trained.
        source: its batches.
        config: of the run.
        epoch_seconds: (epoch from 0, seconds of training in it) of those that this call has run.
    """
    size = config.size_in(epoch_seconds[-1][0]) if epoch_seconds else None
    counted = [seconds for epoch, seconds in epoch_seconds if config.size_in(epoch) == size][1:]
    if not counted:
        return None
    images, _ = source.batch(epoch_seconds[-1][0], 0)
    rate = len(images) * len(source) / float(np.median(counted))
    height, width = images.shape[1:3]
    line = f"{rate:.3g} images/s of {height}×{width} in training"
    try:
        work = STEP * macs(network, (height, width)) * rate
    except InputError:
        return line  # a layer of the caller's own, whose arithmetic nobody knows
    share = work / (peak(config.precision) * distribution.replicas())
    return f"{line}: {work / 1e9:.3g} GMAC/s, {100 * share:.2g} % of what a {config.precision} matrix product reaches here"


def peak(precision: str) -> float:
    """Multiply-accumulates a second of a matrix product on one device of the backend, measured now: the best of some."""
    side = SIDES[distribution.on_cpu()]
    drawn = np.random.default_rng(0).standard_normal((side, side), dtype=np.float32) / side**0.5
    matrix = keras.ops.cast(drawn, precision)
    times = []
    for _ in range(1 + REPEATS):
        began, product = time.perf_counter(), matrix
        for _ in range(CHAIN):
            product = keras.ops.matmul(product, matrix)
        keras.ops.convert_to_numpy(keras.ops.cast(product[:1], "float32"))  # waits for an accelerator to be done
        times.append(time.perf_counter() - began)
    return CHAIN * side**3 / min(times[1:])
