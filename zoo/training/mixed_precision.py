"""Mixed precision and frozen batch normalisation: a network as it is while it trains, undone afterwards."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from zoo.errors import InputError
from zoo.layers import ModelOutput

PRECISIONS = ("float32", "bfloat16", "float16")


@contextmanager
def computing_in(model: keras.Model, precision: str) -> Iterator[None]:
    """Lets the layers of a float32 model compute in half precision; weights stay float32, and so does the `ModelOutput`.

    A layer's policy decides what it casts its inputs and weights to when it is called, so a built model needs no
    rebuilding, only a fresh trace. Layers that were given a policy of their own keep it.
    """
    changed = []
    if precision != "float32":
        changed = [
            layer
            for layer in every_layer(model)
            if layer.dtype_policy.name == "float32" and not isinstance(layer, ModelOutput | keras.layers.InputLayer)
        ]
    for layer in changed:
        layer.dtype_policy = f"mixed_{precision}"
    try:
        yield
    finally:
        for layer in changed:
            layer.dtype_policy = "float32"


@contextmanager
def holding_batchnorm(model: keras.Model, which: bool | str) -> Iterator[None]:
    """Keeps batch normalisation still: statistics, scale and offset.

    `which`: all, none, or those whose layer name matches one of the globs in a list like "stem*,block*".

    Raises:
        InputError: no batch normalisation has a name like that.
    """
    patterns = which.split(",") if isinstance(which, str) else ["*"] * which
    norms = [layer for layer in every_layer(model) if isinstance(layer, keras.layers.BatchNormalization)]
    named = [layer for layer in norms if any(fnmatch.fnmatchcase(layer.name, pattern) for pattern in patterns)]
    layers = [layer for layer in named if layer.trainable]
    if isinstance(which, str) and not named:
        names = ", ".join(layer.name for layer in norms[:3]) or "none"
        raise InputError(f"frozen_batchnorm={which!r} matches no BatchNormalization; their names begin {names}")
    for layer in layers:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in layers:
            layer.trainable = True


@contextmanager
def holding(model: keras.Model, which: str | None) -> Iterator[None]:
    """Keeps layers as they are: globs with commas between them name them; None keeps none.

    Raises:
        InputError: for a glob that matches no layer with weights.
    """
    held: list[keras.layers.Layer] = []
    weighted = [layer for layer in every_layer(model) if layer.weights]
    for pattern in which.split(",") if which is not None else ():
        named = [layer for layer in weighted if fnmatch.fnmatchcase(layer.name, pattern)]
        if not named:
            names = ", ".join(layer.name for layer in weighted[:3]) or "none"
            raise InputError(f"frozen={which!r}: {pattern!r} matches no layer with weights; their names begin {names}")
        held += [layer for layer in named if layer.trainable]
    for layer in held:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in held:
            layer.trainable = True


def every_layer(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model and of the models inside it, the models themselves left out."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from every_layer(layer)
        else:
            yield layer
