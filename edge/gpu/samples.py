"""Samples: pictures, or the seeded ones that stand in for them, as the tensors that a file takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edge.errors import InputError
from edge.graph import Graph, Tensor
from edge.images import Picture, prepare_input, structured
from edge.inputs import prepared
from edge.tflite_file import Card
from zoo import outputs as kinds
from zoo.outputs import InputSpec

Named = Mapping[str, Picture]  # what each input takes, by name
Samples = Sequence[Picture | Named] | Named
SEEDED = 4  # pictures, where none are given


def feeds_of(graph: Graph, card: Card, samples: Samples | None) -> tuple[list[list[np.ndarray]], str]:
    """(stored input tensors of each sample in the graph's order, what they are in words)."""
    if isinstance(samples, Mapping):
        samples = [dict(zip(samples, items, strict=True)) for items in zip(*samples.values(), strict=False)]
    if samples is not None and not len(samples):
        raise InputError("samples is empty; give at least one picture, or None for seeded ones")
    if samples is not None and len(graph.inputs) > 1 and not any(isinstance(sample, np.ndarray) for sample in samples):
        feeds = [_named(graph, card, one) if isinstance(one, Mapping) else _tensors(graph, one) for one in samples]
        return feeds, f"{len(samples)} given"
    if samples is not None and not card.takes_picture and len(graph.inputs) != 1:
        names = ", ".join(spec.name for spec in card.inputs)
        raise InputError(f"{card.path.name} has {len(graph.inputs)} inputs; give None, or for each sample a dict of {names}")
    if samples is not None:
        values = [_sample(graph.inputs[0], card, sample) for sample in samples]
        return [[graph.inputs[0].store(one)] for one in values], f"{len(values)} given"
    assumed = "" if card.range is not None or not card.inputs[0].layout else ", range 0–1 assumed"
    specs = dict(zip(card.fed, card.inputs, strict=True))
    rng = np.random.default_rng(0)
    in_words = card.reads is not None or not kinds.kind(card.spec).stretches  # what cannot be stretched is asked in words
    words = len(card.vocabulary) if in_words else 0
    feeds = [
        [
            _seeded(tensor, specs[place], card.name, index + SEEDED * place, rng, words)
            for place, tensor in enumerate(graph.inputs)
        ]
        for index in range(SEEDED)
    ]
    made = "structured pictures and words by chance" if words else "structured pictures"
    return feeds, f"{SEEDED} seeded {made}, not the model's own kind of input{assumed}"


def _named(graph: Graph, card: Card, sample: Named) -> list[np.ndarray]:
    """What a dict by the inputs' names holds, in the graph's order."""
    arrays, feeds = prepared(sample, card, graph), {}
    for spec, place in zip(card.inputs, card.fed, strict=True):
        tensor, array = graph.inputs[place], arrays[spec.name]
        fewer = bool(array.ndim) and len(array) < tensor.shape[0]
        feeds[place] = tensor.store(np.repeat(array, tensor.shape[0], axis=0) if fewer else array)
    return [feeds[place] for place in range(len(feeds))]


def _tensors(graph: Graph, sample: Sequence[np.ndarray]) -> list[np.ndarray]:
    """One array for each input, in the graph's order and its shapes."""
    if len(sample) != len(graph.inputs):
        raise InputError(f"a sample has {len(sample)} arrays; the file has {len(graph.inputs)} inputs, each of which takes one")
    for tensor, array in zip(graph.inputs, sample, strict=True):
        if np.shape(array) != tensor.shape:
            raise InputError(f"{tensor.label!r} is given {np.shape(array)}; expected an array of {tensor.shape}")
    return [tensor.store(np.asarray(array)) for tensor, array in zip(graph.inputs, sample, strict=True)]


def _sample(tensor: Tensor, card: Card, sample: Picture) -> np.ndarray:
    several = not isinstance(sample, np.ndarray) and card.inputs[0].frames > 1
    sample = sample if several else np.asarray(sample)
    if several or (sample.dtype == np.uint8 and sample.ndim in (2, 3)):
        one = prepare_input(sample, card.inputs[0], card.name)
    else:
        one = sample[None] if sample.ndim == len(tensor.shape) - 1 else sample
    if one.ndim != len(tensor.shape) or one.shape[1:] != tensor.shape[1:]:
        expected = "×".join(map(str, tensor.shape[1:]))
        raise InputError(f"a sample has shape {one.shape}; expected a uint8 picture, or float32 {expected}")
    return np.repeat(one, tensor.shape[0], axis=0) if len(one) == 1 else one


def _seeded(
    tensor: Tensor, spec: InputSpec, name: str, index: int, rng: np.random.Generator, words: int
) -> np.ndarray:
    """A seeded picture, numbers of as many words as a file knows that is asked in words, or plain numbers."""
    if words and spec.size is not None and spec.channels == 1 and not spec.feedback:
        return tensor.store(rng.integers(0, words, size=tensor.shape).astype(np.float32))
    if spec.layout and spec.channels // spec.frames in (1, 3):
        pictures = structured(*spec.size, spec.frames, seed=index)
        one = prepare_input(pictures if spec.frames > 1 else pictures[0], replace(spec, range=spec.range or (0.0, 1.0)), name)
        return tensor.store(np.repeat(one, tensor.shape[0], axis=0) if len(one) == 1 else one)
    if np.dtype(tensor.dtype).kind == "f" or tensor.scale:
        return tensor.store(rng.normal(size=tensor.shape).astype(np.float32))
    return tensor.store(rng.integers(0, 2, size=tensor.shape))
