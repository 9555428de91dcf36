"""The optimiser and its learning rate over the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from zoo.errors import unknown

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


def make_optimizer(
    name: str,
    schedule: keras.optimizers.schedules.LearningRateSchedule,
    weight_decay: float,
    clipnorm: float | None,
    ema: float | None,
    variables: Sequence[keras.Variable],
    scaled: bool,
) -> keras.optimizers.Optimizer:
    """An optimiser, built for these trainable variables.

    Weight decay is decoupled (each step takes rate·decay of a weight away) and leaves out whatever has one dimension:
    biases, and the scales and offsets of normalisation. `clipnorm` bounds the norm of all gradients together. `scaled`
    wraps it in dynamic loss scaling, which float16 needs.
    """
    shared = {
        "learning_rate": schedule,
        "weight_decay": weight_decay or None,
        "global_clipnorm": clipnorm,
        "use_ema": ema is not None,
        "ema_momentum": 0.99 if ema is None else ema,
    }
    if name == "sgd":
        optimizer = keras.optimizers.SGD(momentum=MOMENTUM, nesterov=True, **shared)
    else:
        optimizer = keras.optimizers.AdamW(**{**shared, "weight_decay": weight_decay})
    optimizer.exclude_from_weight_decay(var_list=[v for v in variables if len(v.shape) <= 1])
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(variables)
    return optimizer
