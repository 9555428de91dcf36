"""Which names of the registry stand for which graphs, and tiny models of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

import zoo
from converters import choices
from zoo import registry
from zoo.analysis.tiny_models import tiny_model

NAMES = zoo.list_models()
ENCODERS = zoo.list_models(encoder=True)
ODD = (97, 131)
NO_OPS = ("dropout", "drop_connect")  # options that change no op of a network that answers


def kind(name: str) -> tuple:
    """Variants of one kind have graphs that differ in numbers only: how wide, how deep, how often."""
    entry = registry.get(name)
    options = {**entry.options, **entry.tiny}
    words = {key: value if isinstance(value, str | bool | None) else ... for key, value in options.items()}
    return entry.body or entry.builder, *sorted((item for item in words.items() if item[0] not in NO_OPS), key=str)


def call(name: str) -> tuple:
    """All that a tiny sibling's making depends on: names that agree here have one and the same."""
    entry = registry.get(name)
    options = [item for item in {**entry.options, **entry.tiny}.items() if item[0] not in NO_OPS]
    facts = entry.task, entry.channels, entry.min_size, entry.input_size if entry.fixed_size else None
    return entry.body or entry.builder, *facts, repr(sorted(options))


def one_of_each(names: Iterable[str], key: Callable[[str], Any], mobile: bool = True) -> list[str]:
    """The names that stand for all of one key: of the shortest name, with `mobile` a mobile one where there is any."""
    order = sorted(names, key=lambda name: (mobile and not registry.get(name).mobile, len(name), name), reverse=True)
    return sorted({key(name): name for name in order}.values())


GRAPHS = one_of_each(NAMES, call)
KINDS = one_of_each(GRAPHS, kind)
# One of each architecture, for what the variants of one file cannot differ in.
ARCHITECTURES = one_of_each(KINDS, lambda name: registry.get(name).body or registry.get(name).builder, mobile=False)


def tiny(name: str, size: tuple[int, int] | None = ODD, **options) -> keras.Model:
    """`zoo.analysis.tiny_models.tiny_model` at sides that nothing divides."""
    return tiny_model(name, size, **options)


@functools.lru_cache(maxsize=2)  # tests of one name follow each other: tests/conftest.py
def shared_tiny(name: str, size: tuple[int, int] | None) -> keras.Model:
    """The tiny sibling that the tests which only look at a model have in common; ask for it by the fixtures of conftest."""
    keras.backend.clear_session(free_memory=False)
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
