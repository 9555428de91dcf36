r"""unet_instances.nuclei: cell nuclei one by one, by a U-Net of a quarter of its width with a class for where they touch.

    zoo train --recipe unet_instances.nuclei --data nuclei_instances:PATH --out runs/nuclei_instances
    zoo recipes pack unet_instances.nuclei runs/nuclei_instances --data nuclei_instances:PATH

Begins with the weights of unet.nuclei, all but its last layer. Augmentation as there. Outlines are drawn behind augmentation,
2 pixels to either side, and weigh four times as much as the ground; what is no inside is weighted up between near nuclei as in
U-Net's paper.

Sixteen minutes on two CPU cores that much other work shared: of that, some four of one core were its own. One seed.
"""

from typing import Any

from zoo.recipes import Recipe, StageContext


def train(context: StageContext) -> dict[str, Any]:
    from zoo.data import Augment
    from zoo.losses.instances import OutlinedCrossEntropy

    augment = Augment(
        flip_vertical=0.5, scale=(0.7, 1.5), native=True, rotate=180, elastic=8, brightness=0.3, contrast=0.3, hue=15, noise=4
    )
    return {
        "epochs": 8,
        "batch_size": 4,
        "size": (128, 128),
        "augment": augment,
        "loss": OutlinedCrossEntropy(class_weights=(1.0, 2.0, 4.0), w0=2.0),
        "learning_rate": 7e-4,
        "ema": 0.99,
        "validate_every": 4,
    }


RECIPE = Recipe(
    name="unet_instances.nuclei",
    data="nuclei_instances",
    source="Data Science Bowl 2018 stage 1 as corrected by K. Lopuhin, its 400 smallest images, 320 / 40 / 40",
    license="CC0-1.0",
    size=(256, 256),
    build={"width": 0.25, "init": "unet.nuclei"},
    train=train,
    forms=("float32", "int8"),
)
