r"""flownet_lite.warp: how things move between two frames, learnt from photographs that were moved by a program.

    zoo train --recipe flownet_lite.warp --data warp:PATH,count=1000,size=128x160,farthest=48 --out runs/flow
    zoo recipes pack flownet_lite.warp runs/flow --data warp:PATH,count=1000,size=256x320

PATH was OSIE's images/. Small frames in which things move as far as in large ones: 24 pixels and more, for the width of what is
compared is the same at any size, and a small pair is learnt from four times as often in the same time.

48 minutes on two CPU cores that three dozen other processes shared, of which it had a fifth of one: 1,750 steps, 7,000 pairs,
where FlowNet's authors showed millions. One seed. The loss was still falling where the rate ended: with an accelerator take
count=15000, size=256x320 and a hundred epochs.
"""

from typing import Any

from zoo.recipes import Recipe, StageContext


def train(context: StageContext) -> dict[str, Any]:
    from zoo.data import Augment

    augment = Augment(flip=0.5, flip_vertical=0.5, scale=(1.0, 1.0), brightness=0.2, contrast=0.2, saturation=0.2, hue=10)
    return {
        "epochs": 7,
        "batch_size": 4,
        "size": (128, 160),
        "learning_rate": 1.5e-3,
        "weight_decay": 1e-4,
        "clipnorm": 1.0,
        "augment": augment,
        "ema": 0.995,
        "validate_every": 3,
    }


RECIPE = Recipe(
    name="flownet_lite.warp",
    data="warp",
    source="photographs of OSIE (Xu, Jiang, Wang, Kankanhalli & Zhao 2014), cut out and moved by `zoo.data.datasets.warp`",
    license="MIT for the data set as a package; the rights in the single photographs are not stated: research use",
    size=(256, 320),
    train=train,
    calibration=32,
)
