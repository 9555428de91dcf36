"""Small siblings of the registry's networks: the same graphs with few channels, taught a toy problem in seconds.

For what depends on a network's graph and not on its widths: whether it converts, whether it runs whole on an accelerator.
An untrained network is no good for that: its answer hardly depends on the picture, so that the smallest rounding is a large
share of it. Some seconds of colours, and it says something that can be compared.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

import zoo
from zoo import registry
from zoo.registry import Variant
from zoo.training.batchnorm import settle

SIZE = (65, 97)  # odd sides find what even ones hide
CLASSES = 5
_BLOCK = 16  # pixels: the side of a block of one colour
_STEPS, _BATCH = 80, 8
_RATE, _CAREFUL_RATE = 2e-3, 1e-4  # the latter, for twice the steps, where no batch normalisation keeps units alive


@dataclass(frozen=True)
class ToyBatch:
    """Blocks of one colour each, with noise: `images` float32 N×H×W×C in 0–255, `targets` int32, the colour's index per
    pixel for a segmenter, the commonest colour's for a classifier."""

    images: np.ndarray
    targets: np.ndarray


def sibling(name: str, size: tuple[int, int] = SIZE) -> keras.Model:
    """An untrained network of few channels with the graph of that name's, at a fixed size: the paper's own where only that
    fits, else `size` or the least that it can see."""
    entry = registry.get(name)
    keras.utils.set_random_seed(3)
    return zoo.build(name, **{"classes": CLASSES, "input_shape": (*_fitting(entry, size), entry.channels), **entry.tiny})


def _fitting(entry: Variant, size: tuple[int, int]) -> tuple[int, int]:
    return entry.input_size if entry.fixed_size else tuple(max(pixels, entry.min_size) for pixels in size)


def fingerprint(model: keras.Model) -> str:
    """The same for networks of one graph, whatever their names and the shares that they drop while they learn."""
    return hashlib.sha256(json.dumps(_kept(model.get_config() | {"name": ""}), sort_keys=True).encode()).hexdigest()[:16]


def _kept(config: Any) -> Any:
    if isinstance(config, dict):
        return {key: _kept(value) for key, value in config.items() if key != "rate"}
    return [_kept(value) for value in config] if isinstance(config, list | tuple) else config


def lesson(model: keras.Model, count: int = 64, seed: int = 0) -> ToyBatch:
    """Pictures and targets of the sizes that a network takes and gives."""
    per_pixel = len(model.output_shape) == 4
    height, width, channels = model.input_shape[1:]
    random = np.random.default_rng(seed)
    colours = np.linspace(20, 235, CLASSES)[:, None].repeat(channels, 1)
    if channels > 1:
        colours = np.random.default_rng(1).uniform(0, 255, (CLASSES, channels))
    blocks = random.integers(0, CLASSES, (count, -(-height // _BLOCK), -(-width // _BLOCK)))
    if not per_pixel:
        targets = random.integers(0, CLASSES, count)
        blocks = np.where(random.random(blocks.shape) < 0.6, targets[:, None, None], blocks)
    shown = colours[blocks] + random.normal(0, 20, (*blocks.shape, channels))
    images = _enlarged(shown, (height, width))
    images += random.normal(0, 10, images.shape)
    if per_pixel:  # unpadded networks see a margin that they say nothing of
        targets = _centre(_enlarged(blocks, (height, width)), model.output_shape[1:3])
    return ToyBatch(images.clip(0, 255).astype("float32"), targets.astype("int32"))


def _enlarged(blocks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return blocks.repeat(_BLOCK, axis=1).repeat(_BLOCK, axis=2)[:, : size[0], : size[1]]


def _centre(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    top, left = ((whole - part) // 2 for whole, part in zip(maps.shape[1:3], size, strict=True))
    return maps[:, top : top + size[0], left : left + size[1]]


def teach(model: keras.Model, given: ToyBatch, steps: int = _STEPS) -> None:
    """Trains in place for so many steps, twice as many without batch normalisation; that is left at rest on the pictures."""
    settle(model, given.images[:16])
    normalised = any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
    rate, steps = (_RATE, steps) if normalised else (_CAREFUL_RATE, 2 * steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), loss, jit_compile=False)
    model.fit(given.images, given.targets, _BATCH, max(1, steps * _BATCH // len(given.images)), verbose=0)
    settle(model, given.images[:16])  # so few steps leave its moving averages far behind
