"""TrainingConfig: the settings of a run, checked at once, and compared with a checkpoint's when the run goes on."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.errors import InputError, is_whole, unknown
from zoo.training.mixed_precision import PRECISIONS
from zoo.training.optimizers import OPTIMIZERS, SCHEDULES
from zoo.training.prefetch import threads

VERSION = 2  # of a run's identity in its checkpoints
RENAMED = {"rates": "lr_scale", "sizes": "progressive_size", "settle": "recalibrate_batchnorm"}  # settings of 0.1 → of today
# May differ between a run and its continuation: they do not change what is learnt. Of a teacher the weights are compared.
_FREE = ("folder", "resume", "tensorboard", "verbose", "max_seconds", "jit", "workers", "teacher")


@dataclass(frozen=True)
class TrainingConfig:
    """The keyword arguments of `zoo.train`.

    Attributes:
        epochs: how often the data are seen.
        batch_size: samples a step; also images at once in validation.
        size: (H, W) of training batches in pixels; None for the samples' own.
        val_size: (H, W) that validation images are resized to; by default `size`, or their own size where `augment`
            is `native`.
        progressive_size: (H, W) of batches by the epoch, counted from 0, from which they have it, such as
            {0: (128, 128), 20: (256, 256)}; then `size` is the last of them.
        optimizer: "adamw" or "sgd" (Nesterov, momentum 0.9).
        learning_rate: at its peak; by default 1e-3 for AdamW, 1e-2 for SGD.
        lr_scale: shares of the learning rate by layer, {globs: share} such as {"stem*,block*": 0.1} for a pretrained encoder;
            of several that match a layer's name the first counts.
        weight_decay: decoupled, per step rate·decay; by default 1e-2. Biases and normalisation are left out.
        warmup: how long the rate rises linearly: a share of the run below 1, a number of epochs from 1 on.
        schedule: of the rate afterwards: "cosine", "poly" (power 0.9) or "constant".
        clipnorm: greatest norm of all gradients together, or None.
        augment: `zoo.data.Augment`, or None.
        class_weights: None, a rule of `zoo.losses.class_weights_from` such as "sqrt_median", or one number a class.
        loss: instead of the task's own; of several outputs one, or a dict with one each. Losses of classes are over logits;
            "sparse_categorical_crossentropy" is such a one by name.
        teacher: a trained network to learn from beside the labels, on the same batches (`zoo.losses.Distillation`): a model,
            a `.keras` file, a run's folder, or the name of shipped weights. Of the same classes.
        temperature: that its scores are softened by; by default 2.
        teacher_weight: share of the loss that it has, above 0, at most 1; by default 0.5.
        precision: what layers compute in: "float32", "bfloat16" or "float16" (with loss scaling). Weights, loss and the
            answer are float32 always.
        jit: whether to compile the step, with XLA or with torch.compile; None decides by backend and device.
        workers: threads that make batches ahead of the step; by default 1 on a CPU, which the step fills, and up to 8, one for
            each of the host's processors, where an accelerator must not wait for them. Several ask a `Dataset` for samples
            at once; a PyDataset has workers of its own and is left to them.
        frozen_batchnorm: keeps BatchNormalization still: all of it, or those whose layer name matches one of the globs
            in a list like "stem*,block*" (a pretrained encoder's).
        frozen: layers that learn nothing, globs with commas between them like "stem*,block*", their normalisation included: a
            pretrained encoder that only what is above it learns on.
        ema: momentum of a moving average of the weights, which is then what is validated and kept; None for none.
        recalibrate_batchnorm: measure batch normalisation's statistics anew at the end, over so many training images spread
            evenly, not augmented, at the size of validation; kept unless validation is worse for it. None does not.
            Normalisation that stands still stays so.
        seed: of the order of the data, augmentation and dropout. Initial weights are the builder's:
            `keras.utils.set_random_seed` before `zoo.build` sets those.
        folder: for everything that the run leaves; None leaves nothing and cannot be resumed.
        resume: go on from the folder's checkpoint; False forgets it.
        tensorboard: whether to write a TensorBoard log into the folder.
        validate_every: epochs between validations; the last epoch always has one.
        verbose: Keras's progress bar: "auto", 0 (silent), 1 or 2.
        max_seconds: stop before an epoch that would probably end later than this, counted from the call.

    Raises:
        InputError: for what is out of range, saying what was given and expected.
    """

    epochs: int
    batch_size: int = 8
    size: tuple[int, int] | None = None
    val_size: tuple[int, int] | None = None
    progressive_size: Mapping[int, tuple[int, int]] | None = None
    optimizer: str = "adamw"
    learning_rate: float | None = None
    lr_scale: Mapping[str, float] | None = None
    weight_decay: float | None = None
    warmup: float = 0.05
    schedule: str = "cosine"
    clipnorm: float | None = 1.0
    augment: Any = None
    class_weights: Any = None
    loss: keras.losses.Loss | str | Mapping[str, keras.losses.Loss | str] | None = None
    teacher: Any = None
    temperature: float | None = None
    teacher_weight: float | None = None
    precision: str = "float32"
    jit: bool | None = None
    workers: int | None = None
    frozen_batchnorm: bool | str = False
    frozen: str | None = None
    ema: float | None = None
    recalibrate_batchnorm: int | None = None
    seed: int = 0
    folder: str | Path | None = None
    resume: bool = True
    tensorboard: bool = True
    validate_every: int = 1
    verbose: Any = "auto"
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        for name, choices in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in choices:
                raise unknown(name, getattr(self, name), choices)
        for name, least in (("epochs", 1), ("batch_size", 1), ("validate_every", 1), ("seed", 0)):
            value = getattr(self, name)
            if not is_whole(value, least):
                raise InputError(f"{name}={value!r}; expected a whole number of {least} or more")
        if self.workers is not None:
            threads(self.workers)
        images, scale = self.recalibrate_batchnorm, self.lr_scale
        if images is not None and not is_whole(images, 1):
            raise InputError(f"recalibrate_batchnorm={images!r}; expected a number of images, 1 or more, or None")
        if scale is not None and not (scale and all(0 < share < math.inf for share in scale.values())):
            raise InputError(f"lr_scale={scale!r}; expected names of layers with shares above 0, as {{'block*': 0.1}}")
        if self.progressive_size is not None:
            object.__setattr__(self, "size", _last_size(self.progressive_size, self.size, self.epochs))
        default = OPTIMIZERS[self.optimizer]
        for name in ("learning_rate", "weight_decay"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, default[name])
        above = {"learning_rate": self.learning_rate, "clipnorm": self.clipnorm, "max_seconds": self.max_seconds}
        for name, value in above.items():
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise InputError(f"{name}={value!r}; expected a number above 0")
        for name in ("weight_decay", "warmup"):
            if not (getattr(self, name) >= 0 and math.isfinite(getattr(self, name))):
                raise InputError(f"{name}={getattr(self, name)!r}; expected 0 or more")
        if self.warmup > self.epochs:
            raise InputError(f"warmup={self.warmup} epochs is longer than the run, epochs={self.epochs}")
        if self.ema is not None and not 0 < self.ema < 1:
            raise InputError(f"ema={self.ema!r}; expected a momentum above 0 and below 1, such as 0.999")
        self._check_teacher()
        if self.loss is not None and self.class_weights is not None:
            raise InputError("both loss and class_weights were given; give the weights to the loss itself")

    def _check_teacher(self) -> None:
        for name, default in (("temperature", 2.0), ("teacher_weight", 0.5)):
            value = getattr(self, name)
            if self.teacher is None and value is not None:
                raise InputError(f"{name}={value!r} is of a teacher, and none was given; name it: teacher=")
            if self.teacher is not None and value is None:
                object.__setattr__(self, name, default)
        if self.temperature is not None and not (self.temperature > 0 and math.isfinite(self.temperature)):
            raise InputError(f"temperature={self.temperature!r}; expected a number above 0, such as 2")
        if self.teacher_weight is not None and not 0 < self.teacher_weight <= 1:
            raise InputError(f"teacher_weight={self.teacher_weight!r}; expected above 0 and at most 1")

    def size_in(self, epoch: int) -> tuple[int, int] | None:
        """(H, W) of the training batches in an epoch, counted from 0."""
        sizes = self.progressive_size
        return self.size if sizes is None else sizes[max(first for first in sizes if first <= epoch)]

    def to_dict(self) -> dict[str, Any]:
        """The run's identity: what decides its outcome, as JSON holds it, with the version of this form."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in _FREE}
        if isinstance(self.loss, Mapping):
            plain["loss"] = {name: keras.saving.serialize_keras_object(loss) for name, loss in self.loss.items()}
        elif self.loss is not None:
            plain["loss"] = keras.saving.serialize_keras_object(self.loss)
        return {"version": VERSION} | {name: _plain(value) for name, value in plain.items()}


def with_current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of `zoo.train` in which 0.1's names, if there are any, are the current ones; says so in a warning.

    Raises:
        InputError: a setting is there under both names.
    """
    current = dict(settings)
    for old, new in RENAMED.items():
        if old in current:
            if new in current:
                raise InputError(f"both {new}= and {old}= were given; {old} is {new}'s name of 0.1: leave it out")
            warnings.warn(f"{old}= is now {new}=; the old name goes with 0.3", DeprecationWarning, stacklevel=3)
            current[new] = current.pop(old)
    return current


def upgraded(identity: Mapping[str, Any], config: TrainingConfig) -> dict[str, Any]:
    """A checkpoint's identity in the current form; that of version 1, which said no version, under its names of today.

    Version 1 had the `repr` of an augmentation. Where that is the one of `config`, so is the augmentation.
    """
    if "version" in identity:
        return dict(identity)
    current = {RENAMED.get(name, name): value for name, value in identity.items()}
    if current.get("augment") == repr(config.augment):
        current["augment"] = _plain(config.augment)
    return {"version": VERSION, **current}


def _last_size(
    sizes: Mapping[int, tuple[int, int]], size: tuple[int, int] | None, epochs: int
) -> tuple[int, int]:
    """The size that training ends with."""
    if not sizes or min(sizes) != 0 or max(sizes) >= epochs:
        raise InputError(
            f"progressive_size={dict(sizes)}; expected epochs from 0 to {epochs - 1} with (H, W) each, the first 0"
        )
    if any(len(each) != 2 or min(each) < 1 for each in sizes.values()):
        raise InputError(f"progressive_size={dict(sizes)}; expected (H, W) in pixels from each epoch on")
    last = sizes[max(sizes)]
    if size is not None and tuple(size) != tuple(last):
        raise InputError(f"both size={size} and progressive_size={dict(sizes)} were given; the last of these is the size")
    return last


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The differences between two identities, one phrase each."""
    names = sorted(before.keys() | now.keys())
    return [f"{n} was {before.get(n)!r}, is {now.get(n)!r}" for n in names if before.get(n) != now.get(n)]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "to_dict"):  # an augmentation that says itself what it is
        return _plain(value.to_dict())
    if dataclasses.is_dataclass(value):
        return {"type": type(value).__name__} | {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return repr(value)
