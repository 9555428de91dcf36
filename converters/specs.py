"""Specs of what a model of either Keras takes and gives, output by output in the model's own order: what goes into a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import zoo.layers
from converters import output_guess
from converters.graph import as_functional, shapes_at, trace
from converters.tf_keras.origin import is_tf_keras, unwrapped
from zoo import outputs
from zoo.errors import InputError
from zoo.layers import ModelOutput
from zoo.outputs import InputSpec, OutputSpec

_IMAGE, _ANSWER = "image", "answer"  # what the only input and the only output are called


def input_specs(model: Any) -> tuple[InputSpec, ...]:
    """One spec an input; the only one is called "image" where the model does not say otherwise."""
    count = len(model.inputs if is_tf_keras(model) else as_functional(model).inputs)
    own = next((layer.inputs for layer in model_outputs(model) if layer is not None and layer.inputs), None)
    if own is not None and len(own) == count:
        return own
    specs = zoo.layers.input_specs(model if is_tf_keras(model) else as_functional(model))
    return (replace(specs[0], name=_IMAGE),) if len(specs) == 1 else specs


def output_specs(
    model: Any, labels: Sequence[str] | None = None, palette: Sequence[Sequence[int]] | None = None
) -> tuple[OutputSpec, ...]:
    """One spec an output: as its `ModelOutput` says, or else as its operations and its shape let one guess.

    They are named as the model's dict of outputs does; without one the only output as its spec says, several as their
    layers.

    Args:
        model: of Keras 3, or its tf_keras counterpart.
        labels: names of the first output's classes, for a model that does not say them.
        palette: one (r, g, b) each.

    Raises:
        InputError: for labels or colours of another number than classes.
    """
    ends, tensors = _ends(model), model.outputs if is_tf_keras(model) else as_functional(model).outputs
    known = [output_layer(end) for end in ends]
    guesses = [None] * len(ends) if all(known) else _guesses(model, tensors)
    specs = [guess if layer is None else layer.spec for layer, guess in zip(known, guesses, strict=True)]
    specs[0] = _relabelled(specs[0], labels, palette)
    return tuple(replace(spec, name=name) for spec, name in zip(specs, _names(model, ends, specs), strict=True))


def picture_place(specs: Sequence[InputSpec]) -> int:
    """The place of the first picture among the inputs, 0 where there is none."""
    return next((place for place, spec in enumerate(specs) if spec.layout), 0)


def specs_at_size(
    model: Any, specs: Sequence[OutputSpec], shapes: Sequence[tuple[int | None, ...]]
) -> tuple[OutputSpec, ...]:
    """The specs with what the layers before the outputs say of them for inputs of these shapes.

    Args:
        model: of Keras 3, or its tf_keras counterpart.
        specs: of its outputs, in their order.
        shapes: of its inputs, batch first.
    """
    graph = None if is_tf_keras(model) else trace(model)
    if graph is None or any(None in shape[1:] for shape in shapes):
        return tuple(specs)
    producers, sides = graph.producers(), None
    result = []
    for spec, value in zip(specs, graph.outputs, strict=True):
        end = producers.get(value)
        before = producers.get(end.inputs[0]) if end is not None and end.inputs else None
        if before is not None and hasattr(before.operation, "options_at"):
            sides = sides or shapes_at(graph, *((None, *shape[1:]) for shape in shapes))
            options = before.operation.options_at([sides[each] for each in before.inputs])
            spec = replace(spec, options={**spec.options, **options})
        result.append(spec)
    return tuple(result)


def model_outputs(model: Any) -> list[ModelOutput | None]:
    """The zoo's `ModelOutput` that each output comes from, None for one that comes from another layer."""
    return [output_layer(end) for end in _ends(model)]


def output_layer(end: Any) -> ModelOutput | None:
    """The zoo's `ModelOutput` that an output comes from, of the layer of either Keras that makes it."""
    original = getattr(end, "original", end)
    return original if isinstance(original, ModelOutput) else None


def task_of(model: Any) -> str:
    """The task of a model, in words: as its first `ModelOutput` says, or else what its first output is."""
    layer = next(filter(None, model_outputs(model)), None)
    return outputs.kind(output_specs(model)[0]).title if layer is None else layer.task


def _ends(model: Any) -> list[Any]:
    """The layer that makes each output, without tfmot's wrappers."""
    if is_tf_keras(model):
        return [unwrapped(tensor._keras_history.layer) for tensor in model.outputs]
    graph = trace(model)
    producers = graph.producers()
    return [producers[value].operation if value in producers else None for value in graph.outputs]


def _names(model: Any, ends: Sequence[Any], specs: Sequence[OutputSpec]) -> list[str]:
    structure = getattr(model, "_nested_outputs" if is_tf_keras(model) else "_outputs_struct", None)
    if isinstance(structure, Mapping):
        return sorted(structure)  # as Keras flattens a dict
    if len(specs) == 1:
        return [specs[0].name]
    names = [getattr(end, "name", _ANSWER) for end in ends]
    return [f"{name}_{names[:at].count(name)}" if name in names[:at] else name for at, name in enumerate(names)]


def _guesses(model: Any, tensors: Sequence[Any]) -> list[OutputSpec]:
    keys, step, shape = output_guess.producers(model)
    types = [tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name for tensor in tensors]
    image = tuple(model.inputs[picture_place(input_specs(model))].shape)
    size = None if len(image) != 4 or None in image[1:3] else image[1:3]
    return output_guess.guess(list(zip(keys, types, strict=True)), step, shape, size)


def _relabelled(
    spec: OutputSpec, labels: Sequence[str] | None, palette: Sequence[Sequence[int]] | None
) -> OutputSpec:
    if labels is not None:
        if spec.channels == 1 and len(labels) == 1:
            labels = ("background", *labels)
        if spec.labels and len(labels) != len(spec.labels):
            raise InputError(
                f"{len(labels)} labels for {len(spec.labels)} classes: give one each, in the order of the output's channels"
            )
        colours = spec.palette if len(labels) == len(spec.palette) else ()
        spec = replace(spec, labels=tuple(labels), palette=colours)
    if palette is not None:
        spec = replace(spec, palette=tuple(tuple(int(value) for value in colour) for colour in palette))
    return spec
