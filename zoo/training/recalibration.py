"""Batch normalisation measured anew at the end of a run, on whole pictures such as the network will be asked about.

Its moving averages are of augmented crops and of weights that were still changing, and a moving average of the weights has
seen none of its own (Wu & Johnson, "Rethinking 'Batch' in BatchNorm", 2021: "precise" statistics).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.errors import InputError
from zoo.metrics import Score
from zoo.training.batchnorm import recalibrate

if TYPE_CHECKING:
    from zoo.data import Dataset
    from zoo.evaluation.evaluate import Evaluation
    from zoo.training.batch_source import BatchSource
    from zoo.training.callback import RunCallback
    from zoo.training.config import TrainingConfig


def settle_best(
    network: keras.Model,
    keeper: RunCallback,
    feed: BatchSource,
    told: TrainingConfig,
    validate: Callable[[], Evaluation] | None,
) -> None:
    """Recalibrates the best weights, which the model holds, and takes it back where validation is worse for it.

    Raises:
        InputError: the run has batches of its own and no data set.
    """
    if keeper.best is None:
        return
    if feed.dataset is None:
        raise InputError(f"settle={told.settle} needs a Dataset to take images from; these batches are made already")
    before = [keras.ops.convert_to_numpy(variable) for variable in network.variables]
    native = getattr(told.augment, "native", False)
    recalibrate(network, _pictures(feed.dataset, told, told.val_size or (None if native else told.size)))
    if validate is None:
        return
    headline = validate().headline
    score = headline.value
    kept = not Score(headline.name, keeper.best["score"], headline.unit, headline.higher_is_better).better_than(score)
    if not kept:
        for variable, value in zip(network.variables, before, strict=True):
            variable.assign(value)
    keeper.best = {**keeper.best, "settled": score, "kept": kept}


def _pictures(dataset: Dataset, told: TrainingConfig, size: tuple[int, int] | None) -> Iterator[np.ndarray]:
    """Batches float32 N×H×W×3 of images spread evenly over the data; one at a time where they keep their own size."""
    from zoo.data import spread
    from zoo.data.transforms.geometric import resize

    count = min(told.settle or 0, len(dataset))
    chosen = spread(count, len(dataset))
    together = 1 if size is None else told.batch_size
    for first in range(0, count, together):
        images = [dataset[index].image for index in chosen[first : first + together]]
        yield np.stack([resize(image, size) for image in images]).astype(np.float32)
