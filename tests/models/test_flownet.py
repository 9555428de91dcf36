"""FlowNet: what its levels are trained by, and that what lite compares is comparable."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from tiny_models import tiny

import zoo
from zoo.layers import AuxiliaryHeads, supervised
from zoo.losses.endpoint_error import EndpointErrorLoss
from zoo.models.optical_flow.flownet import WEIGHTS_OF_SUMS

SIZE = (64, 128)


@pytest.mark.parametrize("name", ["flownet_s", "flownet_c"])
def test_levels_weigh_what_the_paper_says(name: str) -> None:
    """The paper's loss is a sum over levels of its weight times the sum of errors over the level's positions."""
    model = tiny(name, SIZE)
    network, weights = supervised(model)
    frames = np.random.default_rng(0).uniform(0, 255, (2, *SIZE, 6)).astype("float32")
    levels = network(frames)
    truth = np.random.default_rng(1).normal(0, 4, (2, *SIZE, 2)).astype("float32")
    means = [float(EndpointErrorLoss()(truth, level)) for level in levels]
    ours = sum(weight * mean for weight, mean in zip(weights, means, strict=True))
    strides = [4, 64, 32, 16, 8]  # the answer, then from coarse to fine as they are made
    positions = [SIZE[0] * SIZE[1] / stride**2 for stride in strides]
    papers = sum(WEIGHTS_OF_SUMS[s] * n * mean for s, n, mean in zip(strides, positions, means, strict=True))
    assert ours == pytest.approx(papers / (WEIGHTS_OF_SUMS[4] * positions[0]), rel=1e-5)
    assert weights == pytest.approx([1, 0.25, 0.25, 0.25, 0.5])


def test_only_the_finest_may_be_trained() -> None:
    model = tiny("flownet_lite", SIZE, multiscale=False)
    assert not [layer for layer in model.layers if isinstance(layer, AuxiliaryHeads)] and supervised(model)[1] == [1.0]


def test_lite_is_small_and_compares_by_the_same_weights() -> None:
    model = zoo.build("flownet_lite")
    assert model.count_params() <= 1_400_000
    shared = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D) and len(layer._inbound_nodes) == 2]
    assert {"s2", "s4_match", "s8_match", "s16_match"} <= {layer.name for layer in shared}


def test_what_moves_the_other_way_is_told_apart() -> None:
    """FlowNetC sees one frame against the other: in the other order it is another answer."""
    model = tiny("flownet_c", SIZE)
    frames = np.random.default_rng(0).uniform(0, 255, (1, *SIZE, 6)).astype("float32")
    there, back = (keras.ops.convert_to_numpy(model(each)) for each in (frames, frames[..., [3, 4, 5, 0, 1, 2]]))
    assert np.abs(there - back).max() > 1e-3 * np.abs(there).max()
