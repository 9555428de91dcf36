"""char_lstm.shakespeare: the next character of Shakespeare's plays.

    KERAS_BACKEND=jax zoo train --recipe char_lstm.shakespeare --data text:tinyshakespeare.txt --out runs/char_lstm_shakespeare
    zoo recipes pack char_lstm.shakespeare runs/char_lstm_shakespeare --data text:tinyshakespeare.txt
"""

from zoo.recipes import Recipe

TEXTS = 32  # that are read side by side, each on from where it was

RECIPE = Recipe(
    name="char_lstm.shakespeare",
    data="text",
    data_options="length=64",
    source="tiny Shakespeare (Karpathy, char-rnn, 2015): 1,115,394 characters, the first 90 % train, the rest val",
    license="public domain",
    size=(1, 64),
    build={"units": 448, "carried": TEXTS},
    train={"epochs": 5, "batch_size": TEXTS, "learning_rate": 3e-3},
    val=None,
    scored="val",
)
