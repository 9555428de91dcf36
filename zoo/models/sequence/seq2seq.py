"""seq2seq: a sentence is read, and written anew in another language, each word with an eye on the words read.

No paper of its own; after Bahdanau et al. (2015). As theirs: attention that is additive and asked by the state before each
word; a cell that hears the word before and what was fetched; scores of the sum of word, state and what was fetched (their
A.2.2). States begin as layers of tanh of what was read.

Different: one cell of `units` reads, in one direction, where theirs are two, and it is an LSTM where theirs is the GRU; states
begin with the mean of what was read, where theirs begins with the end of the backward cell; a gate weighs what is fetched, as
Xu et al. have it; the sum goes to the scores without a maxout. Small, for the sentences of scenes.

A sentence is a picture of one row, N×1×S×1 with the number of a word a pixel. What follows its end is padding, 0, and changes
nothing. A device runs two files, `zoo.layers.encoder_network` once and `zoo.layers.word_network` a word.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.paper import Paper
from zoo.registry import Variant, register

BAHDANAU = Paper(
    "Neural Machine Translation by Jointly Learning to Align and Translate", "Bahdanau, Cho, Bengio", 2015,
    "https://arxiv.org/abs/1409.0473",
)  # fmt: skip
SUTSKEVER = Paper(
    "Sequence to Sequence Learning with Neural Networks", "Sutskever, Vinyals, Le", 2014, "https://arxiv.org/abs/1409.3215",
)  # fmt: skip
VARIANTS = {"seq2seq": Variant(inspired_by=(BAHDANAU, SUTSKEVER))}


@register(
    VARIANTS, task="translation", paper=None, input_size=(1, 22), channels=1, min_size=1, fixed_size=True,
    tiny={"units": 8, "embedding": 6, "attention": 5, "length": 6},
)  # fmt: skip
def seq2seq(
    sentence: Any,
    words: int,
    *,
    length: int = 22,
    cell: str = "lstm",
    units: int = 256,
    embedding: int = 64,
    attention: int = 128,
    dropout: float = 0.0,
) -> Any:
    """A cell that reads, and a decoder that looks at what it read.

    Args:
        sentence: N×1×S×1, the number of the word at each place.
        words: in the vocabulary of both languages.
        length: words of an answer, the end with them.
        cell: that reads: "rnn" (tanh), "lstm" or "gru".
        units: of it, and of the LSTM that writes.
        embedding: width of a word's vector.
        attention: width of what is compared in a place.
        dropout: share of what the scores are made of that is left out in training.

    Returns:
        Scores N×length×words.
    """
    x = layers.TokenEmbedding(words, embedding, name="embedding")(sentence)
    read = layers.Recurrence(cell, units, name="encoder")(x)
    decoder = layers.TranslationDecoder(words, length, units, embedding, attention, dropout, name="decoder")
    return decoder([read, sentence])
