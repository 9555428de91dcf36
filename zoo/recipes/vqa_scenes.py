"""vqa.scenes: questions about drawn scenes, each answered by one of four given answers.

    zoo train lraspp --data scenes:count=4000,size=64 --out runs/scene_segmenter … (see `ENCODER`)
    zoo train --recipe vqa.scenes --encoder-weights runs/scene_segmenter --out runs/vqa_scenes
    zoo recipes pack vqa.scenes runs/vqa_scenes
"""

from zoo.recipes import Recipe

ENCODER = {"width": 0.375, "depths": (1, 1, 1, 1)}
RECIPE = Recipe(
    name="vqa.scenes",
    data="scenes_questions:count=4000,questions=8",
    source="scenes drawn by `zoo.data.datasets.scenes`, with questions whose answers are known",
    license="Apache-2.0",
    size=(69, 64),
    build={"encoder_options": ENCODER, "channels": 32, "encoder_weights": None},
    train={"epochs": 8, "batch_size": 64, "learning_rate": 3e-3, "frozen": "stem*,stage*"},
)
