"""Weights of `keras.applications` in this zoo's networks.

Their models and ours are the same graphs under other names, so weights move layer by layer in graph order, with every
shape checked. What differs is what happens before the first layer: we normalise inside the graph and stay in RGB, so a
kernel that was trained on BGR has its input channels turned round once, here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from zoo.errors import InputError, unknown
from zoo.weights import existing


@dataclass(frozen=True)
class Source:
    """Where an encoder's weights come from.

    Attributes:
        module: in `keras.applications`; it holds their builder and their preprocessing.
        builder: name of the builder.
        options: its options.
        bgr: their images are BGR, so the first kernel's input channels are turned round.
    """

    module: str
    builder: str
    options: Mapping[str, Any] = field(default_factory=dict)
    bgr: bool = False

    def preprocess(self, images: np.ndarray) -> np.ndarray:
        """Their preprocessing of RGB images in 0–255, which our graphs hold inside."""
        return getattr(keras.applications, self.module).preprocess_input(images)

    def build(self, **options: Any) -> keras.Model:
        """Their model, untrained."""
        return getattr(keras.applications, self.builder)(weights=None, **self.options, **options)


SOURCES: dict[str, Source] = {
    "vgg16": Source("vgg16", "VGG16", bgr=True),
    "vgg19": Source("vgg19", "VGG19", bgr=True),
    "mobilenet_v2": Source("mobilenet_v2", "MobileNetV2"),
    "mobilenet_v2_140": Source("mobilenet_v2", "MobileNetV2", {"alpha": 1.4}),
    "mobilenet_v2_075": Source("mobilenet_v2", "MobileNetV2", {"alpha": 0.75}),
    "mobilenet_v2_050": Source("mobilenet_v2", "MobileNetV2", {"alpha": 0.5}),
    "mobilenet_v2_035": Source("mobilenet_v2", "MobileNetV2", {"alpha": 0.35}),
}


def source(name: str) -> Source:
    """The source of an encoder's weights.

    Raises:
        InputError: if `keras.applications` has no model that is the same graph.
    """
    if name not in SOURCES:
        raise unknown("source of keras.applications weights for", name, SOURCES)
    return SOURCES[name]


def read(name: str, path: str | Path) -> keras.Model:
    """Their model with the weights of a file: `.h5` as published, or `.weights.h5` as Keras 3 saves.

    The number of classes, and whether there is a top at all, is read from the file.

    Raises:
        InputError: for an encoder without a source, a missing or broken file, or one that holds another network.
    """
    theirs, path = source(name), existing(path)
    try:
        classes = _classes(path)
        top = {"include_top": False} if classes is None else {"classes": classes}
        model = theirs.build(**top)
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} holds no weights of keras.applications.{theirs.builder}: {error}") from error
    return model


def transfer(theirs: keras.Model, ours: keras.Model, *, bgr: bool) -> None:
    """Copies the weights of a `keras.applications` model into the zoo's classifier of the same graph.

    Args:
        theirs: with or without its top.
        ours: the zoo's classifier; a top that has no counterpart, or another number of classes, keeps its weights.
        bgr: their images are BGR: turn the first kernel's input channels round.

    Raises:
        InputError: if the graphs differ, naming the first pair of layers that does not fit.
    """
    pairs = list(zip(_weighted(theirs), _weighted(ours), strict=False))
    last = ours.layers[-2].name
    for index, (their, our) in enumerate(pairs):
        weights = their.get_weights()
        if index == 0 and bgr:
            weights[0] = weights[0][:, :, ::-1]
        shapes, wanted = ([w.shape for w in ws] for ws in (weights, our.get_weights()))
        if shapes != wanted:
            if our.name == last:
                return
            raise InputError(f"{their.name} {shapes} of {theirs.name} does not fit {our.name} {wanted} of {ours.name}")
        our.set_weights(weights)


def _weighted(model: keras.Model) -> Iterator[keras.layers.Layer]:
    return (layer for layer in model.layers if layer.weights)


def _classes(path: Path) -> int | None:
    """Width of the last dense layer in an HDF5 weights file; None if there is none."""
    widths: list[int] = []

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim == 2 and not name.startswith("optimizer"):
            widths.append(item.shape[1])

    with h5py.File(path) as file:
        file.visititems(visit)
    return widths[-1] if widths else None
