"""`zoo.train`: Keras's own `fit`, with everything around it that a long run needs."""

from __future__ import annotations

import functools
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.errors import InputError, unknown
from zoo.evaluation.evaluate import Evaluation, NetworkScorer, check_fit, score, task_of
from zoo.layers import inference, supervised, trained_spec
from zoo.losses import Distillation, class_weights_from, prepared
from zoo.outputs import OutputSpec
from zoo.training import distribution
from zoo.training.batch_source import BatchSource
from zoo.training.callback import LossNotFinite, RunCallback
from zoo.training.checkpoints import write_whole
from zoo.training.config import TrainingConfig
from zoo.training.history import draw_curves
from zoo.training.jit import compiles
from zoo.training.mixed_precision import computing_in, holding_batchnorm
from zoo.training.optimizers import WarmUp, make_optimizer, shares_of, warmup_steps
from zoo.training.recalibration import settle_best
from zoo.training.teacher import Teacher
from zoo.training.throughput import pace

if TYPE_CHECKING:
    from zoo.data import Dataset
    from zoo.tasks import Task


@dataclass(frozen=True)
class Result:
    """What a training run came to. The model itself holds the best weights.

    Attributes:
        rows: one dict per epoch: epoch (from 1), loss, learning_rate (at its end), val_… scores, seconds.
        best: {"epoch", "metric", "score"} of the weights that the model now has; None if no epoch was finished. With
            `settle` also "settled": the score after it, and whether that was "kept".
        stopped: why the run ended before its last epoch; None if it did not.
        folder: where checkpoints, logs and the model lie, or None.
        seconds: of this call.
    """

    rows: list[dict[str, float]]
    best: dict[str, Any] | None
    stopped: str | None
    folder: Path | None
    seconds: float

    @property
    def history(self) -> dict[str, list[float]]:
        """The rows as columns, like Keras's History."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        return {name: [row[name] for row in self.rows if name in row] for name in names}


def train(
    model: keras.Model,
    train_data: Dataset | keras.utils.PyDataset,
    val_data: Dataset | None = None,
    **settings: Any,
) -> Result:
    """Trains a model in place and leaves the best weights in it.

    Killed at any moment and called again with the same arguments it goes on from the last finished epoch, and ends
    with the weights that it would have had. In its folder: checkpoint-….npz, best.weights.h5, model.keras (the best),
    log.csv, tensorboard/, curves.png, and nan_batch.npz if the loss became NaN.

    Auxiliary heads (`zoo.layers.AuxiliaryHeads`) learn from the same targets: the loss is that of the logits and, by their
    weights, that of each head. They are in every checkpoint; model.keras is the network without them.

    Args:
        model: of this zoo, whatever its head: it is trained on its logits; or any Keras model that gives logits.
        train_data: a data set; or a PyDataset of (images, targets), whose batches are taken as they are.
        val_data: chooses the best epoch by the task's headline (mIoU, one confusion matrix over all of it); without
            it the training loss chooses.
        settings: `epochs`, and what else `zoo.training.config.TrainingConfig` lists and explains.

    Raises:
        InputError: a setting that is unknown or out of range, data that do not fit the model, a folder whose
            checkpoints are of other settings or all damaged.
        KeyboardInterrupt: passed on, with the model and the folder as of the last finished epoch.
    """
    began = time.monotonic()
    told = _checked(settings)
    _check_model(model, told)
    distribution.check_batch(told.batch_size)
    with in_training(model, train_data, told) as (network, feed, task):
        validate = _validation(network, trained_spec(model), val_data, told, task)
        facts = {"data": feed.facts(), "val_data": None if val_data is None else val_data.name}
        if feed.teacher is not None:
            facts["teacher"] = feed.teacher.fingerprint()
        keeper = RunCallback(model, network, feed, told, validate, facts)
        keeper.begin()
        stopped = _fit(network, feed, keeper, told)
        keeper.take_best()
        if told.settle is not None and stopped is None:
            settle_best(network, keeper, feed, told, validate)
        if told.verbose and (line := pace(network, feed, told, keeper.took)):
            print(line)
    _leave(model, keeper, told, task)
    return Result(keeper.rows, keeper.best, stopped, keeper.folder, time.monotonic() - began)


@contextmanager
def in_training(
    model: keras.Model, data: Dataset | keras.utils.PyDataset, told: TrainingConfig
) -> Iterator[tuple[keras.Model, BatchSource, Task]]:
    """A model as `fit` trains it: the network up to its logits, compiled, and what it is fed. Undone afterwards."""
    network, weights = supervised(model)
    feed = BatchSource(data, told, outputs=len(weights))
    task = task_of(model, feed.dataset)
    feed.teacher = None if told.teacher is None else Teacher(told.teacher, model)
    with closing(feed), computing_in(model, told.precision), holding_batchnorm(model, told.frozen_batchnorm):
        _compile(network, trained_spec(model), weights, told, feed, task)
        yield network, feed, task


def _checked(settings: dict[str, Any]) -> TrainingConfig:
    known = [field.name for field in fields(TrainingConfig)]
    for name in settings:
        if name not in known:
            raise unknown("training setting", name, known)
    if "epochs" not in settings:
        raise InputError("epochs is missing: how many times should training see the data?")
    return TrainingConfig(**settings)


def _check_model(model: keras.Model, told: TrainingConfig) -> None:
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None) or len(model.outputs) != 1:
        raise InputError(f"{model!r} cannot be trained here; expected a functional keras.Model with one output")
    own = tuple(model.input_shape[1:3])
    if told.sizes is not None and None not in own:
        raise InputError(f"sizes={dict(told.sizes)}: {model.name} was built for {own[0]}×{own[1]} and takes no other")
    if told.size is not None and len(own) == 2 and None not in own and own != tuple(told.size):
        raise InputError(f"size={told.size}: {model.name} was built for {own[0]}×{own[1]} and takes no other")


def _compile(
    network: keras.Model,
    spec: OutputSpec,
    weights: list[float],
    told: TrainingConfig,
    feed: BatchSource,
    task: Task,
) -> None:
    """Gives the network its loss, on each output by its weight, and its optimiser, built; and the feed the loss's wishes."""
    if feed.dataset is not None:
        check_fit(network, spec, feed.dataset, task)
    steps = told.epochs * len(feed)
    rate = WarmUp(told.learning_rate, steps, warmup_steps(told.warmup, len(feed), told.epochs), told.schedule)
    variables = network.trainable_variables
    if not variables:
        raise InputError(f"{network.name} has nothing to train: every layer's `trainable` is False")
    optimizer = make_optimizer(
        told.optimizer,
        rate,
        told.weight_decay,
        told.clipnorm,
        told.ema,
        variables,
        scaled=told.precision == "float16",
        shares=None if told.rates is None else shares_of(told.rates, network, variables),
    )
    loss = told.loss or task.loss(spec, feed.ignore, _class_weights(told, feed))
    if told.teacher is not None:
        loss = Distillation(loss, told.temperature, told.teacher_weight)
    feed.prepare = functools.partial(prepared, loss, classes=spec.channels)
    network.compile(
        optimizer=optimizer,
        loss=[loss] * len(weights),
        loss_weights=weights,
        jit_compile=compiles(told.jit),
        auto_scale_loss=False,
    )
    distribution.admit(network)


def _class_weights(told: TrainingConfig, feed: BatchSource) -> np.ndarray | None:
    """The weights, counted where a rule was named."""
    if not isinstance(told.class_weights, str):
        return told.class_weights
    if feed.dataset is None:
        raise InputError(
            f"class_weights={told.class_weights!r} needs a Dataset to count; give an array with these batches"
        )
    return class_weights_from(feed.dataset, told.class_weights)


def _validation(
    network: keras.Model, spec: OutputSpec, data: Dataset | None, told: TrainingConfig, task: Task
) -> Callable[[], Evaluation] | None:
    if data is None:
        return None
    # Learnt on crops of the pictures' own pixels, a network is judged on whole pictures at that scale.
    like_training = None if getattr(told.augment, "native", False) else told.size
    scorer = NetworkScorer(network, data, told.val_size or like_training, spec, task)
    return lambda: score(scorer, data, told.batch_size, workers=told.workers)


def _fit(network: keras.Model, feed: BatchSource, keeper: RunCallback, told: TrainingConfig) -> str | None:
    """Runs the epochs that are left; gives the reason if they were not all run."""
    try:
        while keeper.epoch < told.epochs and keeper.stopped is None:
            # Once for each size of batches: Keras asks for the shape of an epoch's data but once a call.
            later = [first for first in told.sizes or () if first > keeper.epoch]
            feed.epoch = keeper.epoch
            network.fit(
                feed,
                initial_epoch=keeper.epoch,
                epochs=min([told.epochs, *later]),
                shuffle=False,
                verbose=told.verbose,
                callbacks=[keeper],
            )
            if told.ema is not None and keeper.epoch in later:
                keeper.rewind()  # from the average, which Keras leaves in the network at the end of a call
    except LossNotFinite as error:
        reason = f"{error}{_save_batch(feed, keeper.folder, error)}"
        warnings.warn(f"training stopped: {reason}", RuntimeWarning, stacklevel=3)
        return reason
    except KeyboardInterrupt:
        keeper.rewind()
        where = "nothing was kept (no folder=)" if keeper.folder is None else f"they are kept in {keeper.folder}"
        advice = "" if keeper.folder is None else "; call again with the same arguments to go on"
        print(f"\ninterrupted: {keeper.epoch} of {told.epochs} epochs are finished, {where}{advice}")
        raise
    except Exception as error:
        if feed.error is not None and feed.error is not error:
            raise feed.error from None  # a backend's wrapping of it is pages long and says no more
        raise
    return keeper.stopped


def _save_batch(feed: BatchSource, folder: Path | None, where: LossNotFinite) -> str:
    """Keeps the batch that spoilt the loss and says what is wrong with it, if it shows."""
    images, targets = feed.batch(where.epoch, where.batch)
    notes = []
    if not np.isfinite(images).all():
        notes.append("its images hold NaN or infinity")
    classes = None if feed.dataset is None else len(feed.dataset.classes)
    odd = sorted({int(v) for v in np.unique(targets) if v != feed.ignore and (v < 0 or (classes and v >= classes))})
    if odd:
        notes.append(f"its targets hold {odd[:5]}, which are no classes" + (f" of 0..{classes - 1}" if classes else ""))
    if not notes:
        notes.append("its images and targets are in order, so the weights diverged: try a lower learning_rate")
    if folder is not None:
        path = folder / "nan_batch.npz"
        facts = {"epoch": where.epoch + 1, "batch": where.batch + 1}
        write_whole(path, lambda file: np.savez_compressed(file, images=images, targets=targets, **facts))
        notes.append(f"the batch is in {path}")
    return "".join(f"; {note}" for note in notes)


def _leave(model: keras.Model, keeper: RunCallback, told: TrainingConfig, task: Task) -> None:
    """The best model and the picture of the run, in the folder."""
    if keeper.folder is None:
        return
    unfinished = keeper.folder / ".part.model.keras"
    inference(model).save(unfinished)
    os.replace(unfinished, keeper.folder / "model.keras")
    if keeper.rows:
        draw_curves(keeper.folder / "curves.png", keeper.rows, task.headline, f"{model.name}, {told.optimizer}")
