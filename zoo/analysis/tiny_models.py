"""Tiny models: the graphs of the registry's networks with few channels, taught a toy problem in seconds.

For what depends on a network's graph and not on its widths: whether it converts, whether it runs whole on an accelerator.
An untrained network is no good for that: its answer hardly depends on the picture, so that the smallest rounding is a large
share of it. Some seconds of its task's toy pictures, and it says something that can be compared.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

import zoo
from zoo import outputs, registry, tasks
from zoo.evaluation.evaluate import task_of, trained_specs
from zoo.layers import fed, supervised
from zoo.registry import Variant
from zoo.tasks import ToyBatch
from zoo.training.batchnorm import recalibrate_batchnorm

SIZE = (65, 97)  # odd sides find what even ones hide
_STEPS, _BATCH = 80, 8
_RATE, _CAREFUL_RATE = 2e-3, 1e-4  # the latter, for twice the steps, where no batch normalisation keeps units alive


def tiny_model(name: str, size: tuple[int, int] | None = SIZE, **options: Any) -> keras.Model:
    """An untrained network of few channels with the graph of that name's.

    Args:
        name: of the registry.
        size: (H, W) in pixels, enlarged to the least that it can see, or the task's toy size; None for any size, or the paper's
            where none is not enough. One answer a picture of a fixed size is given at the paper's.
        **options: of `zoo.build`, over those that make it tiny.
    """
    entry = registry.get(name)
    if entry.fixed_size and (size is None or not _dense(entry)):
        size = entry.input_size
    elif size is not None:
        size = tasks.get(entry.task).toy_size or tuple(max(pixels, entry.min_size) for pixels in size)
    shape = (*(size or (None, None)), entry.channels)
    keras.utils.set_random_seed(3)
    return zoo.build(name, **{**tasks.get(entry.task).toy_build, "input_shape": shape, **entry.tiny, **options})


def _dense(entry: Variant) -> bool:
    task = tasks.get(entry.task)
    return task.output_spec(task.labels_for(None)).dense


def fingerprint(model: keras.Model) -> str:
    """The same for networks of one graph, whatever their names and the shares that they drop while they learn."""
    return hashlib.sha256(json.dumps(_kept(model.get_config() | {"name": ""}), sort_keys=True).encode()).hexdigest()[:16]


def _kept(config: Any) -> Any:
    if isinstance(config, dict):
        return {key: _kept(value) for key, value in config.items() if key != "rate"}
    return [_kept(value) for value in config] if isinstance(config, list | tuple) else config


def toy_batch(model: keras.Model, count: int = 64, seed: int = 0) -> ToyBatch:
    """Pictures and targets of the sizes that a network of one output takes and gives, as its task draws them."""
    task = task_of(model)
    ((_, spec),) = trained_specs(model, task).items()
    toy = task.toy_batch(model.input_shape[1:], spec, count, seed)
    if not spec.dense or toy.targets.ndim < 3 or not outputs.kind(spec).pixelwise:  # no map of the output's size
        return toy
    # Unpadded networks see a margin that they say nothing of.
    return ToyBatch(toy.images, _centre(toy.targets, model.output_shape[1:3]))


def _centre(maps: np.ndarray, size: Sequence[int]) -> np.ndarray:
    top, left = ((whole - part) // 2 for whole, part in zip(maps.shape[1:3], size, strict=True))
    return maps[:, top : top + size[0], left : left + size[1]]


def fit_toy(model: keras.Model, toy: ToyBatch, steps: int = _STEPS) -> None:
    """Trains in place for so many steps, twice as many without batch normalisation; that is left at rest on the pictures."""
    recalibrate_batchnorm(model, [toy.images[:16]])
    normalised = any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
    rate, steps = (_RATE, steps) if normalised else (_CAREFUL_RATE, 2 * steps)
    task = task_of(model)
    ((_, spec),) = trained_specs(model, task).items()
    network = supervised(model)[0]
    network = network if len(network.inputs) > 1 else model  # one that is shown what to say learns by that
    network.compile(keras.optimizers.Adam(rate, clipnorm=1.0), task.loss(spec), jit_compile=False)
    # Built within the first step, TensorFlow would trace that twice: once with the variables still to be made.
    network.optimizer.build(network.trainable_variables)
    inputs = fed(network, toy.images, toy.targets)
    network.fit(inputs, toy.targets, _BATCH, max(1, steps * _BATCH // len(toy.images)), verbose=0)
    recalibrate_batchnorm(model, [toy.images[:16]])  # so few steps leave its moving averages far behind


_OLD = {"sibling": tiny_model, "lesson": toy_batch, "teach": fit_toy}  # names of 0.1, until 0.3


def __getattr__(name: str) -> object:
    if name not in _OLD:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(f"{name} is now {_OLD[name].__name__}; the old name goes with 0.3", DeprecationWarning, stacklevel=2)
    return _OLD[name]
