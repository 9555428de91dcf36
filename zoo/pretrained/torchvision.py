"""Weights of torchvision and timm in this zoo's networks: `weights="torchvision:FILE"`, `"timm:FILE"`.

The graphs are the same under other names (`zoo.pretrained.torch_names`), once ours is built in PyTorch's form where that
differs: `adapted` says how, and `zoo.build` follows. Kernels are turned to our axes, the first dense layer also from maps of
channels first to channels last. Batch normalisation has another epsilon there; the scale takes that up, and answers stay equal.
timm's are those without `tf_` in front of their name, which pad as Keras does.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.errors import InputError, unknown
from zoo.pretrained import torch_names
from zoo.pretrained.imagenet import class_names
from zoo.pretrained.torch_files import TORCHVISION, is_torch, read_state
from zoo.pretrained.torch_names import Family, Names

if TYPE_CHECKING:
    from zoo.registry import Variant

EPSILON = 1e-5  # PyTorch's own
_IN_THEIR_FORM = {"torchvision": True}


@dataclass(frozen=True)
class Source:
    """What PyTorch weights of an encoder need.

    Attributes:
        family: from the modules of a state dict to layers of ours.
        options: of our encoder, which make its graph theirs.
        epsilon: of its batch normalisation in torchvision; in a segmenter's head and in timm it is PyTorch's own.
        normalized: an option of ours that is true where the file has batch normalisation.
    """

    family: Family
    options: Mapping[str, Any] = field(default_factory=dict)
    epsilon: float = EPSILON
    normalized: str | None = None


@dataclass(frozen=True)
class Head:
    """What torchvision's segmenters need beside their encoder's source: names by our options, and options of ours."""

    names: Callable[[Mapping[str, Any]], Names]
    options: Mapping[str, Any] = field(default_factory=dict)


_VGG = Source(torch_names.vgg, {"statistics": "imagenet"}, normalized="batchnorm")
_MOBILE = Source(torch_names.inverted_residuals, _IN_THEIR_FORM)
_MOBILE_COARSE = Source(torch_names.inverted_residuals, _IN_THEIR_FORM, epsilon=1e-3)
ENCODERS: dict[str, Source] = {
    "alexnet": Source(torch_names.alexnet, _IN_THEIR_FORM),
    "vgg16": _VGG,
    "vgg19": _VGG,
    "googlenet": Source(torch_names.googlenet, _IN_THEIR_FORM, epsilon=1e-3),
    **{f"resnet{depth}": Source(torch_names.resnet) for depth in (18, 34, 50, 101, 152)},
    **{f"densenet{depth}": Source(torch_names.densenet) for depth in (121, 169, 201)},
    **{f"mobilenet_v2{width}": _MOBILE for width in ("", "_140", "_075", "_050", "_035")},
    **{f"mobilenet_v3_{size}{width}": _MOBILE_COARSE for size in ("large", "small") for width in ("", "_075")},
    **{f"efficientnet_b{number}": _MOBILE if number < 5 else _MOBILE_COARSE for number in range(8)},
}
_FCN = Head(lambda options: torch_names.FCN_HEAD)
_DEEPLAB = Head(lambda options: torch_names.deeplab_head(options["rates"]))
SEGMENTERS: dict[str, Head] = {
    "fcn_resnet50": _FCN,
    "fcn_resnet101": _FCN,
    "deeplab_v3": _DEEPLAB,
    "deeplab_v3_mobilenet_v3": _DEEPLAB,
    "lraspp": Head(lambda options: torch_names.LRASPP_HEAD, {"early": True}),
}


def read(weights: str | Path) -> dict[str, np.ndarray]:
    """The tensors of "torchvision:PATH" or "timm:PATH".

    Raises:
        InputError: as `zoo.pretrained.torch_files.read_state`.
    """
    return read_state(str(weights).partition(":")[2])


def source(encoder: str) -> Source:
    """The source of an encoder's weights.

    Raises:
        InputError: if neither torchvision nor timm has that graph.
    """
    if encoder not in ENCODERS:
        raise unknown("encoder with PyTorch weights", encoder, ENCODERS)
    return ENCODERS[encoder]


def encoder_options(encoder: str, weights: str | Path) -> dict[str, Any]:
    """The options of our encoder that make its graph the one of these weights; only some are read for that."""
    theirs = source(encoder)
    if not theirs.normalized:
        return dict(theirs.options)
    return {**theirs.options, theirs.normalized: any(name.endswith(".running_mean") for name in read(weights))}


def adapted(
    entry: Variant, options: Mapping[str, Any], weights: str | Path | None, encoder_weights: str | Path | None
) -> dict[str, Any]:
    """Options of `zoo.build` with those that make the graph the one of PyTorch weights; what was named stays.

    Args:
        entry: the network's.
        options: that were named, the encoder among them.
        weights, encoder_weights: as `zoo.build` takes them; of no other weights anything is added.

    Raises:
        InputError: if a file that has to be looked into cannot be read, or is of a network whose graph we have not.
    """
    path = weights if is_torch(weights) else encoder_weights
    encoder = entry.name if entry.body is not None else options.get("encoder", entry.default_encoder)
    if not is_torch(path) or encoder is None:
        return dict(options)
    theirs = encoder_options(encoder, path)
    if entry.body is not None:
        return {**theirs, **options}
    if "encoder_options" not in entry.parameters:
        raise InputError(f"{entry.name} takes no encoder_options, without which PyTorch weights do not fit its {encoder}")
    named = options.get("encoder_options", entry.options.get("encoder_options"))
    own = segmenter(entry.name).options if is_torch(weights) else {}
    return {**own, **options, "encoder_options": {**theirs, **(named or {})}}


def segmenter(name: str) -> Head:
    """What the weights of a whole segmenter need beside its encoder's.

    Raises:
        InputError: if torchvision has no such network.
    """
    if name not in SEGMENTERS:
        raise unknown("network with PyTorch weights", name, [*ENCODERS, *SEGMENTERS])
    return SEGMENTERS[name]


def classes_of(entry: Variant, options: Mapping[str, Any], weights: str | Path) -> int | tuple[str, ...]:
    """The classes of PyTorch weights: the outputs of the last layer, by name where they are ImageNet's 1,000.

    Args:
        entry: the network's.
        options: with which it is built.
        weights: "torchvision:PATH" or "timm:PATH".

    Raises:
        InputError: if the file has no such layer.
    """
    state, encoder = read(weights), options.get("encoder", entry.name)
    body, head = _names(entry.name, encoder, state, options)
    last = [module for module, layer in (body | head).items() if layer in ("fc", "fc8", "score")]
    if not last:
        raise InputError(f"{weights} has no classifying layer of {entry.name}; is it of another network, or an encoder alone?")
    count, names = len(state[f"{last[0]}.weight"]), class_names()
    return names if entry.body is not None and count == len(names) else count


def transfer(
    model: keras.Model, entry: Variant, options: Mapping[str, Any], weights: str | Path, *, top: bool = True
) -> None:
    """Copies PyTorch weights into a network of ours that was built with the options of `adapted`.

    Args:
        model: the network; it keeps its weights if they do not fit. A last layer of other classes stays as it is.
        entry: the network's.
        options: with which it was built.
        weights: "torchvision:PATH" or "timm:PATH".
        top: whether the layers behind a classifier's encoder must be there.

    Raises:
        InputError: if the file is broken or of another network, naming the first layer that does not fit.
    """
    name, state, encoder = entry.name, read(weights), options.get("encoder", entry.name)
    body, head = _names(name, encoder, state, options)
    modules = {layer: module for module, layer in (body | head).items()}
    coarse = {*body.values()} if str(weights).startswith(TORCHVISION) else ()
    layers = [layer for layer in model.layers if layer.weights]
    arrays: dict[str, list[np.ndarray]] = {}
    misfits: list[str] = []
    for layer in layers:
        if layer.name not in modules:
            if top or not isinstance(layer, keras.layers.Dense):
                raise InputError(f"{weights} has no weights for {layer.name!r} of {name}; are they of another network?")
            continue
        epsilon = source(encoder).epsilon if layer.name in coarse else EPSILON
        values = _arrays(layer, _tensors(state, modules[layer.name]), epsilon)
        shapes, expected = [value.shape for value in values], [tuple(weight.shape) for weight in layer.weights]
        if shapes == expected:
            arrays[layer.name] = values
        elif layer.name in ("fc", "fc8") or layer.name.startswith("score"):
            misfits.append(layer.name)
        else:
            raise InputError(f"{modules[layer.name]} of {weights} has {shapes}, and {layer.name} of {name} {expected}")
    if misfits and top:
        warnings.warn(f"{weights} is of other classes: {', '.join(misfits)} stays at random", stacklevel=2)
    for layer in layers:
        if layer.name in arrays:
            layer.set_weights(arrays[layer.name])


def _names(
    name: str, encoder: str, state: Mapping[str, np.ndarray], options: Mapping[str, Any]
) -> tuple[Names, Names]:
    """Modules of theirs → layers of ours: of the encoder with its own top, and of a segmenter's head."""
    modules = list(dict.fromkeys(tensor.rpartition(".")[0] for tensor in state))
    if name == encoder:
        return source(encoder).family(modules), {}
    body = (module for module in modules if module.startswith("backbone."))
    return source(encoder).family(body), segmenter(name).names(options)


def _tensors(state: Mapping[str, np.ndarray], module: str) -> dict[str, np.ndarray]:
    leaves = ("weight", "bias", "running_mean", "running_var")
    tensors = {leaf: np.asarray(state[f"{module}.{leaf}"], np.float64) for leaf in leaves if f"{module}.{leaf}" in state}
    if "weight" not in tensors:
        raise InputError(f"the weights name {module} and have no {module}.weight; is the file whole?")
    return tensors


def _arrays(layer: keras.layers.Layer, tensors: Mapping[str, np.ndarray], epsilon: float) -> list[np.ndarray]:
    """A module's tensors as the layer holds them."""
    weight, bias = tensors["weight"], tensors.get("bias")
    if isinstance(layer, keras.layers.BatchNormalization):
        mean, variance = (tensors[leaf] for leaf in ("running_mean", "running_var"))
        return [weight * np.sqrt((variance + layer.epsilon) / (variance + epsilon)), bias, mean, variance]
    if isinstance(layer, keras.layers.Dense):
        weight = _dense(weight, _flattened(layer))
    elif isinstance(layer, keras.layers.DepthwiseConv2D):
        weight = weight.transpose(2, 3, 0, 1)
    else:
        weight = weight.transpose(2, 3, 1, 0)
    return [weight] if bias is None or not layer.use_bias else [weight, bias]


def _dense(weight: np.ndarray, maps: Sequence[int] | None) -> np.ndarray:
    """Outputs × inputs, or a convolution that sees all of a map, as inputs × outputs, the inputs in our order."""
    outputs = len(weight)
    if maps is not None and weight.size == outputs * math.prod(maps):
        height, width, channels = maps
        weight = weight.reshape(outputs, channels, height, width).transpose(0, 2, 3, 1)
    return weight.reshape(outputs, -1).T


def _flattened(layer: keras.layers.Layer) -> tuple[int, ...] | None:
    """H×W×C of the map that a dense layer sees flattened; None of one that sees a vector."""
    producer = layer.input._keras_history.operation
    return tuple(producer.input.shape[1:]) if isinstance(producer, keras.layers.Flatten) else None
