"""Which names of the registry stand for which graphs, and tiny models of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import keras
import numpy as np

import zoo
from converters import choices
from zoo import registry
from zoo.analysis.tiny_models import tiny_model

NAMES = zoo.list_models()
ENCODERS = zoo.list_models(encoder=True)
# One of each architecture, for what the variants of one file cannot differ in: the one of the shortest name.
ARCHITECTURES = sorted(
    {
        registry.get(name).body or registry.get(name).builder: name
        for name in sorted(NAMES, key=lambda name: (-len(name), name))
    }.values()
)
ODD = (97, 131)
NO_OPS = ("dropout", "drop_connect")  # options that change no op of a network that answers


def kind(name: str) -> tuple:
    """Variants of one kind have graphs that differ in numbers only: how wide, how deep, how often."""
    entry = registry.get(name)
    options = {**entry.options, **entry.tiny}
    words = {key: value if isinstance(value, str | bool | None) else ... for key, value in options.items()}
    return entry.body or entry.builder, *sorted((item for item in words.items() if item[0] not in NO_OPS), key=str)


# One of each kind, a mobile one where there is any, of the shortest name.
KINDS = sorted(
    {kind(name): name for name in sorted(NAMES, key=lambda n: (not registry.get(n).mobile, len(n), n), reverse=True)}.values()
)


def tiny(name: str, size: tuple[int, int] | None = ODD, **options) -> keras.Model:
    """`zoo.analysis.tiny_models.tiny_model` at sides that nothing divides."""
    return tiny_model(name, size, **options)


@functools.lru_cache(maxsize=2)  # tests of one name follow each other: tests/conftest.py
def shared_tiny(name: str, size: tuple[int, int] | None) -> keras.Model:
    """The tiny sibling that the tests which only look at a model have in common; ask for it by the fixtures of conftest."""
    keras.backend.clear_session()
    return tiny(name, size)


def pictures(model: keras.Model, count: int = 2) -> np.ndarray:
    shape = model.inputs[0].shape
    return np.random.default_rng(0).uniform(0, 255, (count, *shape[1:])).astype("float32")


def answer(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(images, training=False))


def answer_at_near_ties(model: keras.Model, images: np.ndarray, recorded: Mapping[str, np.ndarray]) -> np.ndarray:
    """The answer with the positions of maxima that another computation recorded, wherever they tie but for rounding."""
    (found,), _, _ = choices.answers(choices.trace(model), [images], recorded)
    return found
