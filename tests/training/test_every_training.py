"""Each kind of network learns: on one batch of scenes its loss falls."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from tiny_models import KINDS, tiny

import zoo.data
from zoo import registry, tasks
from zoo.layers import supervised

STEPS = 10


def scenes(size: tuple[int, int], channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Four scenes and their masks."""
    samples = list(zoo.data.Scenes(4, size))
    images = np.stack([sample.image for sample in samples]).astype("float32")
    masks = np.stack([sample.target for sample in samples]).astype("int32")
    return (images if channels == 3 else images.mean(-1, keepdims=True)), masks


def largest_object(masks: np.ndarray) -> np.ndarray:
    """The class that covers most of each mask, background aside: what a classifier is asked for."""
    return np.array([np.bincount(mask.ravel(), minlength=6)[1:].argmax() + 1 for mask in masks], "int32")


TARGETS = {"segmentation": lambda masks: masks, "classification": largest_object}


@pytest.mark.parametrize("name", KINDS)
def test_loss_falls_on_scenes(name: str) -> None:
    keras.backend.clear_session()
    entry = registry.get(name)
    model = tiny(name, size=(64, 64), classes=6)
    images, masks = scenes(model.inputs[0].shape[1:3], entry.channels)
    targets = TARGETS[entry.task](masks)
    network, _ = supervised(model)
    network.compile(
        keras.optimizers.Adam(2e-3, clipnorm=1.0), tasks.get(entry.task).loss(zoo.output_spec(model)), run_eagerly=True
    )  # eager: for a few steps tracing a deep graph costs more than it saves
    losses = [float(network.train_on_batch(images, targets)) for _ in range(STEPS)]
    assert np.isfinite(losses).all()
    assert min(losses[1:]) < 0.95 * losses[0], losses  # a network without normalisation may leap before it settles
