"""char_lstm.shakespeare: the next character of Shakespeare's plays, one LSTM of 448 units.

    KERAS_BACKEND=jax zoo train --recipe char_lstm.shakespeare --data text:tinyshakespeare.txt --out runs/char_lstm_shakespeare
    zoo recipes pack char_lstm.shakespeare runs/char_lstm_shakespeare --data text:tinyshakespeare.txt

The file is char-rnn's data/tinyshakespeare/input.txt. 32 places of it are read side by side, 64 characters a step, with states
carried on; the last tenth chose nothing. After 2, 4 and 5 epochs it was at 1.58, 1.49 and 1.48 nats. Files are those of one
step. Where int8 lost 0.012 nats (six windows, the third epoch), it lost 0.001 with the cell in 16 bits
(keep_int16="lstm1_cell"), which GPUs do not take.

On one of two CPU cores, which other work had too: 51 minutes, 2,450 steps. On JAX, which did 8,600 characters a second of the
processor's time (512 units, 64 texts) where TensorFlow did 7,500 and PyTorch 2,300. One seed. 512 units with a dropout of 0.2
were at 1.69 on the first four windows after one of eight epochs, for which there was no time.
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
    forms=("float32", "int8"),
)
