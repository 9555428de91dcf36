"""rednet_lite.denoise: photographs freed of noise of any strength up to 55 levels, from T91 alone.

    zoo train --recipe rednet_lite.denoise --data noise:PATH,repeat=32 --out runs/rednet_lite_denoise
    zoo recipes pack rednet_lite.denoise runs/rednet_lite_denoise --data noise:PATH,repeat=32

TODO
"""

from typing import Any

from zoo.recipes import Recipe, StageContext
from zoo.recipes.presets import T91, T91_LICENSE, photographs_at_their_pixels


def train(context: StageContext) -> dict[str, Any]:
    """Crops of whole pixels, each with noise of another strength."""
    return {
        "epochs": 20,
        "batch_size": 16,
        "learning_rate": 2e-3,
        "weight_decay": 0.0,
        "augment": photographs_at_their_pixels(48),
        "size": (48, 48),
        "ema": 0.999,
        "validate_every": 5,
    }


RECIPE = Recipe(
    name="rednet_lite.denoise",
    data="noise",
    source=T91,
    license=T91_LICENSE,
    size=(256, 256),
    train=train,
    overlap=64,
)
