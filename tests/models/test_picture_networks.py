"""What is special of networks that give pictures: whose luma they make, how much larger, and where skips go."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
import zoo.data
from zoo.analysis.tiny_models import tiny_model
from zoo.errors import InputError
from zoo.layers import BicubicEnlarge
from zoo.losses.luma import LumaCharbonnier

PICTURE = np.random.default_rng(0).uniform(0, 255, (1, 12, 14, 3)).astype("float32")


@pytest.mark.parametrize("name", ["srcnn", "fsrcnn", "espcn"])
def test_networks_of_the_luma_leave_the_colours_to_the_enlargement(name: str) -> None:
    answer = np.asarray(tiny_model(name, None, scale=2)(PICTURE))
    enlarged = np.asarray(BicubicEnlarge(2)(PICTURE))
    change = answer - enlarged
    np.testing.assert_allclose(change, np.repeat(change[..., :1], 3, axis=-1), atol=1e-3)
    assert np.abs(change).max() > 1
    grey = tiny_model(name, None, scale=2, input_shape=(None, None, 1))
    assert grey(PICTURE[..., :1]).shape == (1, 24, 28, 1)


@pytest.mark.parametrize(("name", "scale"), [("pocket_sr", 4), ("fsrcnn", 3), ("rednet20", 2), ("rednet20", 1)])
def test_the_spec_says_how_much_larger_the_answer_is(name: str, scale: int) -> None:
    model = tiny_model(name, None, scale=scale)
    assert zoo.output_spec(model).scale == scale
    assert model(PICTURE).shape == (1, 12 * scale, 14 * scale, 3)


def test_red_net_has_a_skip_for_every_second_layer_and_one_around_all() -> None:
    for name, skips in (("rednet10", 0), ("rednet20", 5), ("rednet30", 8)):
        model = zoo.build(name, width=4)
        assert sum(isinstance(layer, keras.layers.Add) for layer in model.layers) == skips
        kinds = [type(layer).__name__ for layer in model.layers if layer.weights]
        assert kinds == ["Conv2D"] * (len(kinds) // 2) + ["Conv2DTranspose"] * (len(kinds) // 2)


def test_a_network_of_another_scale_is_refused() -> None:
    data = zoo.data.open("scenes_superres:count=16,size=32", "val")
    with pytest.raises(InputError, match=r"enlarges by 3 and the targets .* are 2 times as large; build it with scale=2"):
        zoo.evaluate(tiny_model("pocket_sr", None, scale=3), data, progress=False)


def test_the_loss_of_the_luma_sees_no_colour() -> None:
    truth = np.random.default_rng(1).uniform(0, 255, (2, 5, 6, 3)).astype("float32")
    added = np.array([10.0, -10.0, 0.0], "float32")
    weights = np.array([0.299, 0.587, 0.114])
    distance = np.sqrt((added @ weights / 255) ** 2 + 0.01**2) - 0.01
    assert float(LumaCharbonnier(0.01)(truth, truth + added)) == pytest.approx(distance, rel=1e-3)
    luma = (truth @ weights)[..., None].astype("float32")
    assert float(LumaCharbonnier(0.01)(truth, luma)) == pytest.approx(0, abs=1e-6)
    assert LumaCharbonnier.from_config(LumaCharbonnier(0.02).get_config()).epsilon == 0.02
    with pytest.raises(InputError, match="epsilon=0"):
        LumaCharbonnier(0)
