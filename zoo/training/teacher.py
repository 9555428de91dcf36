"""Teacher: a trained network that another one learns from."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.errors import InputError
from zoo.layers import inference, supervised, trained_spec
from zoo.training.foreign_models import ending_of
from zoo.training.jit import compiles

if TYPE_CHECKING:
    from zoo.tasks import Task


class Teacher:
    """Gives its logits on the very batches, augmented as they are, that the student sees.

    Args:
        source: a model, a `.keras` file, the folder of a training run, or the name of shipped weights.
        student: the model that learns.
        task: what it learns.

    Raises:
        InputError: it cannot be read, is the student, or answers something else or for other pictures.
    """

    def __init__(self, source: keras.Model | str | Path, student: keras.Model, task: Task) -> None:
        model = source if isinstance(source, keras.Model) else _opened(source)
        if model is student:
            raise InputError(f"{model.name} cannot teach itself; give another model as teacher")
        ending = ending_of(model)
        if ending is not None:
            raise InputError(f"teacher {model.name} ends in a {ending.activation}; a teacher gives logits: build it without")
        _check_fit(model, student, task)
        self.name = model.name
        self._network = supervised(inference(model))[0]
        self._network.compile(jit_compile=compiles(None))

    def fingerprint(self) -> str:
        """Of its weights: a run goes on only with the teacher that it began with."""
        digest = hashlib.sha256()
        for variable in self._network.variables:
            digest.update(np.ascontiguousarray(keras.ops.convert_to_numpy(variable)).tobytes())
        return f"{self.name} {digest.hexdigest()[:16]}"

    def add(self, targets: np.ndarray, images: np.ndarray) -> np.ndarray:
        """Targets as `zoo.losses.Distillation` takes them: float32, the logits behind what they held.

        Args:
            targets: as the loss takes them, N×…, or what a loss's `prepare` made of them, with one more axis.
            images: N×H×W×C in 0–255.
        """
        own = self._network.input_shape[1:3]
        if any(side not in (None, pixels) for side, pixels in zip(own, images.shape[1:3], strict=True)):
            batches = f"{images.shape[1]}×{images.shape[2]}"
            raise InputError(f"teacher {self.name} sees {own[0]}×{own[1]} only, and batches are {batches}; train at its size")
        logits = np.asarray(self._network.predict_on_batch(images), np.float32)
        targets = np.asarray(targets, np.float32)
        targets = targets if targets.ndim == logits.ndim else targets[..., None]
        if targets.shape[:-1] != logits.shape[:-1]:
            said = f"answers {logits.shape[1:-1]}, targets are {targets.shape[1:-1]}"
            raise InputError(f"teacher {self.name} {said}; a teacher answers at its pictures' resolution")
        return np.concatenate([targets, logits], axis=-1)


def _opened(source: str | Path) -> keras.Model:
    from zoo import build, load
    from zoo.pretrained import catalog

    if not Path(source).exists() and catalog.is_name(str(source)):
        return build(str(source))
    return load(source)


def _check_fit(model: keras.Model, student: keras.Model, task: Task) -> None:
    if len(model.outputs) != 1 or len(student.outputs) != 1:
        raise InputError(f"teacher {model.name} and {student.name}: a teacher is for networks of one output, and one has more")
    specs = [replace(trained_spec(each), channels=_channels(each)) for each in (model, student)]
    task.check_teacher((model.name, student.name), (specs[0], specs[1]))
    channels = [each.inputs[0].shape[-1] for each in (student, model)]
    if channels[0] != channels[1]:
        raise InputError(f"teacher {model.name} sees {channels[1]} channels, {student.name} {channels[0]}")


def _channels(model: keras.Model) -> int:
    """Of the main output; auxiliary heads follow it."""
    return supervised(model)[0].outputs[0].shape[-1]
