"""EfficientNet's own: the scaling rule, the released figures of the lite networks, stochastic depth."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

import zoo
from zoo import registry
from zoo.analysis.macs import macs, trace
from zoo.analysis.weightless import weightless
from zoo.models.encoders.efficientnet import scaled_size


def test_the_rule_doubles_the_work_with_each_step_of_phi() -> None:
    expected = 1.2 * 1.1**2 * 1.15**2  # 1.92; repeats rounded up add to it
    with weightless():
        work = [macs(zoo.build("efficientnet", phi=phi), scaled_size(phi)) for phi in (0, 1, 2)]
        assert work[0] == macs(zoo.build("efficientnet_b0"), (224, 224))
    assert (work[2] / work[0]) ** 0.5 == pytest.approx(expected, rel=0.15)


def test_factors_can_be_given_one_by_one() -> None:
    with weightless():
        by_factor = zoo.build("efficientnet", width=1.1, depth=1.2, classes=3)
        assert by_factor.count_params() == zoo.build("efficientnet_b2", classes=3).count_params()
        assert zoo.build("efficientnet", phi=1, classes=3).count_params() == by_factor.count_params()
        wider = zoo.build("efficientnet", phi=1, depth=1.0, classes=3)  # a factor overrides the rule's
        assert sum(isinstance(layer, keras.layers.DepthwiseConv2D) for layer in wider.layers) == 16


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (None, None)),
        ({"phi": 1}, (258, 258)),
        ({"width": 0.5, "depth": 0.5, "resolution": 1.5}, (336, 336)),
        ({"phi": 1, "resolution": 0.5}, (112, 112)),
        ({"phi": 1, "input_shape": (96, 64, 3)}, (96, 64)),
        ({"phi": 0, "input_shape": (None, None, 3)}, (None, None)),
    ],
    ids=str,
)
def test_the_rule_sets_the_input_size_too(options: dict, size: tuple) -> None:
    model = zoo.build("efficientnet", classes=3, **{"width": 0.1, "depth": 0.5, **options})
    assert model.inputs[0].shape[1:3] == size


LITE = {"lite0": 407e6, "lite1": 631e6, "lite2": 899e6, "lite3": 1.44e9, "lite4": 2.64e9}  # as released with the weights


@pytest.mark.parametrize(("variant", "released"), LITE.items())
def test_the_released_count_of_the_lite_networks_includes_normalisation(variant: str, released: float) -> None:
    """Tan's 407 M counts three more operations for every normalised value; convolutions alone are 385 M."""
    name = f"efficientnet_{variant}"
    with weightless():
        model, size = zoo.build(name), registry.get(name).input_size
        normalised = sum(
            math.prod(outputs[0].shape)
            for layer, _, outputs in trace(model, size)
            if isinstance(layer, keras.layers.BatchNormalization)
        )
        assert macs(model, size) + 3 * normalised == pytest.approx(released, rel=0.005)
        assert macs(model, size) != pytest.approx(released, rel=0.03)


def test_stochastic_depth_drops_whole_blocks_in_training_only() -> None:
    model = zoo.build("efficientnet", width=0.1, depth=0.5, drop_connect=0.9, classes=2, input_shape=(32, 32, 3))
    drop = [layer for layer in model.layers if layer.name.endswith("_drop")][-1]
    assert 0.4 < drop.rate < 0.9
    x = np.ones((64, 2, 2, 3), "float32")
    np.testing.assert_array_equal(drop(x, training=False), x)
    kept = np.asarray(drop(x, training=True)).reshape(64, -1)
    assert (kept == kept[:, :1]).all()  # an image keeps its block or loses it
    assert 0 < (kept[:, 0] == 0).mean() < 1


@pytest.mark.parametrize("name", ["efficientnet_lite0", "mobilenet_v3_small"])
def test_dilation_sees_at_every_fourth_position_what_strides_saw(name: str) -> None:
    """The same weights, at stride 8 and dilated, contain the answer at stride 32, where no squeeze-and-excitation looks."""
    from zoo.models.encoders import features

    options = {**registry.get(name).tiny, **({"minimalistic": True} if "v3" in name else {})}
    image = keras.Input((129, 129, 3))  # odd: every stride then starts at the first position
    models = [keras.Model(image, features(name, image, output_stride=s, **options).deepest) for s in (32, 8)]
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    models[0].set_weights([generator.uniform(-0.3, 0.5, w.shape) if w.ndim > 1 else w for w in models[0].get_weights()])
    models[1].set_weights(models[0].get_weights())
    x = generator.uniform(0, 255, (1, 129, 129, 3)).astype("float32")
    coarse, fine = (np.asarray(model(x, training=False)) for model in models)
    assert coarse.std() > 0
    np.testing.assert_allclose(fine[:, ::4, ::4], coarse, atol=1e-4 * np.abs(coarse).max())
