"""A recipe of some steps on scenes, for the tests: nobody should ship what it gives.

    zoo train --recipe tests/unet_toy.py --out runs/toy
"""

from __future__ import annotations

from typing import Any

from zoo.recipes import Recipe, Stage, StageContext

SETTINGS = {"epochs": 2, "batch_size": 8, "size": (32, 32), "learning_rate": 3e-3, "verbose": 0, "tensorboard": False}


def with_the_right_loss(given: StageContext) -> dict[str, Any]:
    """Settings that plain data cannot say."""
    from zoo.data import Augment
    from zoo.losses import SegmentationCrossEntropy

    return {**SETTINGS, "loss": SegmentationCrossEntropy(255), "augment": Augment(), "seed": 1}


def from_the_first(given: StageContext) -> dict[str, Any]:
    """The network of the stage before, to go on with."""
    return {"width": 0.0625, "weights": given.earlier["first"] / "model.keras"}


RECIPE = Recipe(
    name="unet.toy",
    data="scenes:count=32,size=32",
    source="scenes, made by a program",
    license="Apache-2.0",
    size=(32, 32),
    before=(Stage("first", "unet", train=SETTINGS, build={"width": 0.0625}),),
    build=from_the_first,
    train=with_the_right_loss,
    forms=("int8",),
    calibration=8,
)
