"""Sentence decoders: held to a plain recurrence in NumPy, on every backend, and to themselves a word at a time."""

from __future__ import annotations

from pathlib import Path

import decoder_toy
import keras
import numpy as np
import pytest
from caption_models import LABELS, LENGTH, OPTIONS, blobs, captioner
from decoder_toy import in_numpy, numbers

import zoo
import zoo.layers
from zoo.errors import InputError
from zoo.layers import encoder_network, fed, supervised, word_network
from zoo.outputs import sayings

EXACT = {"rtol": 0, "atol": 2e-5}


@pytest.fixture(scope="module", params=sorted(OPTIONS))
def model(request: pytest.FixtureRequest) -> keras.Model:
    return captioner(request.param)


def test_decoders_say_what_the_papers_equations_say(tmp_path: Path) -> None:
    """On this backend; tests/training/test_backends.py asks the others."""
    decoder_toy.write_questions(tmp_path / "decoders")
    decoder_toy.write_answers(tmp_path / "decoders")
    decoder_toy.check_answers(tmp_path / "decoders")


def test_it_says_what_the_papers_equations_say(model: keras.Model) -> None:
    decoder, images = model.get_layer("decoder"), blobs().astype("float32")
    maps = numbers(keras.Model(model.inputs, decoder.input)(images))
    said = numbers(model(images))
    np.testing.assert_allclose(said, in_numpy(decoder, maps), **EXACT)
    assert len({row.tobytes() for row in said.argmax(axis=-1)}) > 2  # it looks at the picture


def test_behind_its_own_words_teacher_forcing_changes_nothing(model: keras.Model) -> None:
    images = blobs().astype("float32")
    said = numbers(model(images))
    network, _ = supervised(model)
    np.testing.assert_allclose(numbers(network(fed(network, images, said.argmax(axis=-1)))), said, **EXACT)
    other = (said.argmax(axis=-1) + 1) % len(LABELS)
    forced = numbers(network(fed(network, images, other)))
    np.testing.assert_allclose(forced[:, 0], said[:, 0], **EXACT)  # nothing is before the first word
    assert np.abs(forced[:, 1:] - said[:, 1:]).max() > 0.1


def test_word_by_word_it_says_the_same_and_looks_somewhere(model: keras.Model) -> None:
    encoder, words = encoder_network(model), word_network(model)
    spec, said = words.get_layer("answer").spec, numbers(model(blobs()[:1].astype("float32")))

    def step(word: int, states: dict) -> tuple[dict, dict]:
        given = {"word": np.full((1, 1, 1, 1), word, np.float32), **states}
        outputs = {name: numbers(value) for name, value in words([given[each.name] for each in words.inputs]).items()}
        return outputs, {**states, **{name: outputs[f"{name}_next"] for name in ("lstm_h", "lstm_c")}}

    for picture, expected in zip(blobs()[:1], said, strict=False):
        states = {name: numbers(value) for name, value in encoder(picture[None].astype("float32")).items()}
        rows = sayings.greedy_scores(step, states, spec)
        reached = rows.any(axis=1)
        np.testing.assert_allclose(rows[reached], expected[reached], **EXACT)
        saying = sayings.say(step, states, spec)
        np.testing.assert_array_equal(saying.numbers, zoo.outputs.get("sentence").decode(expected, spec, (64, 64)))
        assert sayings.say(step, states, spec, beams=1).text == saying.text
        if model.name == "show_attend_tell":
            np.testing.assert_allclose(saying.looks.sum(axis=(1, 2)), 1, atol=1e-5)
            assert saying.looks.shape == (len(saying.words), 8, 8)
        else:
            assert saying.looks is None


def test_padding_that_is_no_place_weighs_nothing() -> None:
    keras.utils.set_random_seed(0)
    layer, random = zoo.layers.SoftAttention(), np.random.default_rng(0)
    state, values, keys = (random.normal(size=shape).astype("float32") for shape in ((2, 5), (2, 7, 3), (2, 7, 4)))
    empty = np.zeros((2, 7), "float32")
    empty[:, 4:] = 1
    mean, shares = layer([state, values, keys, empty])
    alone, _ = layer([state, values[:, :4], keys[:, :4]])
    np.testing.assert_allclose(numbers(mean), numbers(alone), atol=1e-6)
    assert numbers(shares)[:, 4:].max() < 1e-8


def test_what_has_no_words_is_an_error() -> None:
    other = zoo.build("tiny_denoiser", width=0.25)
    for make in (encoder_network, word_network):
        with pytest.raises(InputError, match="says no sentences"):
            make(other)
    with pytest.raises(InputError, match="expected a vocabulary, <padding>, <start>, <end> and words"):
        zoo.build("show_and_tell", classes=("a", "b"))
    assert zoo.build("show_and_tell", classes=LABELS, length=LENGTH, units=4).output_shape == (None, LENGTH, len(LABELS))
