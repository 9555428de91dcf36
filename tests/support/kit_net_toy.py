"""A recipe of seconds for `benchmarks/gpu_kit.py`: two stages of a network of two convolutions, with an auxiliary head."""

from __future__ import annotations

from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.deep_supervision import deeply_supervised
from zoo.models.encoders import Features
from zoo.recipes import Recipe, Stage, StageContext
from zoo.recipes.presets import continuing, cross_entropy_and_dice
from zoo.registry import Variant, register


@register({"kit_net": Variant(input_size=(32, 48))}, task="segmentation", paper=None)
def kit_net(image: Any, classes: int, *, auxiliary: tuple[int, ...] = ()) -> Any:
    """Two convolutions, the first of them with a head of its own."""
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = keras.layers.BatchNormalization(name="first_bn")(keras.layers.Conv2D(8, 3, padding="same", name="first")(x))
    x = keras.layers.ReLU()(x)
    logits = keras.layers.Conv2D(classes, 1, name="score")(x)
    return deeply_supervised(logits, image, Features(s1=x), auxiliary)


def learning(context: StageContext) -> dict[str, Any]:
    """A few epochs of small crops in other light."""
    from zoo.data import Augment

    augment = Augment(native=True, scale=(0.7, 1.4), stretch=1.2, hue=6, blur=0.2, noise=4)
    loss = cross_entropy_and_dice(context, "sqrt_median")
    return {"epochs": 3, "batch_size": 4, "size": (24, 32), "learning_rate": 1e-2, "ema": 0.5, "augment": augment, "loss": loss}


NETWORK = {"auxiliary": (1,)}
RECIPE = Recipe(
    name="kit_net.toy",
    data="scenes:count=12,size=32x48",
    source="drawn",
    license="none needed",
    size=(32, 48),
    before=(Stage("first", "kit_net", learning, NETWORK),),
    build=continuing("best.weights.h5", **NETWORK),
    train=learning,
)
