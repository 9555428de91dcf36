r"""unet.nuclei: cell nuclei under many microscopes, told apart where they touch, by a U-Net of a quarter of its width.

    zoo train --recipe unet.nuclei --data nuclei:PATH --out runs/nuclei
    zoo recipes pack unet.nuclei runs/nuclei --data nuclei:PATH

U-Net's elastic deformation and border-weighted loss, as in the recipe unet.isbi, on pictures in fluorescence and stained
tissue: colours vary more here, and scales.

Seven minutes on two CPU cores that other work shared. One seed.
"""

from typing import Any

from zoo.recipes import Recipe, StageContext
from zoo.recipes.presets import bordered_cross_entropy


def train(context: StageContext) -> dict[str, Any]:
    from zoo.data import Augment

    augment = Augment(
        flip_vertical=0.5, scale=(0.7, 1.5), native=True, rotate=180, elastic=8, brightness=0.3, contrast=0.3, hue=15, noise=4
    )
    return {
        "epochs": 16,
        "batch_size": 8,
        "size": (192, 192),
        "augment": augment,
        "loss": bordered_cross_entropy(context),
        "learning_rate": 1e-3,
        "ema": 0.98,
        "validate_every": 2,
    }


RECIPE = Recipe(
    name="unet.nuclei",
    data="nuclei",
    source="Data Science Bowl 2018 stage 1 as corrected by K. Lopuhin, its 400 smallest images, 320 / 40 / 40",
    license="CC0-1.0",
    size=(256, 256),
    build={"width": 0.25},
    train=train,
)
