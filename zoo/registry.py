"""Which networks there are, and how a name becomes a model.

An architecture file registers one builder and a table of variants. Files in the folders of
`zoo/models` are found by themselves, so that adding a network is adding a file.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo import layers, tasks
from zoo.errors import InputError, unknown
from zoo.lazy import keras

if TYPE_CHECKING:
    from pathlib import Path

FAMILIES = (  # the packages whose files hold architectures
    "zoo.models.encoders",
    "zoo.models.segmentation",
    "zoo.models.restoration",
    "zoo.models.optical_flow",
)
_STANDARD = ("classes", "input_shape", "encoder", "output", "weights")  # what `build` itself takes


@dataclass(frozen=True)
class Paper:
    """Where a network comes from. `url` is an arXiv address or a DOI."""

    title: str
    authors: str
    year: int
    url: str

    @property
    def first_author(self) -> str:
        return self.authors.replace(",", " ").split()[0]


@dataclass(frozen=True)
class Architecture:
    """One name of the registry.

    Attributes:
        name: what `build` is asked for.
        task: name of the task that its answer belongs to.
        builder: `(image, classes, **options) -> logits`, or for an encoder the two functions in `body` and `top`.
        options: this variant's arguments of the builder.
        input_size: (H, W) in pixels of the paper; the size for which MACs are quoted.
        channels: number of input channels in the paper.
        fixed_size: True where the graph needs a known input size (a Flatten before the first dense layer).
        min_size: smallest height and width that the network can see.
        mobile: True where the network is whole on the GPU accelerator in float32, float16 and int8.
        tiny: options that make a small sibling of the same graph, for tests.
        warm_start_options: options that it has when it starts from a smaller trained network, `build(…, init=)`.
        default_size: from the options that were named to the (H, W) that they ask for, or None; `build` takes that by default.
        body, top, strides: of encoders only; see `zoo.models.encoders`.
    """

    name: str
    task: str
    builder: Callable[..., Any]
    options: Mapping[str, Any]
    paper: Paper
    input_size: tuple[int, int]
    channels: int = 3
    fixed_size: bool = False
    min_size: int = 32
    mobile: bool = False
    tiny: Mapping[str, Any] = field(default_factory=dict)
    warm_start_options: Mapping[str, Any] = field(default_factory=dict)
    default_size: Callable[[Mapping[str, Any]], tuple[int, int] | None] | None = None
    body: Callable[..., Any] | None = None
    top: Callable[..., Any] | None = None
    strides: tuple[int, ...] = ()

    @property
    def default_encoder(self) -> str | None:
        """The encoder that the builder takes when none is named; None where it takes none."""
        if "encoder" in self.options:
            return self.options["encoder"]
        parameter = inspect.signature(self.builder).parameters.get("encoder")
        return None if parameter is None else parameter.default

    def default_shape(self, options: Mapping[str, Any]) -> tuple[int | None, int | None, int]:
        """(H, W, channels) of a network with these options when nobody says otherwise; None for any size."""
        size = self.input_size if self.fixed_size else (None, None)
        asked = self.default_size(options) if self.default_size else None
        encoder = options.get("encoder")  # what is seen is the encoder's to say where one was named
        return (*(asked or size), self.channels if encoder is None else architecture(encoder).channels)


_registry: dict[str, Architecture] = {}


def register(
    variants: Mapping[str, Mapping[str, Any]], *, task: str, paper: Paper, **facts: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enters every row of `variants` under its name; decorates the builder.

    A row holds the builder's options; keys that name a field of `Architecture` (input_size, mobile, …) override `facts`.

    Raises:
        InputError: if a name is taken already.
    """

    def decorate(builder: Callable[..., Any]) -> Callable[..., Any]:
        for name, row in variants.items():
            enter(Architecture(name=name, builder=builder, **split_row(row, {"task": task, "paper": paper, **facts})))
        return builder

    return decorate


def enter(architecture: Architecture) -> None:
    """Adds one architecture to the registry."""
    if architecture.name in _registry:
        raise InputError(f"a model named {architecture.name!r} is registered already; choose another name")
    _registry[architecture.name] = architecture


def withdraw(name: str) -> None:
    """Takes a name out again: for tests that register toys."""
    _registry.pop(name)


def split_row(row: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Parts a variant's row into fields of `Architecture` and options of the builder."""
    fields = {key: row[key] for key in row if key in Architecture.__dataclass_fields__}
    return {**facts, **fields, "options": {key: row[key] for key in row if key not in fields}}


@functools.cache
def _discover() -> None:
    for family in FAMILIES:
        package = importlib.import_module(family)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{family}.{module.name}")


def architecture(name: str) -> Architecture:
    """The entry of that name.

    Raises:
        InputError: for an unknown name, with the nearest known ones.
    """
    _discover()
    if name not in _registry:
        raise _unknown(name)
    return _registry[name]


def _unknown(name: str) -> InputError:
    from zoo import classical

    if name in classical.names():
        return InputError(
            f"{name} is no network: it is a classical method and has nothing to build or train; "
            f"zoo.classical.open({name!r}) is a function of an image, and zoo evaluate {name} scores it"
        )
    return unknown("model", name, _registry)


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
    """
    from zoo.pretrained import catalog

    _discover()
    shipped = {name.partition(".")[0] for name in catalog.names()}
    if task is not None:
        tasks.get(task)
    return sorted(
        name
        for name, entry in _registry.items()
        if fnmatch.fnmatchcase(name, pattern)
        and (task is None or entry.task == task)
        and (mobile is None or entry.mobile == mobile)
        and (encoder is None or (entry.body is not None) == encoder)
        and (weights is None or (name in shipped) == weights)
    )


def build(
    name: str,
    classes: int | Sequence[str] | None = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    encoder: str | None = None,
    output: str | None = None,
    weights: str | Path | None = None,
    encoder_weights: str | Path | None = None,
    palette: Sequence[Sequence[int]] | None = None,
    init: str | Path | None = None,
    **options: Any,
) -> keras.Model:
    """Builds a network by name.

    Args:
        name: an entry of `list_models()`; or NETWORK.TAG, the name of trained weights that are shipped.
        classes: how many classes, or their names. Default: the task's own (VOC's 21, ImageNet's 1,000).
        input_shape: (H, W, channels); H and W may be None (any size) wherever the paper's graph allows it, which is the
            default, with the paper's channels or the named encoder's. Images are RGB (or grey), 0–255; normalisation is inside.
        encoder: for networks that take one, the name of any encoder with the strides they ask for.
        output: one of the task's (`zoo.tasks.get(task).outputs`), of class tasks "logits" (the default), "probabilities" or
            "class_map" (int32 argmax in the graph). `head=`, with "classes" for the last, is its name of 0.1.
        weights: path of a weights file (`.weights.h5`, `.keras`), or None for a random start.
        encoder_weights: path of a trained classifier or segmenter (`.keras`) with the same encoder, from which only the
            encoder is taken, fully connected layers included where the network has them. Both kinds of weights may be
            "applications:PATH", a weights file of `keras.applications`, or "imagenet", which fetches the published one
            (1,000 classes; with other classes the last layer stays random).
        palette: one (r, g, b) in 0–255 per class for whoever draws the answer; VOC's colours by default.
        init: a trained `.keras` file, or a run's folder, whose layers of the same names it starts from: fcn16s from fcn32s.
        **options: the architecture's own options; `zoo card NAME` lists them.

    Returns:
        A `keras.Model` with one input named "image" (N×H×W×channels, float32) and one output, whose meaning is in its last
        layer (`zoo.output_spec(model)`): N×classes for classification, N×H×W×classes at the input's resolution for
        segmentation; without the last axis for output="class_map".

    Raises:
        InputError: for an unknown name, option, encoder or output, a size too small, or weights that do not fit.

    >>> build("fcn8s", classes=11, encoder="mobilenet_v2").output_shape
    (None, None, None, 11)
    """
    output = _output_of_head(output, options)
    if "." in name:
        return _build_trained(name, classes, input_shape, encoder, output, weights or encoder_weights, palette, options)
    entry = architecture(name)
    task = tasks.get(entry.task)
    spec = task.output_spec(task.labels_for(classes), palette, output)
    named = _checked_options(entry, encoder, options)
    options = {**entry.options, **({} if init is None else entry.warm_start_options), **named}
    shape = _checked_shape(entry, entry.default_shape(named) if input_shape is None else input_shape)

    image = keras.Input(shape, name="image")
    try:
        logits = entry.builder(image, spec.channels, **options)
    except InputError:
        raise
    except (ValueError, TypeError) as error:  # Keras on shapes and options that do not go together
        raise InputError(f"{name} cannot be built with input_shape={shape} and {options}: {error}") from error
    model = keras.Model(image, layers.ModelOutput(entry.task, spec, name=spec.name)(logits), name=name)
    if any(path is not None for path in (encoder_weights, init, weights)):
        _load(entry, model, options, encoder_weights, init, weights)
    return model


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


def _load(
    entry: Architecture,
    model: keras.Model,
    options: Mapping[str, Any],
    encoder_weights: str | Path | None,
    init: str | Path | None,
    weights: str | Path | None,
) -> None:
    from zoo.pretrained.weights_io import copy_by_name, load, load_weights

    if encoder_weights is not None:
        _load_encoder(entry, model, encoder_weights, options)
    if init is not None:
        copy_by_name(load(init), model)
    if weights is not None:
        load_weights(model, weights)


def _build_trained(
    name: str,
    classes: int | Sequence[str] | None,
    input_shape: tuple[int | None, int | None, int] | None,
    encoder: str | None,
    output: str | None,
    weights: str | Path | None,
    palette: Sequence[Sequence[int]] | None,
    options: Mapping[str, Any],
) -> keras.Model:
    from zoo.pretrained.catalog import get

    get(name)  # a wrong name need not wait for Keras
    if weights is not None:
        raise InputError(f"{name} comes with its weights, and others were given: {weights}; build {name.partition('.')[0]}")
    from zoo.pretrained.packing import build as build_trained

    return build_trained(name, classes, input_shape, encoder, output, palette, **options)


def _load_encoder(entry: Architecture, model: keras.Model, weights: str | Path, options: Mapping[str, Any]) -> None:
    from zoo.pretrained.weights_io import load_encoder

    encoder = options.get("encoder", entry.default_encoder)
    if encoder is None:
        raise InputError(f"{entry.name} is built without an encoder, so encoder_weights={weights!r} has no place; use weights=")
    load_encoder(model, encoder, weights, **(options.get("encoder_options") or {}))


def option_names(entry: Architecture) -> list[str]:
    """The options that the builder of an architecture takes beyond those of `build`."""
    parameters = list(inspect.signature(entry.builder).parameters.values())[2:]
    return [p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.name not in _STANDARD]


def _checked_options(entry: Architecture, encoder: str | None, options: dict[str, Any]) -> dict[str, Any]:
    for option in options:
        if option not in option_names(entry):
            raise unknown(f"option of {entry.name}", option, option_names(entry))
    if encoder is None:
        return options
    if entry.default_encoder is None and "encoder" not in inspect.signature(entry.builder).parameters:
        raise InputError(f"{entry.name} takes no encoder, but encoder={encoder!r} was given; leave it out")
    return {**options, "encoder": encoder}


def _checked_shape(entry: Architecture, shape: tuple) -> tuple[int | None, int | None, int]:
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
