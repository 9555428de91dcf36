"""Optimizers: AdamW and SGD with their learning rate over the run, and a share of it for single layers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import keras
from keras import ops

from zoo.errors import InputError, unknown
from zoo.training import distribution
from zoo.training.mixed_precision import every_layer

OPTIMIZERS: dict[str, dict[str, float]] = {  # with the defaults of each
    "adamw": {"learning_rate": 1e-3, "weight_decay": 1e-2},
    "sgd": {"learning_rate": 1e-2, "weight_decay": 1e-2},
}
MOMENTUM = 0.9  # of SGD

_AFTER_WARM_UP: dict[str, Callable[[Any], Any]] = {  # share of the run that is over, 0–1 → share of the peak rate
    "cosine": lambda done: 0.5 * (1 + ops.cos(math.pi * done)),
    "poly": lambda done: ops.power(1 - done, 0.9),  # DeepLab's
    "constant": ops.ones_like,
}
SCHEDULES = tuple(_AFTER_WARM_UP)


@keras.saving.register_keras_serializable(package="densezoo")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly to its peak and then falls to 0 (or stays) by the last step.

    Args:
        peak: the greatest rate.
        steps: of the whole run.
        warmup: how many of them rise; the first step already learns, at peak / warmup.
        shape: "cosine", "poly" (power 0.9) or "constant".
    """

    def __init__(self, peak: float, steps: int, warmup: int = 0, shape: str = "cosine") -> None:
        if shape not in _AFTER_WARM_UP:
            raise unknown("schedule", shape, SCHEDULES)
        self.peak, self.steps, self.warmup, self.shape = float(peak), int(steps), int(warmup), shape

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        rising = (step + 1) / max(self.warmup, 1)
        done = ops.clip((step - self.warmup) / max(self.steps - self.warmup, 1), 0.0, 1.0)
        return self.peak * ops.where(step < self.warmup, rising, _AFTER_WARM_UP[self.shape](done))

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps, "warmup": self.warmup, "shape": self.shape}


def warmup_steps(warmup: float, steps_per_epoch: int, epochs: int) -> int:
    """Steps of warm-up: a share of the run where `warmup` is below 1, a number of epochs from 1 on."""
    return round(warmup * steps_per_epoch * (1 if warmup >= 1 else epochs))


class Layerwise(keras.optimizers.Optimizer):
    """Mixed into an optimiser: some variables learn at their own share of the rate, weight decay included.

    Gradients cannot be scaled for that (Adam divides their size out again), so the rate of each variable's step is.
    """

    def learn_slower(self, shares: Sequence[float], decayed: Sequence[bool]) -> None:
        """Says each variable's share of the rate, and whether it decays, in the order of `build`; to be called before it."""
        self._shares, self._decayed = tuple(shares), tuple(decayed)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        rate = ops.cast(learning_rate, variable.dtype) * self._shares[index]
        if self._decayed[index] and self._shares[index] != 1:  # the others decay where Keras does it, at the whole rate
            self.assign_sub(variable, variable * ops.cast(self.weight_decay, variable.dtype) * rate)
        super().update_step(gradient, variable, rate)


class Together(keras.optimizers.Optimizer):
    """Mixed into an optimiser: devices that see a part of the batch each add their gradients up before these are clipped.

    Keras clips each device's own by itself and adds afterwards, which is another step than one device would make. It still
    adds, by then as many equal ones as there are devices.
    """

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        super().apply(distribution.sum_over_parts(grads), trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient / distribution.replicas(), variable, learning_rate)


@functools.cache
def _kind(base: type[keras.optimizers.Optimizer], *mixed: type) -> type[keras.optimizers.Optimizer]:
    return type("".join(kind.__name__ for kind in (*mixed, base)), (*mixed, base), {}) if mixed else base


def shares_of(lr_scale: Mapping[str, float], model: keras.Model, variables: Sequence[keras.Variable]) -> list[float]:
    """Each variable's share of the learning rate: that of the first globs that its layer's name matches, or else 1.

    Args:
        lr_scale: globs of layers' names in a list, like "stem*,block*" → share.
        model: with the layers.
        variables: to say it of.

    Raises:
        InputError: no layer that learns has a name like that.
    """
    names = {id(variable): layer.name for layer in every_layer(model) for variable in layer.trainable_variables}
    shares = [1.0] * len(variables)
    for globs, share in reversed(lr_scale.items()):  # of several that match the first is to hold, so it comes last
        patterns = globs.split(",")
        named = [i for i, v in enumerate(variables) if any(fnmatchcase(names.get(id(v), ""), each) for each in patterns)]
        if not named:
            examples = ", ".join(list(dict.fromkeys(names.values()))[:3])
            raise InputError(f"lr_scale={{{globs!r}: {share}}} matches no layer that learns; their names begin {examples}")
        for index in named:
            shares[index] = float(share)
    return shares


def make_optimizer(
    name: str,
    schedule: keras.optimizers.schedules.LearningRateSchedule,
    weight_decay: float,
    clipnorm: float | None,
    ema: float | None,
    variables: Sequence[keras.Variable],
    scaled: bool,
    shares: Sequence[float] | None = None,
) -> keras.optimizers.Optimizer:
    """An optimiser, built for these trainable variables.

    Weight decay is decoupled (each step takes rate·decay of a weight away) and leaves out whatever has one dimension:
    biases, and the scales and offsets of normalisation. `clipnorm` bounds the norm of all gradients together. `scaled`
    wraps it in dynamic loss scaling, which float16 needs. `shares`: of the learning rate, one a variable (`shares_of`).
    """
    shared = {
        "learning_rate": schedule,
        "weight_decay": weight_decay or None,
        "global_clipnorm": clipnorm,
        "use_ema": ema is not None,
        "ema_momentum": 0.99 if ema is None else ema,
    }
    mixed = [Together] * distribution.sees_parts() + [Layerwise] * (shares is not None)
    if name == "sgd":
        optimizer = _kind(keras.optimizers.SGD, *mixed)(momentum=MOMENTUM, nesterov=True, **shared)
    else:
        optimizer = _kind(keras.optimizers.AdamW, *mixed)(**{**shared, "weight_decay": weight_decay})
    decayed = [len(v.shape) > 1 for v in variables]
    exempt = [not each for each in decayed]
    if shares is not None:
        optimizer.learn_slower(shares, [each and weight_decay > 0 for each in decayed])
        exempt = [out or share != 1 for out, share in zip(exempt, shares, strict=True)]
    optimizer.exclude_from_weight_decay(var_list=[v for v, out in zip(variables, exempt, strict=True) if out])
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(variables)
    return optimizer
