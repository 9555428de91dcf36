"""vqa.scenes: questions about drawn scenes, each answered by one of four given answers.

    python -c "import zoo, zoo.recipes.vqa_scenes as recipe; recipe.see('runs/scene_segmenter')"
    zoo train --recipe vqa.scenes --encoder-weights runs/scene_segmenter --out runs/vqa_scenes
    zoo recipes pack vqa.scenes runs/vqa_scenes

The encoder learns to see first: it tells the scenes' things apart, pixel by pixel. It stays as it is then, and what is above
it learns to be asked: 8 questions about each of 4,000 scenes. This one was stopped after 8 of its 16 epochs, at 0.785 mIoU on
scenes held out.

A network that never sees a picture, the same without its encoder:

    zoo train vqa --data scenes_questions:count=1000,questions=8 --option blind=True --option channels=32 --epochs 4 \
        --batch-size 64 --lr 3e-3 --no-augment --out runs/blind
    zoo evaluate runs/blind --data scenes_questions:count=4000 --split test        # 0.312; chance is 0.25

On the scenes it was chosen by, 0.925. Two CPU cores that much other work shared; 5 minutes to see and 25 to be asked, by the
clock. One seed.
"""

from zoo.recipes import Recipe

ENCODER = {"width": 0.375, "depths": (1, 1, 1, 1)}


def see(folder: str) -> None:
    """Teaches the encoder to tell the scenes' things apart, in a folder to go on from.

    Args:
        folder: of the run, whose `model.keras` is the recipe's encoder_weights.
    """
    import zoo.data
    from zoo.training import train

    data = [zoo.data.open("scenes:count=4000,size=64", split) for split in ("train", "val")]
    model = zoo.build(
        "lraspp", classes=data[0].classes, input_shape=(64, 64, 3), encoder="resnet18", encoder_options=ENCODER, channels=32
    )
    train(model, *data, epochs=16, batch_size=32, learning_rate=2e-3, folder=folder)


RECIPE = Recipe(
    name="vqa.scenes",
    data="scenes_questions:count=4000,questions=8",
    source="scenes drawn by `zoo.data.datasets.scenes`, with questions whose answers are known",
    license="Apache-2.0",
    size=(69, 64),
    build={"encoder_options": ENCODER, "channels": 32, "encoder_weights": None},
    train={"epochs": 8, "batch_size": 64, "learning_rate": 3e-3, "frozen": "stem*,stage*"},
)
