"""Weights files: read into a model, whole or only its encoder."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import keras

from zoo import layers, registry
from zoo.errors import InputError
from zoo.registry import build

APPLICATIONS = "applications:"  # marks a path as a weights file of keras.applications
IMAGENET = "imagenet"  # asks for the file that keras.applications publishes


def load(path: str | Path) -> keras.Model:
    """Reads a model saved as `.keras`, or a training run's folder, in Keras' safe mode: nothing in the file is executed.

    Raises:
        InputError: if the file is missing, not a Keras model, or broken.
    """
    path = existing(Path(path) / "model.keras" if Path(path).is_dir() else path)
    layers.load_all()
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as a Keras model: {_first_line(error)}; expected a .keras file") from error


def load_weights(model: keras.Model, path: str | Path) -> None:
    """Reads `.weights.h5`, or the weights of a `.keras` file, into a model of the same graph.

    A path that begins with "applications:" is that of a weights file of `keras.applications`, for our classifier of that
    name; "imagenet" is the one that they publish, fetched once and kept (`zoo.pretrained.download.fetch`).

    Raises:
        InputError: if the file is missing or broken, cannot be fetched, or belongs to another graph; the model keeps its
            weights.
    """
    if _is_theirs(path):
        from zoo.pretrained import keras_applications
        from zoo.pretrained.download import fetch

        file = fetch(model.name) if str(path) == IMAGENET else str(path).removeprefix(APPLICATIONS)
        theirs = keras_applications.read(model.name, file)
        keras_applications.transfer(theirs, model, bgr=keras_applications.source(model.name).bgr)
        return
    path = existing(path)
    before = model.get_weights()
    try:
        model.load_weights(path)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        model.set_weights(before)  # nothing is half loaded
        raise InputError(
            f"{path} does not fit {model.name} ({len(before)} weight arrays): {_first_line(error)}; "
            "expected weights of the same network with the same classes, encoder and options"
        ) from error


def load_encoder(model: keras.Model, encoder: str, weights: str | Path, **options: Any) -> list[str]:
    """Reads a trained encoder into a network over it; returns the names of the layers that were filled.

    Args:
        model: a network over that encoder.
        encoder: the encoder's name.
        weights: a `.keras` file of any network of the zoo over the same encoder (its classifier, or another segmenter),
            or "applications:PATH" for a weights file of `keras.applications`, or "imagenet" for the one they publish.
        **options: options with which the encoder was built.

    Raises:
        InputError: if the file is missing, broken or of another encoder.
    """
    if not _is_theirs(weights):
        return copy_by_name(load(weights), model)
    classifier = build(encoder, input_shape=(*registry.get(encoder).input_size, model.inputs[0].shape[-1]), **options)
    load_weights(classifier, weights)
    return copy_by_name(classifier, model)


def _is_theirs(path: str | Path) -> bool:
    return str(path) == IMAGENET or str(path).startswith(APPLICATIONS)


def copy_by_name(source: keras.Model, target: keras.Model) -> list[str]:
    """Copies the weights of every layer that both models have under one name; returns those names.

    This is how a classifier's weights come into a segmenter: an encoder's layers keep their names there. A dense
    layer's matrix fits the convolution it became, since Flatten runs through rows, columns and channels as a kernel does.

    Raises:
        InputError: if no layer is shared, or one has other shapes in the target.
    """
    targets = {layer.name: layer for layer in target.layers}
    copied = []
    for layer in source.layers:
        weights = layer.get_weights()
        if not weights or layer.name not in targets:
            continue
        other = targets[layer.name]
        shapes = [w.shape for w in other.get_weights()]
        if isinstance(layer, keras.layers.Dense) and isinstance(other, keras.layers.Conv2D):
            weights = [w.reshape(s) if w.size == math.prod(s) else w for w, s in zip(weights, shapes, strict=True)]
        if [w.shape for w in weights] != shapes:
            raise InputError(f"layer {layer.name!r} has other shapes in {target.name} than in {source.name}")
        other.set_weights(weights)
        copied.append(layer.name)
    if not copied:
        raise InputError(f"{source.name} and {target.name} share no layer by name; is it the right encoder?")
    return copied


def existing(path: str | Path) -> Path:
    """The path, if there is such a file.

    Raises:
        InputError: if not.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {path}; give the path of a .keras or .weights.h5 file")
    return path


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
