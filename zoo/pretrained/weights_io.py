"""Weights files: models read whole, weights read into a model by graph or by layer, and the arrays that the zoo ships.

In a shipped file (`.npz`) an array is named LAYER/NUMBER. Kernels are float16, which halves the file; what has one axis
(biases, normalisation's statistics) stays float32, since variances leave float16's range and take no room. So scores are
measured after a file has been read back.
"""

from __future__ import annotations

import math
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from zoo import layers
from zoo.errors import InputError
from zoo.pretrained.torch_files import is_torch

APPLICATIONS = "applications:"  # marks a path as a weights file of keras.applications
IMAGENET = "imagenet"  # asks for the file that keras.applications publishes
_BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
_LARGEST = float(np.finfo(np.float16).max)


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
    if is_published(path):
        from zoo.pretrained import keras_applications
        from zoo.pretrained.download import fetch

        file = fetch(model.name) if str(path) == IMAGENET else str(path).removeprefix(APPLICATIONS)
        theirs = keras_applications.read(model.name, file)
        keras_applications.transfer(theirs, model, bgr=keras_applications.source(model.name).bgr)
        return
    if is_torch(path):
        raise InputError(f"{path}: PyTorch weights may need another graph; give them to zoo.build(…, weights={str(path)!r})")
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


def is_published(path: str | Path) -> bool:
    """Whether a file of `keras.applications` is meant: "imagenet" or "applications:PATH"."""
    return str(path) == IMAGENET or str(path).startswith(APPLICATIONS)


def check_form(source: keras.Model, target: keras.Model, names: Collection[str]) -> None:
    """Refuses a network that sees pictures otherwise than the source of its weights: other normalisation, other padding.

    Raises:
        InputError: naming the first layer that differs.
    """
    theirs, ours = ({layer.name: layer for layer in _layers(model)} for model in (source, target))
    facts = {"normalise": ("scale", "offset"), **{name: ("strides", "padding") for name in names if name in theirs}}
    for name, attributes in facts.items():
        for attribute in attributes if name in theirs and name in ours else ():
            values = [getattr(each[name], attribute, None) for each in (theirs, ours)]
            if attribute == "strides" and values[0] != values[1]:
                break  # dilated in the one: their paddings are no longer alike
            if np.any(np.asarray(values[0]) != np.asarray(values[1])):
                raise InputError(
                    f"{name!r} has {attribute} {values[1]} in {target.name} and {values[0]} where its weights come from; "
                    "give them to zoo.build as encoder_weights=, which builds the graph in their form"
                )


def copy_by_name(
    source: keras.Model, target: keras.Model, only: Collection[str] | None = None, strict: bool = True
) -> list[str]:
    """Copies the weights of every layer that both models have under one name; returns those names.

    This is how a classifier's weights come into a segmenter: an encoder's layers keep their names there. A dense
    layer's matrix fits the convolution it became, since Flatten runs through rows, columns and channels as a kernel does.

    Where the two see pictures of other channels, the kernel that reads the picture is made to fit:

    - to 1 channel, it is summed over its own: a grey picture gives what it gave as a picture of equal channels;
    - from 1 channel to n, it is divided by n and repeated: a picture of equal channels gives what it gave as a grey one;
    - from n channels to more, zeros are added: what the further ones say is ignored until training finds a use for it.

    Args:
        source, target: models, nested ones opened up.
        only: names of the layers that are meant; all by default.
        strict: raise where a layer has other shapes in the target; else it stays as it is, and a warning says which do.

    Raises:
        InputError: if no layer is shared and fits, or, where `strict`, one has other shapes in the target. The target keeps
            its weights.
    """
    targets = {layer.name: layer for layer in _layers(target)}
    channels = source.inputs[0].shape[-1], target.inputs[0].shape[-1]
    fitting: dict[str, list[np.ndarray]] = {}
    misfits: list[str] = []
    for layer in _layers(source):
        name, other = layer.name, targets.get(layer.name)
        if other is None or not layer.weights or name in fitting or (only is not None and name not in only):
            continue
        weights = _fitted(layer, other, channels)
        theirs, ours = ([tuple(weight.shape) for weight in each.weights] for each in (layer, other))
        if weights is None:
            misfits.append(f"{name!r} has {_shapes(theirs)} in {source.name} and {_shapes(ours)} in {target.name}")
        else:
            fitting[name] = weights
    if not fitting and not misfits:
        raise InputError(f"{source.name} and {target.name} share no layer by name; is it the right encoder?")
    if misfits and (strict or not fitting):
        raise InputError(f"layer {misfits[0]}: {len(misfits)} of {len(misfits) + len(fitting)} shared layers do not fit")
    if misfits:
        warnings.warn(f"left at their random start, for they do not fit: {'; '.join(misfits)}", stacklevel=2)
    for name, weights in fitting.items():
        targets[name].set_weights(weights)
    return list(fitting)


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """All layers, those of nested models in their place."""
    for layer in model.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else (layer,)


def _fitted(
    layer: keras.layers.Layer, other: keras.layers.Layer, channels: tuple[int, int]
) -> list[np.ndarray] | None:
    """A layer's weights in the shapes of its counterpart; None where they do not fit."""
    weights, shapes = layer.get_weights(), [tuple(weight.shape) for weight in other.weights]
    if len(weights) != len(shapes):
        return None
    if isinstance(layer, keras.layers.Dense) and isinstance(other, keras.layers.Conv2D):
        weights = [w.reshape(s) if w.size == math.prod(s) else w for w, s in zip(weights, shapes, strict=True)]
    if channels[0] != channels[1] and isinstance(layer, keras.layers.Conv2D):
        differ = [w.ndim == 4 and w.shape != shape for w, shape in zip(weights, shapes, strict=True)]
        weights = [_for_channels(w, channels) if differs else w for w, differs in zip(weights, differ, strict=True)]
    return weights if [w.shape for w in weights] == shapes else None


def _for_channels(kernel: np.ndarray, channels: tuple[int, int]) -> np.ndarray:
    """A kernel H×W×C×filters that reads the picture, for one of another number of channels (see `copy_by_name`)."""
    before, after = channels
    if kernel.shape[2] != before:
        return kernel
    if after == 1:
        return kernel.sum(axis=2, keepdims=True)
    if before == 1:
        return np.repeat(kernel / after, after, axis=2)
    if after > before:
        return np.concatenate([kernel, np.zeros_like(kernel, shape=(*kernel.shape[:2], after - before, kernel.shape[3]))], 2)
    return kernel


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return " + ".join("×".join(map(str, shape)) or "one number" for shape in shapes) or "no weights"


def read_arrays(model: keras.Model, path: Path) -> None:
    """Reads a shipped file's weights into a network; it keeps its own if they do not fit.

    Raises:
        InputError: if the file is broken or of another graph.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except _BROKEN as error:
        raise InputError(f"{path} cannot be read as weights ({error}); restore it, or install densezoo anew") from error
    expected = {key: tuple(variable.shape) for key, variable in _named(model).items()}
    shapes = {key: array.shape for key, array in arrays.items()}
    if expected != shapes:
        strays = sorted(key for key in expected.keys() | shapes.keys() if expected.get(key) != shapes.get(key))
        first = strays[0]
        raise InputError(
            f"{path} does not fit {model.name}: {first} is {shapes.get(first, 'missing')} there and "
            f"{expected.get(first, 'missing')} here, one of {len(strays)} arrays that differ; "
            "this is not the network that was trained"
        )
    for key, variable in _named(model).items():
        variable.assign(arrays[key].astype(np.float32))


def write_arrays(model: keras.Model, path: Path) -> None:
    """Writes a network's weights as they are shipped; the same weights give the same bytes."""
    arrays = {key: _half(keras.ops.convert_to_numpy(variable)) for key, variable in _named(model).items()}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _named(model: keras.Model) -> dict[str, keras.Variable]:
    """The weights by layer and place: layers' names are the architecture's own, variables' paths are not.

    What belongs to a run of training alone, as states that it carries on, is left out: a layer's `passing_weights`.
    """
    return {f"{layer.name}/{i}": weight for layer in model.layers for i, weight in enumerate(_lasting(layer))}


def _lasting(layer: keras.layers.Layer) -> list[keras.Variable]:
    passing = {id(weight) for weight in getattr(layer, "passing_weights", ())}
    return [weight for weight in layer.weights if id(weight) not in passing]


def _half(array: np.ndarray) -> np.ndarray:
    fits = array.ndim > 1 and np.abs(array).max(initial=0) <= _LARGEST
    return array.astype(np.float16 if fits else np.float32)


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
