"""Encoders: a classifier is a body, which gives features by stride, and a top, which turns the last of them into logits.

An encoder file holds

    def body(image, *, output_stride=32, **variant) -> Features
    def top(features, classes, **variant) -> logits

and enters them with `register_encoder`. The registry then knows the classifier under the variant's name, and every decoder
can ask for the body by that name with `features`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zoo import registry
from zoo.errors import InputError, unknown
from zoo.lazy import keras
from zoo.paper import Paper
from zoo.registry import Variant, enter


class Features(dict):
    """Tensors by stride: {"s2": N×H/2×W/2×C, …}, from shallow to deep. Sizes are rounded up: ⌈H/2⌉.

    Attributes:
        taps: further tensors by a name of the encoder's own, for auxiliary heads inside it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.taps: dict[str, Any] = {}

    @property
    def deepest(self) -> Any:
        return list(self.values())[-1]

    def at(self, *strides: int) -> list[Any]:
        """The tensors of the given strides.

        Raises:
            InputError: if the encoder has no feature of one of these strides.
        """
        for stride in strides:
            if f"s{stride}" not in self:
                raise InputError(
                    f"a feature of stride {stride} was asked for, but this encoder has {', '.join(self)}; "
                    "choose an encoder that has it or another output_stride"
                )
        return [self[f"s{stride}"] for stride in strides]

    def first(self, stride: int) -> Any:
        """The map of the first block at that stride, where `at` has the last one's.

        Raises:
            InputError: if the encoder does not offer it.
        """
        if f"first_s{stride}" not in self.taps:
            raise InputError(f"this encoder does not offer its first map of stride {stride}; mobilenet_v3_large does")
        return self.taps[f"first_s{stride}"]


def register_encoder(
    variants: Mapping[str, Variant],
    *,
    paper: Paper | None,
    top: Callable[..., Any],
    strides: Sequence[int] = (2, 4, 8, 16, 32),
    **shared: Any,
) -> Callable[[Callable[..., Features]], Callable[..., Features]]:
    """Enters every row of `variants` as a classifier and as an encoder; decorates the body.

    Options are the keyword-only arguments of body and top; each gets those that it takes. The other arguments are fields of
    `Variant` for the rows that do not say otherwise.
    """

    def decorate(body: Callable[..., Features]) -> Callable[..., Features]:
        def classifier(image: Any, classes: int, **options: Any) -> Any:
            return top(body(image, **_accepted(body, options)), classes, **_accepted(top, options))

        defaults = {"task": "classification", "paper": paper, "strides": tuple(strides), **shared}
        defaults |= {"body": body, "top": top, "builder": classifier}
        for name, row in variants.items():
            enter(row.completed({**defaults, "name": name}))
        return body

    return decorate


def _accepted(function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: options[key] for key in options if key in inspect.signature(function).parameters}


def features(name: str, image: Any, *, on_grid: bool = True, **options: Any) -> Features:
    """Applies the encoder of that name to an image tensor (N×H×W×channels, 0–255).

    The layers join the caller's graph (no nested model) under the names they have in the classifier, so that the
    classifier's weights fit by name.

    Args:
        name: any entry of `zoo.list_models(encoder=True)`.
        image: the input tensor.
        on_grid: the feature of stride s shall have ⌈H/s⌉×⌈W/s⌉ positions over the image's. Encoders that were published
            with unpadded poolings have an option `padding`, which this sets to "same"; the others are on the grid anyway.
        **options: options of the encoder, such as output_stride or width.

    Raises:
        InputError: if the name is not an encoder's, or it does not take an option.
    """
    entry = encoder(name)
    for option in options:
        if option not in entry.option_names:
            raise unknown(f"option of encoder {name}", option, entry.option_names)
    grid = {"padding": "same"} if on_grid and "padding" in entry.option_names else {}
    return entry.body(image, **_accepted(entry.body, {**entry.options, **grid, **options}))


def encoder(name: str) -> Variant:
    """The registry's entry of an encoder.

    Raises:
        InputError: if there is no model of that name, or it is not usable as an encoder.
    """
    entry = registry.get(name)
    if entry.body is None:
        raise InputError(f"{name} is no encoder; `zoo list --encoders` shows those that are")
    return entry


def weighted_layers(name: str, channels: int, **options: Any) -> tuple[set[str], set[str]]:
    """The names of an encoder's layers that have weights: of its body, and of its top without the last, which has the classes.

    Args:
        name: of the encoder.
        channels: of the picture.
        **options: with which it is built.
    """
    entry = encoder(name)
    options = {**entry.options, **options}
    image = keras.Input((*entry.input_size, channels))
    features = entry.body(image, **_accepted(entry.body, options))
    body = {layer.name for layer in keras.Model(image, list(features.values())).layers if layer.weights}
    logits = entry.top(features, 2, **_accepted(entry.top, options))
    whole = [layer.name for layer in keras.Model(image, logits).layers if layer.weights]
    return body, set(whole[:-1]) - body
