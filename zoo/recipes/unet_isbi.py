r"""unet.isbi: membranes of neurons in electron micrographs, as in U-Net's own paper, by a U-Net of a quarter of its width.

    zoo train --recipe unet.isbi --data isbi:PATH --out runs/isbi
    zoo recipes pack unet.isbi runs/isbi --data isbi:PATH

From the paper: few images and elastic deformation (σ = 10 pixels on a 3×3 grid), turns and mirroring, changes of grey, and
the border-weighted loss (w0 = 10, σ = 5 pixels). Not from it: a quarter of the channels at every scale, padded convolutions
with the answer over the whole slice, crops of 256×256 in batches of 4, AdamW. Crops are of the slices' own pixels.

Learnt from slices 0–19 of the labelled stack, chosen by 20–23 and scored on 24–29 (zoo/data/datasets/microscopy.py):
neighbouring slices resemble each other, so that these figures are not the challenge's, whose test labels are not public.

Nine minutes on two CPU cores that other work shared, where the paper took ten hours on a GPU. One seed.
"""

from typing import Any

from zoo.recipes import Recipe, StageContext
from zoo.recipes.presets import bordered_cross_entropy


def train(context: StageContext) -> dict[str, Any]:
    from zoo.data import Augment

    augment = Augment(
        flip_vertical=0.5, scale=(0.85, 1.25), native=True, rotate=180, elastic=10, saturation=0, contrast=0.3, noise=6
    )
    return {
        "epochs": 150,
        "batch_size": 4,
        "size": (256, 256),
        "augment": augment,
        "loss": bordered_cross_entropy(context),
        "learning_rate": 1e-3,
        "ema": 0.98,
        "validate_every": 10,
    }


RECIPE = Recipe(
    name="unet.isbi",
    data="isbi",
    source="ISBI 2012 EM segmentation (Cardona et al. 2010, Arganda-Carreras et al. 2015), 20 / 4 / 6 slices",
    license="none stated; challenge data for research, not redistributed here",
    size=(512, 512),
    build={"width": 0.25},
    train=train,
    calibration=20,
)
