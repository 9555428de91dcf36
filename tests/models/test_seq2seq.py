"""seq2seq: what it looks at are words, whatever fills up the sentence, in Keras and in files."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import converters
import edge
import zoo
from zoo.layers.sentence_decoder import ATTENTION, EMPTY, encoder_network, word_network
from zoo.outputs.vocabulary import END, SENTENCES, START

WORDS = (*SENTENCES, *"abcdefgh")
SMALL = {"classes": WORDS, "units": 8, "embedding": 6, "attention": 5, "length": 5}
SAID = (5, 3, 8, SENTENCES.index(END))


def network(places: int) -> keras.Model:
    """Untrained, but with vectors so large that it says something."""
    keras.utils.set_random_seed(2)
    model = zoo.build("seq2seq", input_shape=(1, places, 1), **SMALL)
    model.set_weights([4 * weight for weight in model.get_weights()])
    return model


def sentence(places: int) -> np.ndarray:
    return np.array([*SAID, *[0] * (places - len(SAID))], np.float32).reshape(1, 1, places, 1)


@pytest.fixture(scope="module")
def long() -> keras.Model:
    return network(9)


def test_however_much_padding_follows_the_same_is_said(long: keras.Model) -> None:
    expected = keras.ops.convert_to_numpy(long(sentence(9)))
    for places in (4, 6):
        said = keras.ops.convert_to_numpy(network(places)(sentence(places)))
        np.testing.assert_allclose(said, expected, atol=1e-5)
    assert expected.std() > 0.3
    other = sentence(9)
    other[0, 0, 4, 0] = 4  # a word behind the end is one, and is heard
    assert np.abs(keras.ops.convert_to_numpy(long(other)) - expected).max() > 1e-3


def test_padding_is_never_looked_at_in_files(long: keras.Model, tmp_path: Path) -> None:
    """Masks are easily lost in conversion: the two files of a device are walked word by word beside Keras."""
    encoder, step = (converters.to_tflite(each(long), tmp_path / f"{each.__name__}.tflite").path
                     for each in (encoder_network, word_network))  # fmt: skip
    expected = keras.ops.convert_to_numpy(long(sentence(9)))[0]
    with edge.Runner(encoder) as reading, edge.Runner(step) as writing:
        fed = reading.outputs(sentence(9))
        np.testing.assert_array_equal(fed[EMPTY][0], [0] * len(SAID) + [1] * 5)
        word = WORDS.index(START)
        for scores in expected:
            results = writing.outputs({"word": np.full((1, 1, 1, 1), word, np.float32), **fed})
            np.testing.assert_allclose(results["answer"][0], scores, atol=1e-4)
            looked = results[ATTENTION].reshape(-1)
            assert looked[len(SAID) :].max() == 0 and looked.sum() == pytest.approx(1, abs=1e-5)
            fed |= {name: results[f"{name}_next"] for name in ("lstm_h", "lstm_c")}
            word = int(scores.argmax())


def test_an_empty_sentence_is_no_fault(long: keras.Model) -> None:
    assert np.isfinite(keras.ops.convert_to_numpy(long(np.zeros((1, 1, 9, 1), np.float32)))).all()
