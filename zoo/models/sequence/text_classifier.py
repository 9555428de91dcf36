"""text_classifier: what a sentence says, as one of some classes: an LSTM reads it word by word, and its last state is judged.

No paper of its own; the lectures' "many to one", and what Dai & Le (2015) do with a text: vectors of words, an LSTM, and a
layer of scores over what it knows behind the last word. They begin with weights that have learnt to write the text; here they
are drawn. The order of words counts, as it does not for a mean of vectors: "the star is left of the disk" and "the disk is left
of the star" have the same words.

A sentence is a picture of one row, N×1×S×1 with the number of a word a pixel. What follows its end is padding, 0, and changes
nothing (`zoo.layers.TextScores`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo import layers
from zoo.data.datasets.scenes_comparisons import LENGTH
from zoo.lazy import keras
from zoo.outputs.vocabulary import SENTENCES
from zoo.paper import Paper
from zoo.registry import Variant, register
from zoo.tasks.text_classification import vocabulary_of

DAI = Paper("Semi-supervised Sequence Learning", "Dai, Le", 2015, "https://arxiv.org/abs/1511.01432")
VARIANTS = {"text_classifier": Variant(inspired_by=(DAI,))}


@register(
    VARIANTS, task="text_classification", paper=None, input_size=(1, LENGTH), channels=1, min_size=1, fixed_size=True,
    tiny={"units": 8, "embedding": 6, "vocabulary": (*SENTENCES, *"abcdef")},
)  # fmt: skip
def text_classifier(
    text: Any,
    classes: int,
    *,
    vocabulary: Sequence[str] | None = None,
    cell: str = "lstm",
    units: int = 64,
    depth: int = 1,
    embedding: int = 32,
    dropout: float = 0.0,
) -> Any:
    """An embedding, cells over one another, and the scores of what the upper one knows at the end.

    Args:
        text: N×1×S×1, the number of the word at each place.
        classes: that a text is of.
        vocabulary: the words by their numbers, what fills up first; by default those of English sentences about scenes.
        cell: "rnn" (tanh), "lstm" or "gru".
        units: of each cell.
        depth: how many cells lie over one another.
        embedding: width of a word's vector.
        dropout: share of each cell's answer that is left out in training.

    Returns:
        Logits N×classes.
    """
    words = vocabulary_of(vocabulary)
    x = layers.TokenEmbedding(len(words), embedding, name="embedding")(text)
    for number in range(1, depth + 1):
        x = layers.Recurrence(cell, units, name=f"{cell}{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"dropout{number}")(x)
    return layers.TextScores(classes, words, name="scores")([x, text])
