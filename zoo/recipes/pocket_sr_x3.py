"""pocket_sr.x3: photographs three times as large, from T91 alone.

    zoo train --recipe pocket_sr.x3 --data sr:PATH --out runs/pocket_sr_x3
    zoo recipes pack pocket_sr.x3 runs/pocket_sr_x3 --data sr:PATH

As pocket_sr.x2, whose docstring says how it learns, from smaller crops. On one of two CPU cores, which other work had too: 26
minutes, 7,560 steps of 16 crops. One seed, tried once.
"""

from typing import Any

from zoo.recipes import Recipe, Stage, StageContext
from zoo.recipes.presets import T91, T91_LICENSE, collapsed, enlarging

NETWORK = {"scale": 3, "width": 24, "blocks": 5}
CROP = 20  # pixels of the small picture along a side


def wide(context: StageContext) -> dict[str, Any]:
    """Every convolution learns as a wide one."""
    return enlarging(36, 3e-3, CROP, ema=0.999)


def plain(context: StageContext) -> dict[str, Any]:
    """What they collapse to learns on, a little."""
    return enlarging(6, 2e-4, CROP)


RECIPE = Recipe(
    name="pocket_sr.x3",
    data="sr",
    data_options="scale=3,repeat=32",
    source=T91,
    license=T91_LICENSE,
    size=(128, 128),
    before=(Stage("wide", "pocket_sr", wide, NETWORK),),
    build=collapsed(**NETWORK, expansion=None),
    train=plain,
    overlap=32,
)
