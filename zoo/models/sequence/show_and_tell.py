"""Show and Tell: a sentence about a picture that was seen once, before the first word (Vinyals et al., 2015).

Faithful: an encoder's last features, averaged and brought to the width of a word, are the first input of an LSTM, and no other
step sees the picture; the scores are a layer over its answers. 512 units and words of 512 numbers, as in the paper.

Different: any encoder of this zoo stands where Inception was, by default one that suits a phone, and learns with the rest.

`show_attend_tell` looks anew for each word. A device runs both in two files: `zoo.layers.encoder_network`,
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
    "Show and Tell: A Neural Image Caption Generator", "Vinyals et al.", 2015, "https://arxiv.org/abs/1411.4555",
)  # fmt: skip
VARIANTS = {"show_and_tell": Variant()}


@register(
    VARIANTS, task="captioning", paper=PAPER, input_size=(224, 224),
    tiny={"encoder_options": {"width": 0.1, "depth": 0.3}, "units": 8, "embedding": 6, "length": 4},
)  # fmt: skip
def show_and_tell(
    image: Any,
    words: int,
    *,
    encoder: str = "mobilenet_v2",
    encoder_options: Mapping[str, Any] | None = None,
    length: int = 22,
    units: int = 512,
    embedding: int = 512,
    dropout: float = 0.0,
) -> Any:
    """An encoder, and a decoder that sees the mean of its features once.

    Args:
        image: N×H×W×C, 0–255.
        words: in the vocabulary, with the marks.
        encoder: any.
        encoder_options: of that encoder.
        length: words of a sentence, its end with them.
        units: of the LSTM.
        embedding: width of a word's vector.
        dropout: share of what the scores are made of that is left out in training.

    Returns:
        Scores N×length×words.
    """
    features = encoder_features(encoder, image, **(encoder_options or {})).deepest
    return layers.SentenceDecoder(words, length, units, embedding, dropout=dropout, name="decoder")(features)
