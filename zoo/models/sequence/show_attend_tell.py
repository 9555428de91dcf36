"""Show, Attend and Tell: a sentence about a picture, whose writer looks anew for each word (Xu et al., 2015).

Faithful: an LSTM over the word before and a mean of the map's places, which it weighs by its state (soft attention, their
section 4.2), with the gate on that mean; both states begin as functions of the places' mean; word, state and what was fetched
make the scores (their equation 7).

Different: any encoder of this zoo stands where VGG was, by default one that suits a phone, and learns with the rest. One layer,
not two, makes the first states. Their second penalty, by which every place is to be looked at about once, is left out:
sentences of scenes list things, and what is between them need not be looked at.

A device runs an encoder file once and a file of one word as often as there are words: `zoo.layers.encoder_network`,
`zoo.layers.word_network`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.models.encoders import features as encoder_features
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "Show, Attend and Tell: Neural Image Caption Generation with Visual Attention", "Xu et al.", 2015,
    "https://arxiv.org/abs/1502.03044",
)  # fmt: skip
VARIANTS = {"show_attend_tell": Variant(fixed_size=True)}  # how many places there are is part of the file of one word


@register(
    VARIANTS, task="captioning", paper=PAPER, input_size=(224, 224),
    tiny={"encoder_options": {"width": 0.1, "depth": 0.3}, "units": 8, "embedding": 6, "attention": 5, "length": 4},
)  # fmt: skip
def show_attend_tell(
    image: Any,
    words: int,
    *,
    encoder: str = "mobilenet_v2",
    encoder_options: Mapping[str, Any] | None = None,
    stride: int = 16,
    length: int = 22,
    units: int = 512,
    embedding: int = 256,
    attention: int = 256,
    dropout: float = 0.0,
) -> Any:
    """An encoder, and a decoder that looks at its map.

    Args:
        image: N×H×W×C, 0–255.
        words: in the vocabulary, with the marks.
        encoder: any that has this stride.
        encoder_options: of that encoder.
        stride: of the map whose places are looked at; deeper ones are left out.
        length: words of a sentence, its end with them.
        units: of the LSTM.
        embedding: width of a word's vector.
        attention: width of what is compared in a place.
        dropout: share of what the scores are made of that is left out in training.

    Returns:
        Scores N×length×words.
    """
    (places,) = encoder_features(encoder, image, **(encoder_options or {})).at(stride)
    return layers.SentenceDecoder(words, length, units, embedding, attention, dropout, name="decoder")(places)
