"""Weights of `keras.applications` in this zoo's networks.

Their models and ours are the same graphs under other names, so weights move layer by layer in graph order, with every
shape checked. What differs is what happens before the first layer: we normalise inside the graph and stay in RGB, so a
kernel that was trained on BGR has its input channels turned round once, here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from zoo.errors import InputError, unknown
from zoo.models.blocks.normalization import STATISTICS


@dataclass(frozen=True)
class Source:
    """The source of an encoder's weights.

    Attributes:
        module: in `keras.applications`; it holds their builder and their preprocessing.
        builder: name of the builder.
        options: its options.
        bgr: their images are BGR, so the first kernel's input channels are turned round.
        pointwise: input channels of the classifier where it is a 1×1 convolution; 0 where it is a dense layer.
    """

    module: str
    builder: str
    options: Mapping[str, Any] = field(default_factory=dict)
    bgr: bool = False
    pointwise: int = 0

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
    "resnet50_keras": Source("resnet", "ResNet50", bgr=True),
    "resnet101_keras": Source("resnet", "ResNet101", bgr=True),
    "resnet152_keras": Source("resnet", "ResNet152", bgr=True),
    "resnet50_v2": Source("resnet_v2", "ResNet50V2"),
    "resnet101_v2": Source("resnet_v2", "ResNet101V2"),
    "resnet152_v2": Source("resnet_v2", "ResNet152V2"),
    "densenet121": Source("densenet", "DenseNet121"),
    "densenet169": Source("densenet", "DenseNet169"),
    "densenet201": Source("densenet", "DenseNet201"),
    "mobilenet_v3_large": Source("mobilenet_v3", "MobileNetV3Large", pointwise=1280),
    "mobilenet_v3_large_075": Source("mobilenet_v3", "MobileNetV3Large", {"alpha": 0.75}, pointwise=1280),
    "mobilenet_v3_large_minimalistic": Source(
        "mobilenet_v3", "MobileNetV3Large", {"minimalistic": True}, pointwise=1280
    ),
    "mobilenet_v3_small": Source("mobilenet_v3", "MobileNetV3Small", pointwise=1024),
    "mobilenet_v3_small_075": Source("mobilenet_v3", "MobileNetV3Small", {"alpha": 0.75}, pointwise=1024),
    "mobilenet_v3_small_minimalistic": Source(
        "mobilenet_v3", "MobileNetV3Small", {"minimalistic": True}, pointwise=1024
    ),
    **{f"efficientnet_b{n}": Source("efficientnet", f"EfficientNetB{n}") for n in range(8)},
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
    theirs, path = source(name), Path(path)
    if not path.is_file():
        raise InputError(f"no file {path}; give the path of a weights file of keras.applications.{theirs.builder}")
    try:
        classes = _classes(path, theirs.pointwise)
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
        InputError: if the graphs differ, naming the first pair of layers that does not fit, or theirs normalises images
            otherwise.
    """
    _check_normalization(theirs)
    pairs = list(zip(_weighted(theirs), _weighted(ours), strict=False))
    last = ours.layers[-2].name
    for index, (their, our) in enumerate(pairs):
        weights = _fitted(their.get_weights(), our)
        if index == 0 and bgr:
            weights[0] = weights[0][:, :, ::-1]
        shapes, expected = ([w.shape for w in ws] for ws in (weights, our.get_weights()))
        if shapes != expected:
            if our.name == last:
                return
            raise InputError(f"{their.name} {shapes} of {theirs.name} does not fit {our.name} {expected} of {ours.name}")
        our.set_weights(weights)


def _weighted(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Layers with weights in graph order, without the normalisation of images, which is a constant of ours."""
    return (layer for layer in model.layers if layer.weights and not isinstance(layer, keras.layers.Normalization))


def _check_normalization(theirs: keras.Model) -> None:
    """Refuses a file made under another normalisation than ImageNet's, which ours holds fixed.

    The published files keep the standard deviation where Keras expects the variance, and their builder makes up for it
    with one more layer, so both are the same normalisation.
    """
    mean, deviation = np.divide(STATISTICS["imagenet"], 255)
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.Normalization):
            their_mean, their_variance = (np.ravel(w) for w in layer.get_weights()[:2])
            matches = any(np.allclose(their_variance, variance, atol=1e-3) for variance in (deviation, deviation**2))
            if not (matches and np.allclose(their_mean, mean, atol=1e-3)):
                raise InputError(
                    f"the weights of {theirs.name} go with images normalised by mean {their_mean} and variance "
                    f"{their_variance}; ours normalises by ImageNet's {mean.round(3)} and {(deviation**2).round(4)}: "
                    "train it anew from these"
                )


def _fitted(weights: list[np.ndarray], layer: keras.layers.Layer) -> list[np.ndarray]:
    """The weights, in the layer's shapes where they differ by leading ones only: a 1×1 convolution is a dense layer."""
    targets = [tuple(w.shape) for w in layer.weights]
    if len(targets) != len(weights):
        return weights
    return [w.reshape(t) if _plain(w.shape) == _plain(t) else w for w, t in zip(weights, targets, strict=True)]


def _plain(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(itertools.dropwhile(lambda side: side == 1, shape))


def _classes(path: Path, pointwise: int) -> int | None:
    """Number of classes in an HDF5 weights file, from the last kernel that can be the classifier's; None without a top."""
    widths: list[int] = []

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if not isinstance(item, h5py.Dataset) or name.startswith("optimizer"):
            return
        if item.shape[:-1] == (1, 1, pointwise) if pointwise else item.ndim == 2:
            widths.append(item.shape[-1])

    with h5py.File(path) as file:
        file.visititems(visit)
    return widths[-1] if widths else None
