"""Trainer: `zoo.train`, Keras's own `fit` with everything around it that a long run needs."""

from __future__ import annotations

import functools
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.data.dataset import need_dataset
from zoo.data.transforms.augment import Augment
from zoo.data.transforms.crops import Crops
from zoo.errors import InputError, unknown
from zoo.evaluation.evaluate import Evaluation, NetworkScorer, check_fit, score, task_of, trained_specs
from zoo.layers import fed, inference, supervised
from zoo.losses import prepared
from zoo.outputs import OutputSpec
from zoo.training import distribution
from zoo.training.batch_source import BatchSource, Targets
from zoo.training.batchnorm import recalibrate_best
from zoo.training.callback import LossNotFinite, RunCallback
from zoo.training.checkpoints import write_whole
from zoo.training.config import TrainingConfig, with_current_names
from zoo.training.foreign_models import ending_of, functional, without_activation
from zoo.training.history import draw_curves
from zoo.training.jit import compiles
from zoo.training.mixed_precision import computing_in, holding, holding_batchnorm
from zoo.training.optimizers import WarmUp, make_optimizer, shares_of, warmup_steps
from zoo.training.teacher import Teacher
from zoo.training.throughput import throughput_summary
from zoo.training.watch import TargetWatch

if TYPE_CHECKING:
    from zoo.data import Dataset
    from zoo.tasks import Task


@dataclass(frozen=True)
class Result:
    """The result of a training run. The model itself holds the best weights.

    Attributes:
        rows: one dict per epoch: epoch (from 1), loss, learning_rate (at its end), val_… scores, seconds.
        best: {"epoch", "metric", "score"} of the weights that the model now has; None if no epoch was finished. With
            `recalibrate_batchnorm` also "recalibrated": the score after it, and "recalibration_kept": whether it was no worse.
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
    weights, that of each head. They are in every checkpoint; model.keras is the network without them. A model of several
    outputs, a dict by the names in their `ModelOutput` layers, learns from a dict of targets by the same names, each output
    by its own loss.

    Args:
        model: of this zoo, whatever its output: it is trained on what comes before the activation; or any Keras model over a
            graph, a Sequential too, likewise: a softmax that it ends in is left out while it trains.
        train_data: a data set; or a PyDataset of (images, targets), whose batches are taken as they are.
        val_data: chooses the best epoch by the task's headline score, over all of it; without it the training loss chooses.
        settings: `epochs`, and what else `zoo.training.config.TrainingConfig` lists and explains.

    Raises:
        InputError: a setting that is unknown or out of range, data that do not fit the model, a folder whose
            checkpoints are of other settings or all damaged.
        KeyboardInterrupt: passed on, with the model and the folder as of the last finished epoch.
    """
    began = time.monotonic()
    config = _checked(settings)
    model = functional(model)
    _check_size(model, config)
    if val_data is not None:
        need_dataset(val_data, "val_data")
    distribution.check_batch(config.batch_size)
    for layer in model.layers:
        if hasattr(layer, "check_batch"):  # one that carries something on from batch to batch
            layer.check_batch(config.batch_size)
    with in_training(model, train_data, config) as (network, source, task):
        validate = _validation(model, network, val_data, config, task)
        facts = {"data": source.facts(), "val_data": None if val_data is None else val_data.name}
        if source.teacher is not None:
            facts["teacher"] = source.teacher.fingerprint()
        callback = RunCallback(model, network, source, config, validate, facts)
        callback.begin()
        stopped = _fit(network, source, callback, config, functools.partial(_bad_targets, trained_specs(model, task), task))
        callback.take_best()
        if config.recalibrate_batchnorm is not None and stopped is None:
            recalibrate_best(network, callback, source, config, validate)
        if config.verbose and (line := throughput_summary(network, source, config, callback.epoch_seconds)):
            print(line)
    _save_results(model, callback, config, task)
    return Result(callback.rows, callback.best, stopped, callback.folder, time.monotonic() - began)


@contextmanager
def in_training(
    model: keras.Model, data: Dataset | keras.utils.PyDataset, config: TrainingConfig
) -> Iterator[tuple[keras.Model, BatchSource, Task]]:
    """A model as `fit` trains it: the network up to its logits, compiled, and its batches. Undone afterwards."""
    network, weights = supervised(model)
    source = BatchSource(data, config, repeats=None if isinstance(weights, dict) else len(weights))
    source.feed = functools.partial(fed, network)
    task = task_of(model, source.dataset)
    specs = trained_specs(model, task)
    if isinstance(config.augment, (Augment, Crops)) and not task.stretches:
        what = type(config.augment).__name__
        raise InputError(f"augment={what}(…): {model.name} reads numbers of words, which are no grey levels; leave it out")
    if source.dataset is not None:
        check_fit(model, specs, source.dataset, task)
    losses, ending = _losses(specs, config, source, task), ending_of(model)
    if ending is not None and not all(task.leaves_out(ending.activation, loss) for loss in losses.values()):
        ending = None
    source.teacher = None if config.teacher is None else Teacher(config.teacher, model, task)
    source.watch = TargetWatch(task, source.ignore, len(source))
    with (
        closing(source),
        computing_in(model, config.precision),
        holding_batchnorm(model, config.frozen_batchnorm),
        holding(model, config.frozen),
        without_activation(network, ending) as trained,
    ):
        _compile(trained, specs, losses, weights, config, source, task)
        yield trained, source, task


def _checked(settings: dict[str, Any]) -> TrainingConfig:
    settings = with_current_names(settings)
    names = [field.name for field in fields(TrainingConfig)]
    for name in settings:
        if name not in names:
            raise unknown("training setting", name, names)
    if "epochs" not in settings:
        raise InputError("epochs is missing: how many times should training see the data?")
    return TrainingConfig(**settings)


def _check_size(model: keras.Model, config: TrainingConfig) -> None:
    own, sizes = tuple(model.input_shape[1:3]), config.progressive_size
    if sizes is not None and None not in own:
        raise InputError(f"progressive_size={dict(sizes)}: {model.name} was built for {own[0]}×{own[1]} and takes no other")
    if config.size is not None and len(own) == 2 and None not in own and own != tuple(config.size):
        raise InputError(f"size={config.size}: {model.name} was built for {own[0]}×{own[1]} and takes no other")


def _compile(
    network: keras.Model,
    specs: Mapping[str, OutputSpec],
    losses: Mapping[str, keras.losses.Loss],
    weights: list[float] | dict[str, float],
    config: TrainingConfig,
    source: BatchSource,
    task: Task,
) -> None:
    """Gives the network its losses, each by its weight, and its optimiser, built; and the source the losses' wishes."""
    source.prepare = functools.partial(_prepared, losses, specs, isinstance(weights, dict))
    network.compile(
        optimizer=_optimizer(network, config, len(source)),
        loss=dict(losses) if isinstance(weights, dict) else [*losses.values()] * len(weights),
        loss_weights=weights,
        jit_compile=compiles(config.jit),
        auto_scale_loss=False,
    )
    distribution.admit(network)


def _losses(
    specs: Mapping[str, OutputSpec], config: TrainingConfig, source: BatchSource, task: Task
) -> dict[str, keras.losses.Loss]:
    """The loss on each output: the caller's own, or the task's."""
    own = config.loss if isinstance(config.loss, Mapping) else dict.fromkeys(specs, config.loss)
    if own.keys() != specs.keys():
        raise InputError(f"losses for {sorted(own)}, and the outputs are {sorted(specs)}; give one each, or a single loss")
    class_weights = _class_weights(config, source, task)
    losses = {
        name: task.loss(spec, source.ignore, class_weights)
        if own[name] is None
        else task.checked_loss(own[name], source.ignore)
        for name, spec in specs.items()
    }
    if config.teacher is None:
        return losses
    return {name: task.distillation(loss, config.temperature, config.teacher_weight) for name, loss in losses.items()}


def _prepared(
    losses: Mapping[str, keras.losses.Loss], specs: Mapping[str, OutputSpec], by_name: bool, targets: Targets
) -> Targets:
    """Targets as the losses want them."""
    if not by_name:
        ((name, loss),) = losses.items()
        return prepared(loss, targets, specs[name].channels)
    if not isinstance(targets, Mapping) or targets.keys() != losses.keys():
        names = sorted(targets) if isinstance(targets, Mapping) else type(targets).__name__
        raise InputError(f"the outputs are {sorted(losses)} and targets {names}; expected a dict with one target an output")
    return {name: prepared(loss, targets[name], specs[name].channels) for name, loss in losses.items()}


def _optimizer(network: keras.Model, config: TrainingConfig, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    steps = config.epochs * steps_per_epoch
    warmup = warmup_steps(config.warmup, steps_per_epoch, config.epochs)
    variables = network.trainable_variables
    if not variables:
        raise InputError(f"{network.name} has nothing to train: every layer's `trainable` is False")
    return make_optimizer(
        config.optimizer,
        WarmUp(config.learning_rate, steps, warmup, config.schedule),
        config.weight_decay,
        config.clipnorm,
        config.ema,
        variables,
        scaled=config.precision == "float16",
        shares=None if config.lr_scale is None else shares_of(config.lr_scale, network, variables),
    )


def _class_weights(config: TrainingConfig, source: BatchSource, task: Task) -> Any:
    """The weights, counted where a rule was named."""
    if not isinstance(config.class_weights, str):
        return config.class_weights
    if source.dataset is None:
        raise InputError(
            f"class_weights={config.class_weights!r} needs a Dataset to count; give an array with these batches"
        )
    return task.class_weights(source.dataset, config.class_weights)


def _validation(
    model: keras.Model, network: keras.Model, data: Dataset | None, config: TrainingConfig, task: Task
) -> Callable[[], Evaluation] | None:
    if data is None:
        return None
    # Learnt on crops of the pictures' own pixels, a network is judged on whole pictures at that scale.
    like_training = None if getattr(config.augment, "native", False) else config.size
    answering = network if len(network.inputs) == 1 else model  # one that is shown what to say is asked without
    scorer = NetworkScorer(answering, data, config.val_size or like_training, trained_specs(model, task), task)
    return lambda: score(scorer, data, config.batch_size, workers=config.workers)


def _fit(
    network: keras.Model,
    source: BatchSource,
    callback: RunCallback,
    config: TrainingConfig,
    describe: Callable[[Targets, int | None], list[str]],
) -> str | None:
    """Runs the epochs that are left; gives the reason if they were not all run. `describe` says what is wrong with targets."""
    try:
        while callback.epoch < config.epochs and callback.stopped is None:
            # Once for each size of batches: Keras asks for the shape of an epoch's data but once a call.
            later = [first for first in config.progressive_size or () if first > callback.epoch]
            source.epoch = callback.epoch
            network.fit(
                source,
                initial_epoch=callback.epoch,
                epochs=min([config.epochs, *later]),
                shuffle=False,
                verbose=config.verbose,
                callbacks=[callback],
            )
            if config.ema is not None and callback.epoch in later:
                callback.rewind()  # from the average, which Keras leaves in the network at the end of a call
    except LossNotFinite as error:
        reason = f"{error}{_save_batch(source, callback.folder, error, describe)}"
        warnings.warn(f"training stopped: {reason}", RuntimeWarning, stacklevel=3)
        return reason
    except KeyboardInterrupt:
        callback.rewind()
        where = "nothing was kept (no folder=)" if callback.folder is None else f"they are kept in {callback.folder}"
        advice = "" if callback.folder is None else "; call again with the same arguments to go on"
        print(f"\ninterrupted: {callback.epoch} of {config.epochs} epochs are finished, {where}{advice}")
        raise
    except Exception as error:
        if source.error is not None and source.error is not error:
            raise source.error from None  # a backend's wrapping of it is pages long and says no more
        raise
    return callback.stopped


def _save_batch(
    source: BatchSource, folder: Path | None, where: LossNotFinite, describe: Callable[[Targets, int | None], list[str]]
) -> str:
    """Keeps the batch that spoilt the loss and says what is wrong with it, if it shows."""
    images, targets = source.batch(where.epoch, where.batch)
    notes = [] if np.isfinite(images).all() else ["its images hold NaN or infinity"]
    notes += describe(targets, source.ignore)
    if not notes:
        notes.append("its images and targets are in order, so the weights diverged: try a lower learning_rate")
    if folder is not None:
        path = folder / "nan_batch.npz"
        facts = {"epoch": where.epoch + 1, "batch": where.batch + 1}
        several = isinstance(targets, Mapping)
        arrays = {f"targets_{name}": values for name, values in targets.items()} if several else {"targets": targets}
        write_whole(path, lambda file: np.savez_compressed(file, images=images, **arrays, **facts))
        notes.append(f"the batch is in {path}")
    return "".join(f"; {note}" for note in notes)


def _bad_targets(specs: Mapping[str, OutputSpec], task: Task, targets: Targets, ignore: int | None) -> list[str]:
    """The faults of a batch of targets, a phrase each."""
    by_name = targets if isinstance(targets, Mapping) and targets.keys() == specs.keys() else dict.fromkeys(specs, targets)
    return [phrase for name, spec in specs.items() for phrase in task.describe_bad_targets(by_name[name], spec, ignore)]


def _save_results(model: keras.Model, callback: RunCallback, config: TrainingConfig, task: Task) -> None:
    """The best model and the picture of the run, in the folder."""
    if callback.folder is None:
        return
    unfinished = callback.folder / ".part.model.keras"
    inference(model).save(unfinished)
    os.replace(unfinished, callback.folder / "model.keras")
    if callback.rows:
        draw_curves(callback.folder / "curves.png", callback.rows, task.headline, f"{model.name}, {config.optimizer}")
