"""Each kind of network learns: on one toy batch of its task its loss falls."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from tiny_models import KINDS, tiny

from zoo.analysis.tiny_models import toy_batch
from zoo.evaluation.evaluate import task_of, trained_specs
from zoo.layers import fed, supervised

STEPS = 40  # at most: those without batch normalisation, such as deeplab_v1 and unet_valid, need more than ten


@pytest.mark.parametrize("name", KINDS)
def test_loss_falls_on_a_toy_batch(name: str) -> None:
    keras.backend.clear_session(free_memory=False)
    model = tiny(name, size=(64, 64))
    toy = toy_batch(model, count=4)
    task = task_of(model)
    ((_, spec),) = trained_specs(model, task).items()
    network, weights = supervised(model)
    normalised = any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
    # Plain descent takes as many steps as Adam, each in half its time; where nothing normalises, steps have to find their size.
    optimizer = keras.optimizers.SGD(0.1, clipnorm=1.0) if normalised else keras.optimizers.Adam(2e-3, clipnorm=1.0)
    network.compile(
        optimizer,
        loss=[task.loss(spec)] * len(weights),
        loss_weights=weights,
        run_eagerly=True,  # for a few steps tracing a deep graph costs more than it saves
    )
    inputs, targets = fed(network, toy.images, toy.targets), [toy.targets] * len(weights)
    losses = [float(np.ravel(network.train_on_batch(inputs, targets))[0])]  # of several outputs their own losses follow
    while len(losses) < STEPS and not min(losses) < 0.95 * losses[0]:  # without normalisation it may leap before it settles
        losses.append(float(np.ravel(network.train_on_batch(inputs, targets))[0]))
    assert np.isfinite(losses).all()
    assert min(losses) < 0.95 * losses[0], losses
