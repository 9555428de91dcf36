"""Decoders of sentences written out in NumPy, and what the layers of this process's backend say with the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from quick_jax import drawn_as_zeros
from recurrence_toy import lstm, sigmoid

import zoo.layers
from zoo.layers.soft_attention import _BEYOND

VOCABULARY, LENGTH, UNITS, EMBEDDING, CHANNELS = 7, 5, 6, 4, 3
KINDS = {
    "show_and_tell": ("SentenceDecoder", 0),
    "show_attend_tell": ("SentenceDecoder", 5),
    "seq2seq": ("TranslationDecoder", 5),
}
TIGHT = 1e-5



def numbers(tensor: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def dense(layer: keras.layers.Dense, x: np.ndarray) -> np.ndarray:
    return x @ numbers(layer.kernel) + (numbers(layer.bias) if layer.use_bias else 0)


def in_numpy(
    decoder: zoo.layers.SentenceDecoder, maps: np.ndarray, words: np.ndarray | None = None, right: np.ndarray | None = None
) -> np.ndarray:
    """What a decoder says of maps, by the papers' equations.

    Args:
        decoder: with its weights.
        maps: N×h×w×C.
        words: of a sentence that was read, N×1×S×1; 0 is no place.
        right: N×length, the words that it is shown; by default it hears its own.
    """
    places, vectors = maps.reshape(len(maps), -1, maps.shape[-1]), numbers(decoder.words.embeddings)
    present = np.ones(places.shape[:2]) if words is None else np.minimum(words.reshape(len(words), -1), 1)
    places = places * present[..., None]
    mean = places.sum(axis=1) / np.maximum(present.sum(axis=1, keepdims=True), 1)
    weights = [numbers(weight) for weight in (decoder.cell.kernel, decoder.cell.recurrent_kernel, decoder.cell.bias)]
    word, rows = np.full(len(maps), decoder.start), []
    if decoder.attention:
        h, c = (np.tanh(dense(layer, mean)) for layer in decoder.first)
    else:
        h, c = lstm(dense(decoder.picture, mean), *np.zeros((2, len(maps), decoder.units)), weights)
    for place in range(decoder.length):
        x = vectors[word]
        if not decoder.attention:
            h, c = lstm(x, h, c, weights)
            rows.append(dense(decoder.scores, h))
        else:
            look = decoder.look
            asked = np.tanh(dense(decoder.keys, places) + (h @ numbers(look.query_kernel) + numbers(look.bias))[:, None])
            worth = (asked @ numbers(look.energy))[..., 0] - _BEYOND * (1 - present)
            shares = np.exp(worth - worth.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            fetched = (shares[..., None] * places).sum(axis=1) * sigmoid(dense(decoder.gate, h))
            h, c = lstm(np.concatenate([x, fetched], axis=1), h, c, weights)
            rows.append(dense(decoder.scores, x + dense(decoder.of_state, h) + dense(decoder.of_places, fetched)))
        word = rows[-1].argmax(axis=-1) if right is None else right[:, place]
    return np.stack(rows, axis=1)


def decoder(kind: str, given: list[Any]) -> zoo.layers.SentenceDecoder:
    """A small decoder, built for what it is given."""
    name, attention = KINDS[kind]
    with drawn_as_zeros():
        layer = getattr(zoo.layers, name)(VOCABULARY, LENGTH, UNITS, EMBEDDING, attention, name=f"toy_{kind}")
        layer.build([array.shape for array in given] if len(given) > 1 else given[0].shape)
    return layer


def write_questions(folder: Path) -> None:
    """Weights, what is told of and the right words for each kind, in files."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    for kind in KINDS:
        given = {"maps": random.normal(size=(3, 2, 4, CHANNELS)).astype("float32")}
        if kind == "seq2seq":
            given = {"maps": given["maps"].reshape(3, 1, 8, CHANNELS), "words": random.integers(1, 9, (3, 1, 8, 1))}
            given["words"] = (given["words"] * (np.arange(8) < [[3], [8], [5]])[:, None, :, None]).astype("float32")
        shapes = [weight.shape for weight in decoder(kind, list(given.values())).weights]
        weights = {f"weight_{place}": random.normal(0, 0.8, shape).astype("float32") for place, shape in enumerate(shapes)}
        right = random.integers(0, VOCABULARY, (3, LENGTH)).astype("int32")
        np.savez(folder / f"{kind}.npz", right=right, **given, **weights)


def write_answers(folder: Path) -> None:
    """What this backend's layers say by themselves, and behind the right words."""
    for kind in KINDS:
        layer, given, right = _question(folder, kind)
        told = [keras.ops.convert_to_tensor(array) for array in given]
        np.save(folder / f"{kind}.said.npy", numbers(layer.call(told if len(told) > 1 else told[0])))
        np.save(folder / f"{kind}.forced.npy", numbers(layer.call([*told, keras.ops.convert_to_tensor(right)])))


def check_answers(folder: Path) -> None:
    """Holds them to NumPy's."""
    for kind in KINDS:
        layer, given, right = _question(folder, kind)
        own, forced = in_numpy(layer, *given), in_numpy(layer, *given, right=right)
        np.testing.assert_allclose(np.load(folder / f"{kind}.said.npy"), own, atol=TIGHT, err_msg=kind)
        np.testing.assert_allclose(np.load(folder / f"{kind}.forced.npy"), forced, atol=TIGHT, err_msg=kind)
        assert np.abs(own - forced).max() > 0.1 and own.std() > 0.3, kind


def _question(folder: Path, kind: str) -> tuple[zoo.layers.SentenceDecoder, list[np.ndarray], np.ndarray]:
    with np.load(folder / f"{kind}.npz") as arrays:
        given = [arrays[name] for name in ("maps", "words") if name in arrays.files]
        layer = decoder(kind, given)
        layer.set_weights([arrays[f"weight_{place}"] for place in range(len(layer.weights))])
        return layer, given, arrays["right"]
