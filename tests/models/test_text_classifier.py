"""text_classifier: it hears the order of words and no padding, in Keras, in every form of its file, in words and on the GPU."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from command import says

import converters
import edge
import zoo
import zoo.data
from edge.gpu.samples import feeds_of
from edge.gpu.vulkan import driver
from edge.graph import read_graph
from edge.tflite_file import read_card
from zoo import tasks
from zoo.analysis.tiny_models import tiny_model, toy_batch
from zoo.data import Dataset
from zoo.data.targets import Label, Sentence, Tokens
from zoo.errors import InputError
from zoo.outputs.class_scores import probabilities
from zoo.outputs.vocabulary import END, SENTENCES
from zoo.tasks.text_classification import vocabulary_of

SPEC = "scenes_comparisons:count=64"
WORDS = (*SENTENCES, *"abcdef")
PLACES = 6  # of words, the end with them
FORMS = {"float32": 1e-4, "float16": 5e-3, "int8": 0.12}  # by how much a share may differ


@pytest.fixture(scope="module")
def learnt() -> keras.Model:
    """Which of two words comes first: the same words in another order are of another class."""
    model = tiny_model("text_classifier", input_shape=(1, PLACES, 1))
    toy = toy_batch(model, 256)
    loss = tasks.get("text_classification").loss(zoo.output_spec(model))
    model.compile(keras.optimizers.Adam(0.03), loss, jit_compile=False)
    model.fit(toy.images, toy.targets, 64, 12, verbose=0)
    return model


def shares(model: keras.Model, texts: np.ndarray) -> np.ndarray:
    return probabilities(keras.ops.convert_to_numpy(model(texts)), zoo.output_spec(model))


def sentence(*words: str, places: int = PLACES, padding: int = 0) -> np.ndarray:
    numbers = [*(WORDS.index(word) for word in words), SENTENCES.index(END)]
    return np.array(numbers + [padding] * (places - len(numbers)), np.float32).reshape(1, 1, places, 1)


def test_it_hears_the_order_of_words(learnt: keras.Model) -> None:
    held_out = toy_batch(learnt, 200, seed=1)
    right = shares(learnt, held_out.images).argmax(-1) == held_out.targets
    exchanged = held_out.images.copy()
    exchanged[:, :, [0, 1]] = held_out.images[:, :, [1, 0]]
    assert right.mean() > 0.9
    assert (shares(learnt, exchanged).argmax(-1) == held_out.targets).mean() < 0.1


def test_however_much_padding_follows_the_answer_is_the_same(learnt: keras.Model) -> None:
    other = tiny_model("text_classifier", input_shape=(1, 4, 1))
    other.set_weights(learnt.get_weights())
    text = ("b", "d")
    np.testing.assert_allclose(learnt(sentence(*text)), other(sentence(*text, places=4)), atol=1e-5)
    # A word behind the end is one, and is heard.
    assert np.abs(np.asarray(learnt(sentence(*text))) - np.asarray(learnt(sentence(*text, padding=4)))).max() > 1e-2
    assert np.isfinite(np.asarray(learnt(np.zeros((1, 1, PLACES, 1), np.float32)))).all()


@pytest.fixture(scope="module")
def paths(learnt: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, texts = tmp_path_factory.mktemp("texts"), toy_batch(learnt, 64, seed=2).images
    return {
        form: converters.to_tflite(
            learnt, folder / f"{form}.tflite", form, calibration=texts if form == "int8" else None
        ).path
        for form in FORMS
    }


class TestFiles:
    def test_every_form_hears_what_keras_hears_and_no_padding(self, learnt, paths: dict[str, Path]) -> None:
        """Masks are easily lost in conversion: sentences of one to four words, behind which all is padding."""
        texts = [("a",), ("b", "d"), ("d", "b"), ("c", "a", "e"), ("f", "e", "a", "b")]
        batch = np.concatenate([sentence(*words) for words in texts])
        expected = shares(learnt, batch)
        for form, allowed in FORMS.items():
            with edge.Runner(paths[form]) as runner:
                given = np.stack([runner(" ".join(words)) for words in texts])
                as_numbers = np.stack([runner(text.astype(np.uint8)) for text in batch])
            np.testing.assert_array_equal(given, as_numbers)
            assert np.abs(given - expected).max() < allowed, form
        assert np.abs(expected[1] - expected[2]).max() > 0.5  # they differ by their order alone

    def test_they_are_whole_on_the_gpu(self, paths: dict[str, Path]) -> None:
        if driver() is None:
            pytest.skip("no Vulkan driver for the GPU accelerator")
        samples = [sentence("a", "b")[0], sentence("e", "c", "d")[0]]
        for form in ("float32", "int8"):
            verdict = edge.gpu_check(paths[form], samples, precisions=("float32",))
            assert verdict.ok, f"{form}: {verdict.report()}"

    def test_the_gpu_check_asks_in_words(self, paths: dict[str, Path]) -> None:
        """Where nobody gives samples: numbers of words that it knows, not grey levels."""
        graph, card = read_graph(paths["float32"]), read_card(paths["float32"])
        feeds, description = feeds_of(graph, card, None)
        words = np.concatenate([feed[0].reshape(-1) for feed in feeds])
        assert "words" in description and np.array_equal(words, words.round())
        assert 0 <= words.min() < words.max() < len(card.vocabulary)

    def test_what_cannot_be_read_is_an_error(self, paths: dict[str, Path]) -> None:
        with edge.Runner(paths["float32"]) as runner:
            for wrong, message in (
                ("a x", "'x' is none of the 9 words"),
                ("", "has 0 words; float32.tflite reads 1 to 5"),
                ("a " * 6, "has 6 words"),
                (np.zeros((1, 5, 1), np.uint8), "reads 1×6×1, or give the sentence as text"),
            ):
                with pytest.raises(InputError, match=message):
                    runner(wrong)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return zoo.data.open(SPEC, "train")


def test_the_command_line_learns_converts_and_judges(tmp_path: Path, monkeypatch, capsys) -> None:
    run, path = tmp_path / "run", tmp_path / "judge.tflite"
    small = ("-o", run, "--epochs", 1, "--batch-size", 32, "--option", "units=8", "--option", "embedding=6")
    status, text, error = says(monkeypatch, capsys, "train", "text_classifier", "-d", SPEC, *small)
    assert status == 0, text + error
    status, text, error = says(monkeypatch, capsys, "convert", run, "-c", SPEC, "--out", path)
    assert status == 0 and "parity of float32" in text and "passed" in text, text + error
    said = set()
    for model in (path, run):
        status, text, error = says(monkeypatch, capsys, "predict", model, "--text", "the star is left of the disk.")
        assert status == 0 and text.startswith("the star is left of the disk.: "), text + error
        said.add(text)
    assert len(said) == 1
    for arguments, complaint in (
        ((path, "a.png"), "reads sentences; give it one: --text"),
        ((path, "--text", "the zebra"), "'zebra' is none of the"),
        ((path, "a.png", "--text", "the star"), "--text takes the place of pictures"),
        ((path, "--question", "what ?", "--answers", "a,b"), "is asked nothing in words; leave out --question"),
    ):
        status, _, error = says(monkeypatch, capsys, "predict", *arguments)
        assert status == 2 and complaint in error, error


def test_other_words_are_an_error(data: Dataset) -> None:
    with pytest.raises(InputError, match=r"knows other words than .*; build it with vocabulary=data\.vocabulary"):
        zoo.train(tiny_model("text_classifier"), data, epochs=1, verbose=0)
    with pytest.raises(InputError, match=r"build it with input_shape=\(1, 16, 1\)"):
        zoo.train(zoo.build("text_classifier", input_shape=(1, 9, 1)), data, epochs=1, verbose=0)
    with pytest.raises(InputError, match="expected <padding>, <start>, <end> and words"):
        vocabulary_of(("a", "b"))


def test_words_are_never_changed_as_pictures_are(data: Dataset) -> None:
    """`zoo train` changes pictures where nobody says otherwise: grey levels made lighter would be other words."""
    every = {name: tasks.get(name).augmentation() for name in tasks.names()}
    read = {name for name in every if not tasks.get(name).stretches}
    assert {"language_model", "question_answering", "text_classification", "translation"} <= read
    assert all((every[name] is None) == (name in read) for name in every)
    for name in ("captioning", "frame_labels"):  # which speak of left and right, and of all that is there
        assert every[name].flip == 0 and every[name].scale == (1, 1)
    with pytest.raises(InputError, match="numbers of words, which are no grey levels"):
        zoo.train(zoo.build("text_classifier"), data, epochs=1, verbose=0, augment=zoo.data.Augment())


def test_a_picture_is_not_mirrored_under_a_sentence() -> None:
    picture, random = np.arange(48, dtype=np.uint8).reshape(4, 4, 3), np.random.default_rng(0)
    always = zoo.data.Augment(flip=1, scale=(1, 1), brightness=0, contrast=0, saturation=0)
    for target, flipped in ((Sentence(np.array([4, 2])), False), (Tokens(np.array([1, 2])), False), (Label(1), True)):
        image, same = always(picture, target, random)
        assert same is target and np.array_equal(image, picture[:, ::-1] if flipped else picture)
