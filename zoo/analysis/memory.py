"""Memory, counted from the built graph: what each layer holds, what training and testing need, and the peak of activations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import keras

from zoo.analysis.macs import trace
from zoo.errors import InputError, unknown

BYTES = 4  # of a float32 number
# Numbers that an optimizer keeps for each trainable one beside its value and its gradient.
OPTIMIZER_SLOTS: Mapping[str, int] = {"adamw": 2, "sgd": 1}


@dataclass(frozen=True)
class LayerMemory:
    """What one layer holds, float32.

    Attributes:
        name: of the layer.
        shape: of what it gives for one image, without the batch.
        data: bytes of that.
        parameters: bytes of its weights, statistics of normalisation included; of a shared layer at its first use.
    """

    name: str
    shape: tuple[int, ...]
    data: int
    parameters: int


@dataclass(frozen=True)
class MemoryTable:
    """The memory of a network in float32, layer by layer: the table that is made on paper before a network is trained.

    Attributes:
        layers: in graph order, the image first.
        trainable: bytes of the trainable weights.
        peak: bytes of the most activations of one image that are alive at once, as `peak_activations`.
    """

    layers: tuple[LayerMemory, ...]
    trainable: int
    peak: int

    @property
    def data(self) -> int:
        """Bytes of what all layers give for one image."""
        return sum(layer.data for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Bytes of all weights."""
        return sum(layer.parameters for layer in self.layers)

    def train(self, batch_size: int = 1, optimizer: str = "adamw") -> int:
        """Bytes that a step of training needs: for each image every layer's output and its gradient, for each trainable weight
        a gradient and the optimizer's numbers, and the weights.

        That is the most that a framework needs which frees nothing within a step; most free a gradient once it was used.

        Args:
            batch_size: images a step.
            optimizer: a key of `OPTIMIZER_SLOTS`.

        Raises:
            InputError: for an unknown optimizer or a batch without images.
        """
        if optimizer not in OPTIMIZER_SLOTS:
            raise unknown("optimizer", optimizer, OPTIMIZER_SLOTS)
        if batch_size < 1:
            raise InputError(f"batch_size={batch_size}; expected 1 or more")
        return 2 * batch_size * self.data + self.parameters + (1 + OPTIMIZER_SLOTS[optimizer]) * self.trainable

    def test(self, batch_size: int = 1) -> int:
        """Bytes that an answer needs: the weights, and for each image the most activations that are alive at once."""
        return self.parameters + batch_size * self.peak


def memory_table(model: keras.Model, input_size: tuple[int, int] | None = None) -> MemoryTable:
    """The memory of a model's layers for one image.

    Args:
        model: a functional model with one image input.
        input_size: (H, W) in pixels; not needed where the model's own size is fixed.

    Raises:
        InputError: if the size is needed and missing, or the model's graph cannot be read.
    """
    uses = trace(model, input_size)
    image, *_ = uses[0][1]
    layers, counted = [LayerMemory("image", tuple(image.shape[1:]), _bytes(image), 0)], set()
    for layer, _, outputs in uses:
        weights = [] if id(layer) in counted else layer.weights
        counted.add(id(layer))
        size = BYTES * sum(math.prod(weight.shape) for weight in weights)
        layers.append(LayerMemory(layer.name, tuple(outputs[0].shape[1:]), sum(map(_bytes, outputs)), size))
    trainable = BYTES * sum(math.prod(weight.shape) for weight in model.trainable_variables)
    return MemoryTable(tuple(layers), trainable, peak_activations(model, input_size))


def peak_activations(model: keras.Model, input_size: tuple[int, int] | None = None) -> int:
    """Bytes of the most float32 activations that are alive at once when one image runs through a model.

    Layers run one after another in graph order, and each writes a tensor of its own: it is alive from then until its last
    reader is done. While a layer runs, what it reads and what it writes are both alive; the image is alive from the start
    and the answer to the end. Nothing is fused or done in place and a layer's own scratch space is not known, so
    a runtime that fuses activations into convolutions needs less. Weights are not counted.

    Args:
        model: a functional model with one image input.
        input_size: (H, W) in pixels; not needed where the model's own size is fixed.

    Raises:
        InputError: if the size is needed and missing.
    """
    uses = trace(model, input_size)
    readers: dict[int, int] = {}  # tensor → the last step that reads it
    for step, (_, inputs, _) in enumerate(uses):
        readers.update(dict.fromkeys(map(id, inputs), step))
    image, *_ = uses[0][1]
    alive = {id(image): _bytes(image)}
    peak = 0
    for step, (_, inputs, outputs) in enumerate(uses):
        alive.update({id(tensor): _bytes(tensor) for tensor in outputs})
        peak = max(peak, sum(alive.values()))
        for tensor in (*inputs, *outputs):
            if readers.get(id(tensor), len(uses)) <= step:
                alive.pop(id(tensor), None)
    return peak


def _bytes(tensor: keras.KerasTensor) -> int:
    return BYTES * math.prod(tensor.shape)
