"""seq2seq.captions: English sentences about drawn scenes in German, by attention over what a small LSTM read.

    zoo train --recipe seq2seq.captions --out runs/seq2seq_captions
    zoo recipes pack seq2seq.captions runs/seq2seq_captions

No sentence that is scored was ever learnt. Where things wore the textures of the pictures, of which a class nearly always has
its own, a network that learnt for five epochs was right in 37 of 100 sentences: it took the adjective from the noun.

On one of two CPU cores, which much other work had too: 7 minutes, 1,500 steps on TensorFlow. One seed.
"""

from zoo.recipes import Recipe

RECIPE = Recipe(
    name="seq2seq.captions",
    data="scenes_translation:count=16000",
    source="sentences about scenes drawn by `zoo.data.datasets.scenes`, each in one split alone",
    license="Apache-2.0",
    size=(1, 22),
    build={"units": 96, "embedding": 48, "attention": 48},
    train={"epochs": 6, "batch_size": 64, "learning_rate": 4e-3, "validate_every": 3},
    forms=("float32", "int8"),
)
