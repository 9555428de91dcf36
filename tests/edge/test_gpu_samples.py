"""What the GPU check feeds a file where no samples are given."""

from __future__ import annotations

import numpy as np
import pytest

from edge.gpu.samples import SEEDED, feeds_of
from edge.graph import read_graph
from edge.tflite_file import read_card
from zoo.pretrained import catalog


@pytest.mark.parametrize("name", ["vqa.scenes:int8", "seq2seq.captions:int8", "char_lstm.shakespeare:int8"])
def test_words_are_of_the_vocabulary(name: str) -> None:
    """What is asked in words is given numbers of words: an embedding has no row for grey levels."""
    path = catalog.find(name)
    graph = read_graph(path)
    card = read_card(path, graph)
    feeds, description = feeds_of(graph, card, None)
    said = {"question", "answers", "word", "image"}
    texts = [place for place, spec in zip(card.fed, card.inputs, strict=True) if spec.name in said]
    assert texts and "words" in description and len(feeds) == SEEDED
    for place in texts:
        words = np.concatenate([graph.inputs[place].real(feed[place]).reshape(-1) for feed in feeds])
        assert np.array_equal(words, words.round()) and 0 <= words.min() < words.max() < len(card.labels)
