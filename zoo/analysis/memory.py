"""Peak activation memory, counted from the built graph."""

from __future__ import annotations

import math

import keras

from zoo.analysis.macs import trace

BYTES = 4  # of a float32 number


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
