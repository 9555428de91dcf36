"""The weights of a shipped set: out of its file into a network, and out of a network into the file.

In the file (`.npz`) an array is named LAYER/NUMBER. Kernels are float16, which halves the file; what has one axis (biases,
normalisation's statistics) stays float32, since variances leave float16's range and take no room. So scores are measured
after a file has been read back.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.errors import InputError
from zoo.layers import inference
from zoo.pretrained.catalog import get
from zoo.registry import architecture
from zoo.registry import build as build_network

_BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
_LARGEST = float(np.finfo(np.float16).max)


def build(
    name: str,
    classes: int | Sequence[str] | None = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    encoder: str | None = None,
    output: str | None = None,
    palette: Sequence[Sequence[int]] | None = None,
    **options: Any,
) -> keras.Model:
    """`zoo.build` for "NETWORK.TAG": the network as it was trained, with its weights.

    Args:
        name: of `zoo.pretrained.catalog.names()`.
        input_shape, output, palette: as of `zoo.build`.
        classes, encoder, options: may only be what the weights are of.

    Raises:
        InputError: for an unknown name, arguments that contradict the weights, or a missing or damaged file.
    """
    known = get(name)
    if classes not in (None, len(known.labels)) and _plain(classes) != list(known.labels):
        raise InputError(
            f"{name} tells {len(known.labels)} classes apart ({', '.join(known.labels)}) and classes={classes!r} was given; "
            f"leave it out, or train {known.model} on yours"
        )
    for key, value in {"encoder": encoder, **options}.items():
        if value is not None and _plain(value) != known.options.get(key):
            was = known.options.get(key, "its default")
            raise InputError(f"{name} was trained with {key}={was}, and {key}={value!r} was given; leave it out")
    size = known.input_size if architecture(known.model).fixed_size else (None, None)
    shape = input_shape or (*size, known.channels)
    model = network(known.model, known.labels, palette or known.palette, known.options, shape, output, name)
    load(model, known.path())
    return model


def network(
    model: str,
    labels: Sequence[str],
    palette: Sequence[Sequence[int]],
    options: Mapping[str, Any],
    input_shape: tuple[int | None, int | None, int],
    output: str | None = None,
    name: str | None = None,
) -> keras.Model:
    """A network of the registry without auxiliary heads, under the name of its weights where one is given."""
    told = {key: _tuples(value) for key, value in options.items()}
    made = inference(build_network(model, labels, input_shape, output=output, palette=palette, **told))
    if name is not None:
        made = keras.Model(made.inputs[0], made.outputs[0], name=name)
    return made


def load(model: keras.Model, path: Path) -> None:
    """Reads the weights of a file into a network; it keeps its own if they do not fit.

    Raises:
        InputError: if the file is broken or of another graph.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except _BROKEN as error:
        raise InputError(f"{path} cannot be read as weights ({error}); restore it, or install densezoo anew") from error
    wanted = {key: tuple(variable.shape) for key, variable in _named(model).items()}
    found = {key: array.shape for key, array in arrays.items()}
    if wanted != found:
        strays = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
        first = strays[0]
        raise InputError(
            f"{path} does not fit {model.name}: {first} is {found.get(first, 'missing')} there and "
            f"{wanted.get(first, 'missing')} here, one of {len(strays)} arrays that differ; "
            "this is not the network that was trained"
        )
    for key, variable in _named(model).items():
        variable.assign(arrays[key].astype(np.float32))


def save(model: keras.Model, path: Path) -> None:
    """Writes a network's weights; the same weights give the same bytes."""
    arrays = {key: _half(keras.ops.convert_to_numpy(variable)) for key, variable in _named(model).items()}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _named(model: keras.Model) -> dict[str, keras.Variable]:
    """The weights by layer and place: layers' names are the architecture's own, variables' paths are not."""
    return {f"{layer.name}/{i}": weight for layer in model.layers for i, weight in enumerate(layer.weights)}


def _half(array: np.ndarray) -> np.ndarray:
    fits = array.ndim > 1 and np.abs(array).max(initial=0) <= _LARGEST
    return array.astype(np.float16 if fits else np.float32)


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples that builders take."""
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
