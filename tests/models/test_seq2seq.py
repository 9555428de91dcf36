"""seq2seq: what it looks at are words, whatever fills up the sentence, in Keras and in files."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import converters
import edge
import zoo
import zoo.data
from zoo.errors import InputError
from zoo.layers.sentence_decoder import ATTENTION, EMPTY
from zoo.metrics.sentences import SentenceScores
from zoo.outputs.sentence import until_end
from zoo.outputs.vocabulary import END, SENTENCES, START
from zoo.pretrained import catalog

WORDS = (*SENTENCES, *"abcdefgh")
SMALL = {"classes": WORDS, "units": 8, "embedding": 6, "attention": 5, "length": 5}
SAID = (5, 3, 8, SENTENCES.index(END))


def network(places: int) -> keras.Model:
    """Untrained, but with vectors so large that it says something."""
    keras.utils.set_random_seed(2)
    model = zoo.build("seq2seq", input_shape=(1, places, 1), **SMALL)
    for weight in model.weights:
        weight.assign(weight * (1 if "energy" in weight.path else 4))  # what places are worth stays as small as it is learnt
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


@pytest.fixture(scope="module")
def path(long: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return converters.device_files(long, tmp_path_factory.mktemp("seq2seq") / "said.tflite")[0].path


def test_padding_is_never_looked_at_in_files(long: keras.Model, path: Path) -> None:
    """Masks are easily lost in conversion: the two files of a device are walked word by word beside Keras."""
    expected = keras.ops.convert_to_numpy(long(sentence(9)))[0]
    with edge.Runner(path) as runner:
        fed = runner.encoder.outputs(sentence(9))
        np.testing.assert_array_equal(fed[EMPTY][0], [0] * len(SAID) + [1] * 5)
        word = WORDS.index(START)
        for scores in expected:
            results = runner.outputs({"word": np.full((1, 1, 1, 1), word, np.float32), **fed})
            np.testing.assert_allclose(results["answer"][0], scores, atol=1e-4)
            looked = results[ATTENTION].reshape(-1)
            assert looked[len(SAID) :].max() < 1e-7 and looked.sum() == pytest.approx(1, abs=1e-5)
            fed |= {name: results[f"{name}_next"] for name in ("lstm_h", "lstm_c")}
            word = int(scores.argmax())


def test_a_text_is_said_anew_by_the_files(long: keras.Model, path: Path) -> None:
    text = " ".join(WORDS[number] for number in SAID[:-1])
    expected = until_end(keras.ops.convert_to_numpy(long(sentence(9)))[0].argmax(-1), WORDS)
    with edge.Runner(path) as runner:
        np.testing.assert_array_equal(edge.say(runner, text).numbers, expected)
        np.testing.assert_array_equal(runner(sentence(9)[0].astype(np.uint8)), expected)
        for wrong, message in (
            ("c a i", "'i' is none of the 11 words"),
            ("", "has 0 words; said.tflite reads 1 to 8"),
            ("a b c d e f g h a", "has 9 words"),
            (np.zeros((1, 5, 1), np.uint8), "reads 1×9×1"),
        ):
            with pytest.raises(InputError, match=message):
                edge.say(runner, wrong)


def test_an_empty_sentence_is_no_fault(long: keras.Model) -> None:
    assert np.isfinite(keras.ops.convert_to_numpy(long(np.zeros((1, 1, 9, 1), np.float32)))).all()


def test_the_shipped_files_translate_what_was_never_learnt() -> None:
    """In eight bits, where an attention that is masked by a large number says nothing."""
    held_out = zoo.data.open("scenes_translation:count=160", "test")
    scores = SentenceScores(held_out.classes, held_out.ignore)
    with edge.Runner(catalog.get("seq2seq.captions").path("int8")) as runner:
        for image, target, _ in held_out:
            scores.update(target, runner(image))
    values = {score.name: score.value for score in scores.scores()}
    assert values["exact_match"] > 0.9 and values["bleu"] > 0.95 and len(held_out) > 15, values
