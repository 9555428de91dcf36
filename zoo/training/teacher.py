"""A trained network that another one learns from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import keras
import numpy as np

from zoo.errors import InputError
from zoo.layers import inference, model_output, supervised
from zoo.training.jit import compiles


class Teacher:
    """Gives its logits on the very batches, augmented as they are, that the student sees.

    Args:
        given: a model, a `.keras` file, the folder of a training run, or the name of shipped weights.
        student: the model that learns.

    Raises:
        InputError: it cannot be read, is the student, or answers with other classes or for other pictures.
    """

    def __init__(self, given: keras.Model | str | Path, student: keras.Model) -> None:
        model = given if isinstance(given, keras.Model) else _opened(given)
        if model is student:
            raise InputError(f"{model.name} cannot teach itself; give another model as teacher")
        _check_fit(model, student)
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
            targets: class indices N×…, or what a loss's `prepare` made of them, with one more axis.
            images: N×H×W×C in 0–255.
        """
        own = self._network.input_shape[1:3]
        if any(side not in (None, given) for side, given in zip(own, images.shape[1:3], strict=True)):
            asked = f"{images.shape[1]}×{images.shape[2]}"
            raise InputError(f"teacher {self.name} sees {own[0]}×{own[1]} only, and batches are {asked}; train at its size")
        logits = np.asarray(self._network.predict_on_batch(images), np.float32)
        targets = np.asarray(targets, np.float32)
        targets = targets if targets.ndim == logits.ndim else targets[..., None]
        if targets.shape[:-1] != logits.shape[:-1]:
            said = f"answers {logits.shape[1:-1]}, targets are {targets.shape[1:-1]}"
            raise InputError(f"teacher {self.name} {said}; a teacher answers at its pictures' resolution")
        return np.concatenate([targets, logits], axis=-1)


def _opened(given: str | Path) -> keras.Model:
    from zoo import build, load
    from zoo.pretrained import catalog

    if not Path(given).exists() and catalog.is_name(str(given)):
        return build(str(given))
    return load(given)


def _check_fit(model: keras.Model, student: keras.Model) -> None:
    ours, theirs = model_output(student), model_output(model)
    counts = [supervised(each)[0].outputs[0].shape[-1] for each in (student, model)]
    if counts[0] != counts[1]:
        raise InputError(f"teacher {model.name} knows {counts[1]} classes, {student.name} {counts[0]}; they must be the same")
    if ours is not None and theirs is not None and (ours.task, ours.labels) != (theirs.task, theirs.labels):
        pairs = zip(ours.labels, theirs.labels, strict=True)
        other = next((f"{b!r} where it has {a!r}" for a, b in pairs if a != b), f"those of {theirs.task}")
        raise InputError(f"teacher {model.name} has other classes than {student.name}: {other}; they must be the same")
    channels = [each.inputs[0].shape[-1] for each in (student, model)]
    if channels[0] != channels[1]:
        raise InputError(f"teacher {model.name} sees {channels[1]} channels, {student.name} {channels[0]}")
