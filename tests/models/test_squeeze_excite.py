"""Squeeze-and-excitation: the block by its definition, and ResNets that take it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.models.blocks.squeeze_excite import squeeze_excite

SMALL = {"width": 0.125, "depths": (1, 1, 1, 1), "classes": 3}


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


GATES = {"sigmoid": lambda x: 1 / (1 + np.exp(-x)), "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6}


@pytest.mark.parametrize("gate", GATES)
def test_channels_are_weighed_by_the_whole_picture(gate: str) -> None:
    keras.utils.set_random_seed(0)
    image = keras.Input((5, 6, 8))
    model = keras.Model(image, squeeze_excite(image, 2, "se", gate=gate))
    generator = np.random.default_rng(0)
    model.set_weights([2 * generator.standard_normal(w.shape) for w in model.get_weights()])
    x = 3 * generator.standard_normal((2, 5, 6, 8)).astype("float32")
    reduce, reduce_bias, expand, expand_bias = (np.squeeze(w) for w in model.get_weights())
    weights = GATES[gate](relu(x.mean((1, 2)) @ reduce + reduce_bias) @ expand + expand_bias)
    assert 0 <= weights.min() < 0.3 and 0.7 < weights.max() <= 1
    np.testing.assert_allclose(model(x), x * weights[:, None, None], atol=1e-5)


def test_an_unknown_gate_is_refused() -> None:
    with pytest.raises(ValueError, match="hard_sigmoid"):
        squeeze_excite(keras.Input((5, 6, 8)), 2, "se", gate="hard_sigmiod")


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet50_keras", "resnet50_v2"])
def test_any_resnet_takes_it(name: str) -> None:
    without, with_it = (zoo.build(name, squeeze_excite=n, **SMALL) for n in (0, 4))
    outputs = [layer.output.shape[-1] for layer in with_it.layers if layer.name.endswith("_se_excite")]
    assert len(outputs) == 4
    added = sum(2 * c * (c // 4) + c + c // 4 for c in outputs)
    assert with_it.count_params() == without.count_params() + added
