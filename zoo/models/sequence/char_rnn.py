"""char-rnn: which character comes next, told by a recurrent network that reads one after the other (Karpathy, 2015).

A text is a picture of one row, N×1×T×1 with the number of a character a pixel, so that it goes every road that pictures go;
of several rows each is a text of its own. An embedding, cells that read along the row, and scores of the next character at
every position. Karpathy's code stacks cells of one width with dropout between them; so do we. His reads characters as one-hot
vectors, ours as learnt ones.

A file of the whole network has its steps side by side, as many as its size says. What writes on from a prompt is the file of
one step, with its states in and out: `zoo.layers.step_network`.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "The Unreasonable Effectiveness of Recurrent Neural Networks", "Karpathy", 2015,
    "https://karpathy.github.io/2015/05/21/rnn-effectiveness/",
)  # fmt: skip
LSTM = Paper("Long Short-Term Memory", "Hochreiter, Schmidhuber", 1997, "https://doi.org/10.1162/neco.1997.9.8.1735")
VARIANTS = {
    "char_rnn": Variant(options={"cell": "rnn", "depth": 2}),
    "char_lstm": Variant(options={"cell": "lstm"}, inspired_by=(LSTM,)),
}


@register(
    VARIANTS, task="language_model", paper=PAPER, input_size=(1, 64), channels=1, min_size=1,
    tiny={"units": 8, "embedding": 4},
)  # fmt: skip
def char_rnn(
    text: Any,
    characters: int,
    *,
    cell: str = "lstm",
    units: int = 512,
    depth: int = 1,
    embedding: int = 64,
    dropout: float = 0.0,
    carried: int = 0,
) -> Any:
    """An embedding, cells over one another, and a layer of scores.

    Args:
        text: N×H×W×1, the number of a character at each position; each of the H rows is a text.
        characters: in the vocabulary.
        cell: "rnn" (tanh), "lstm" or "gru".
        units: of each cell.
        depth: how many cells lie over one another.
        embedding: width of a character's vector.
        dropout: share of each cell's answer that is left out in training.
        carried: texts of a training batch whose states are carried on to the next one; 0 for none.

    Returns:
        Logits N×H×W×characters of what comes next.
    """
    x = layers.TokenEmbedding(characters, embedding, name="embedding")(text)
    for number in range(1, depth + 1):
        x = layers.Recurrence(cell, units, carried, name=f"{cell}{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"dropout{number}")(x)
    return keras.layers.Dense(characters, name="scores")(x)
