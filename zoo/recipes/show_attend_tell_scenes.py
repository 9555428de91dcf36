"""show_attend_tell.scenes: what is in a drawn scene, from left to right, in one sentence.

    zoo train --recipe show_attend_tell.scenes --out runs/captions
    zoo recipes pack show_attend_tell.scenes runs/captions

16,000 scenes at 64×64, mirrored top to bottom only, since a sentence speaks of left and right. It learns behind the right words
and is chosen by what it says alone. The encoder is ResNet-18's to stride 8 at half its width, from a random start.

47 minutes on two CPU cores that some twenty other processes shared, of which it had a quarter of one. One seed.
"""

from typing import Any

from zoo.recipes import Recipe, StageContext

SIZE = (64, 64)


def train(context: StageContext) -> dict[str, Any]:
    from zoo.data import Augment

    augment = Augment(flip=0, scale=(1, 1), flip_vertical=0.5, brightness=0.1, contrast=0.1, saturation=0.2, hue=15)
    return {
        "epochs": 11,
        "batch_size": 64,
        "size": SIZE,
        "learning_rate": 2e-3,
        "augment": augment,
        "validate_every": 11,
    }


RECIPE = Recipe(
    name="show_attend_tell.scenes",
    data="scenes_captions:size=64,count=16000",
    source="scenes drawn by `zoo.data.datasets.scenes`, with exact sentences",
    license="Apache-2.0",
    size=SIZE,
    build={
        "input_shape": (*SIZE, 3),
        "encoder": "resnet18",
        "encoder_options": {"width": 0.5},
        "stride": 8,
        "units": 160,
        "embedding": 64,
        "attention": 64,
    },
    train=train,
    forms=("float32", "int8"),
    shipped=("float32", "int8"),
)
