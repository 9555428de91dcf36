"""seq2seq.captions: English sentences about drawn scenes in German, by attention over what a small LSTM read.

    zoo train --recipe seq2seq.captions --out runs/seq2seq_captions
    zoo recipes pack seq2seq.captions runs/seq2seq_captions
"""

from zoo.recipes import Recipe

RECIPE = Recipe(
    name="seq2seq.captions",
    data="scenes_translation:count=24000",
    source="sentences that are true of scenes drawn by `zoo.data.datasets.scenes`, each in one split alone",
    license="Apache-2.0",
    size=(1, 22),
    build={"units": 96, "embedding": 48, "attention": 48},
    train={"epochs": 6, "batch_size": 64, "learning_rate": 4e-3, "clipnorm": 1.0},
    forms=("float32", "int8"),
)
