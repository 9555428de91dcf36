"""Build: from a name to a Keras model: the network of the registry, its task's output layer, and weights.

Light to import, because `zoo` does it at once to have `zoo.build`: the registry, Keras and NumPy come with the first call.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zoo.errors import InputError, unknown
from zoo.lazy import keras

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.registry import Variant

    Shape = tuple[int | None, int | None, int]

__all__ = ["build", "list_models", "load_encoder", "shipped_network", "variant"]


def build(
    name: str,
    classes: int | Sequence[str] | None = None,
    input_shape: Shape | None = None,
    encoder: str | None = None,
    output: str | None = None,
    weights: str | Path | None = None,
    encoder_weights: str | Path | None = None,
    palette: Sequence[Sequence[int]] | None = None,
    init: str | Path | None = None,
    **options: Any,
) -> keras.Model:
    """Builds a network by name; a name alone gives the paper's.

    Args:
        name: an entry of `list_models()`; or NETWORK.TAG, the name of trained weights that are shipped.
        classes: how many classes, or their names. Default: the paper's, where it is of other data than the task's own
            (VOC's 21 classes, ImageNet's 1,000).
        input_shape: (H, W, channels); H and W may be None (any size) wherever the paper's graph allows it, which is the
            default, with the paper's channels or the named encoder's. Images are RGB (or grey), 0–255; normalisation is inside.
        encoder: for networks that take one, the name of any encoder with the strides they ask for.
        output: one of the task's (`zoo.tasks.get(task).outputs`); of class tasks "logits" (the default), "probabilities" or
            "class_map" (int32 argmax in the graph). `head=`, with "classes" for the last, is its name of 0.1.
        weights: path of a weights file (`.weights.h5`, `.keras`), or None for a random start.
        encoder_weights: a trained classifier or segmenter with the same encoder (`.keras`, a run's folder, or the name of
            shipped weights), whose encoder alone is taken, as `load_encoder` says. Both kinds of weights may be
            "applications:PATH", a weights file of `keras.applications`, or "imagenet", which fetches the published one
            (1,000 classes; with other classes the last layer stays random); or "torchvision:PATH" and "timm:PATH", PyTorch
            weights in `.pth` or `.safetensors`, for which the graph is built in their form, with their classes by default.
        palette: one (r, g, b) in 0–255 per class for whoever draws the answer; VOC's colours by default.
        init: likewise; it starts from the layers of the same names, as fcn16s from fcn32s. A warning says which do not fit.
        **options: the architecture's own options; `zoo card NAME` lists them.

    Returns:
        A `keras.Model` with one input named "image" (N×H×W×channels, float32) and one output, whose meaning is in its last
        layer (`zoo.output_spec(model)`): N×classes, or N×H×W×classes; without the last axis for output="class_map".

    Raises:
        InputError: for an unknown name, option, encoder or output, a size too small, weights or an argument that do not fit.

    >>> build("fcn8s", classes=11, encoder="mobilenet_v2").output_shape
    (None, None, None, 11)
    """
    output = _output_of_head(output, options)
    files = {"weights": weights, "encoder_weights": encoder_weights, "init": init}
    files = {argument: path for argument, path in files.items() if path is not None}
    if "." in name:
        return _shipped(name, classes, input_shape, encoder, output, palette, files, options)
    from zoo.pretrained import published

    entry = variant(name)
    _check_files(name, files)
    named = published.completed_options(entry, _checked_options(entry, encoder, options), weights, encoder_weights)
    classes = published.classes_of(entry, named, weights) if classes is None else classes
    options = {**entry.options, **({} if init is None else entry.warm_start_options), **named}
    shape = _checked_shape(entry, _default_shape(entry, named) if input_shape is None else input_shape)
    model = _network(entry, classes, shape, output, palette, options)
    if files:
        _load(entry, model, options, **files)
    return model


def list_models(
    pattern: str = "*",
    *,
    task: str | None = None,
    mobile: bool | None = None,
    encoder: bool | None = None,
    weights: bool | None = None,
) -> list[str]:
    """Names that match a glob, sorted.

    Args:
        pattern: glob such as "resnet*".
        task: only models of this task.
        mobile: only those marked mobile (True) or not (False).
        encoder: only those usable as an encoder (True) or not (False).
        weights: only those that trained weights are shipped for (True) or not (False).

    Raises:
        InputError: for an unknown task.
    """
    if task is not None:
        from zoo import tasks

        tasks.get(task)
    from zoo import registry

    names = registry.list_models(pattern, task=task, mobile=mobile, encoder=encoder)
    if weights is None:
        return names
    from zoo.pretrained import catalog

    shipped = {name.partition(".")[0] for name in catalog.names()}
    return [name for name in names if (name in shipped) == weights]


def variant(name: str) -> Variant:
    """The registry's entry of a name.

    Raises:
        InputError: for an unknown name; one of a classical method is told apart.
    """
    from zoo import registry


    try:
        return registry.get(name)
    except InputError:
        from zoo import classical

        if name in classical.names():
            raise InputError(
                f"{name} is no network: it is a classical method and has nothing to build or train; "
                f"zoo.classical.open({name!r}) is a function of an image, and zoo evaluate {name} scores it"
            ) from None
        raise


def shipped_network(
    name: str,
    labels: Sequence[str],
    palette: Sequence[Sequence[int]],
    options: Mapping[str, Any],
    input_shape: Shape,
    output: str | None = None,
) -> keras.Model:
    """The network of NETWORK.TAG without its auxiliary heads and not yet filled; `options` are plain data, as in card.json."""
    from zoo.layers import inference

    arguments = {key: _tuples(value) for key, value in options.items()}
    model = inference(build(name.partition(".")[0], labels or None, input_shape, output=output, palette=palette, **arguments))
    return keras.Model(model.inputs[0], model.outputs[0], name=name)


def _check_files(name: str, files: Mapping[str, str | Path]) -> None:
    if "weights" in files and len(files) > 1:
        other = next(argument for argument in files if argument != "weights")
        raise InputError(
            f"weights={files['weights']!r} fill all of {name}, so {other}={files[other]!r} has no place; leave out one"
        )


def _network(
    entry: Variant,
    classes: int | Sequence[str] | None,
    shape: Shape,
    output: str | None,
    palette: Sequence[Sequence[int]] | None,
    options: Mapping[str, Any],
) -> keras.Model:
    from zoo import layers, tasks
    from zoo.outputs import InputSpec

    task = tasks.get(entry.task)
    spec = task.output_spec(task.labels_for(entry.classes if classes is None else classes), palette, output)
    if spec.dense:
        spec = replace(spec, scale=entry.scale(options) * spec.scale)
    image = keras.Input(shape, name="image")
    try:
        logits = entry.builder(image, spec.channels, **options)
    except InputError:
        raise
    except (ValueError, TypeError) as error:  # Keras on shapes and options that do not go together
        raise InputError(f"{entry.name} cannot be built with input_shape={shape} and {options}: {error}") from error
    size = None if None in shape[:2] else shape[:2]
    inputs = (InputSpec(image.name, size, shape[2], frames=task.frames),) if task.frames > 1 else ()
    return keras.Model(image, layers.ModelOutput(entry.task, spec, inputs, name=spec.name)(logits), name=entry.name)


def _output_of_head(output: str | None, options: dict[str, Any]) -> str | None:
    """`output`, or what 0.1's `head=` asks for."""
    if "head" not in options:
        return output
    head = options.pop("head")
    if output is not None:
        raise InputError(f"both output={output!r} and head={head!r} were given; head is output's name of 0.1: leave it out")
    output = {"classes": "class_map"}.get(head, head)
    warnings.warn(f"head={head!r} is now output={output!r}; the old name goes with 0.3", DeprecationWarning, stacklevel=3)
    return output


def _shipped(
    name: str,
    classes: int | Sequence[str] | None,
    input_shape: Shape | None,
    encoder: str | None,
    output: str | None,
    palette: Sequence[Sequence[int]] | None,
    files: Mapping[str, str | Path],
    options: Mapping[str, Any],
) -> keras.Model:
    """The network of NETWORK.TAG as it was trained, with its weights: classes, encoder and options may only be theirs."""
    from zoo.pretrained.catalog import get

    weights = get(name)  # a wrong name need not wait for Keras
    for argument, path in files.items():
        raise InputError(
            f"{name} comes with its weights, and {argument}={str(path)!r} was given; leave it out, or build {weights.model}"
        )
    if classes not in (None, len(weights.labels)) and _plain(classes) != list(weights.labels):
        raise InputError(
            f"{name} tells {len(weights.labels)} classes apart ({', '.join(weights.labels)}) and classes={classes!r} "
            f"was given; leave it out, or train {weights.model} on yours"
        )
    for key, value in {"encoder": encoder, **options}.items():
        if value is not None and _plain(value) != weights.options.get(key):
            was = weights.options.get(key, "its default")
            raise InputError(f"{name} was trained with {key}={was}, and {key}={value!r} was given; leave it out")
    from zoo.pretrained.weights_io import read_arrays

    size = weights.input_size if variant(weights.model).fixed_size else (None, None)
    shape = input_shape or (*size, weights.channels)
    model = shipped_network(name, weights.labels, palette or weights.palette, weights.options, shape, output)
    read_arrays(model, weights.path())
    return model


def _load(
    entry: Variant,
    model: keras.Model,
    options: Mapping[str, Any],
    weights: str | Path | None = None,
    encoder_weights: str | Path | None = None,
    init: str | Path | None = None,
) -> None:
    from zoo.pretrained import weights_io

    if encoder_weights is not None:
        encoder = options.get("encoder", entry.default_encoder)
        if encoder is None:
            raise InputError(
                f"{entry.name} is built without an encoder, so encoder_weights={encoder_weights!r} has no place; use weights="
            )
        load_encoder(model, encoder, encoder_weights, **(options.get("encoder_options") or {}))
    if init is not None:
        weights_io.copy_by_name(_trained(init), model, strict=False)
    if weights is not None:
        _fill(model, entry, options, weights)


def _fill(
    model: keras.Model, entry: Variant, options: Mapping[str, Any], weights: str | Path, *, top: bool = True
) -> None:
    """All of a network's weights, of PyTorch's with the last layer or without it."""
    from zoo.pretrained import published, torchvision, weights_io
    from zoo.pretrained.torch_files import is_torch

    if is_torch(weights):
        torchvision.transfer(model, entry, published.all_options(entry, options), weights, top=top)
    else:
        weights_io.load_weights(model, weights)


def load_encoder(model: keras.Model, encoder: str, weights: str | Path, **options: Any) -> list[str]:
    """Reads a trained encoder, and nothing else, into a network over it; returns the names of the layers that were filled.

    It comes out of any network with that encoder, whatever its classes and decoder, fully connected layers included where
    both have them. Pictures of other channels are fitted as `zoo.pretrained.weights_io.copy_by_name` says.

    Args:
        model: a network over that encoder.
        encoder: its name.
        weights: as `build` takes `encoder_weights`.
        **options: with which the encoder was built.

    Raises:
        InputError: if the file is missing or broken, holds no layer of the encoder, or one of other shapes (both are told).
            The model keeps its weights.
    """
    from zoo.models.encoders import weighted_layers
    from zoo.pretrained import weights_io
    from zoo.pretrained.torch_files import is_torch

    published = weights_io.is_published(weights) or is_torch(weights)
    source = _published_classifier(encoder, weights, options) if published else _trained(weights)
    body, top = weighted_layers(encoder, model.inputs[0].shape[-1], **options)
    names = [layer.name for layer in model.layers if layer.name in body | top]
    if is_torch(weights):
        weights_io.check_form(source, model, names)
    copied = weights_io.copy_by_name(source, model, only=set(names))
    missing = [name for name in names if name in body and name not in copied]
    if missing:
        warnings.warn(
            f"{weights} holds {len(names) - len(missing)} of the {len(names)} layers of {encoder} that {model.name} has; at "
            f"their random start stay {', '.join(missing)}",
            stacklevel=2,
        )
    return copied


def _trained(weights: str | Path) -> keras.Model:
    """A trained model: of shipped weights by their name, of a file or a run's folder."""
    from zoo.pretrained import catalog, weights_io

    return build(str(weights)) if catalog.is_name(str(weights)) else weights_io.load(weights)


def _published_classifier(encoder: str, weights: str | Path, options: Mapping[str, Any]) -> keras.Model:
    """Our classifier filled from a file of `keras.applications` or PyTorch, which are of RGB."""
    from zoo.pretrained import published

    entry = variant(encoder)
    options = published.completed_options(entry, options, weights)
    classifier = build(encoder, None, (*entry.input_size, 3), **options)
    _fill(classifier, entry, options, weights, top=False)
    return classifier


def _checked_options(entry: Variant, encoder: str | None, options: dict[str, Any]) -> dict[str, Any]:
    for option in options:
        if option not in entry.option_names:
            raise unknown(f"option of {entry.name}", option, entry.option_names)
    if encoder is None:
        return options
    if "encoder" not in entry.parameters:
        raise InputError(f"{entry.name} takes no encoder, but encoder={encoder!r} was given; leave it out")
    return {**options, "encoder": encoder}


def _default_shape(entry: Variant, options: Mapping[str, Any]) -> Shape:
    """(H, W, channels) of a network with these options when nobody says otherwise; None for any size."""
    size = entry.input_size if entry.fixed_size else (None, None)
    own = entry.default_size(options) if entry.default_size else None
    encoder = options.get("encoder")  # what is seen is the encoder's to say where one was named
    return (*(own or size), entry.channels if encoder is None else variant(encoder).channels)


def _checked_shape(entry: Variant, shape: Shape) -> Shape:
    if len(shape) != 3 or not isinstance(shape[2], int) or shape[2] < 1:
        raise InputError(f"input_shape={tuple(shape)} is not (height, width, channels), as in (256, 256, 3)")
    if entry.fixed_size and None in shape:
        raise InputError(
            f"{entry.name} needs a fixed input size, as in input_shape={(*entry.input_size, shape[2])}; "
            f"for any size use a fully convolutional network, or converters.fully_convolutional.convolutionalize"
        )
    for pixels in shape[:2]:
        if pixels is not None and pixels < entry.min_size:
            raise InputError(
                f"input of {shape[0]}×{shape[1]} is too small for {entry.name}: the least is "
                f"{entry.min_size}×{entry.min_size}; enlarge the image or choose a network of smaller stride"
            )
    return tuple(shape)


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
