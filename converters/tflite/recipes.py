"""Recipes of a `.tflite` file: how weights and activations are stored and computed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """The recipe of a file.

    Args:
        summary: one line for people.
        calibrated: whether it needs images to measure ranges on.
    """

    summary: str
    calibrated: bool = False


RECIPES: dict[str, Recipe] = {
    "float32": Recipe("as trained"),
    "float16": Recipe("weights in half precision, half the bytes; computed in float16 on GPUs, in float32 on CPUs"),
    "dynamic": Recipe("weights in int8 per channel, a quarter of the bytes; activations quantized while running"),
    "int8": Recipe("all in int8, weights per channel; for NPUs, DSPs and the fastest CPU path", calibrated=True),
    "weights8": Recipe("weights in int8 per channel, a quarter of the bytes; computed in float32 throughout"),
    "weights4": Recipe("weights in 4 bits per channel, an eighth of the bytes; computed in float32, and coarser"),
    "int16x8": Recipe("activations in int16, weights in int8; where int8 loses too much", calibrated=True),
}
IO = ("float32", "int8", "uint8")
BY_TENSORFLOW = ("float32", "float16", "dynamic", "int8", "int16x8")  # which TensorFlow's converter writes too
SPARSE = ("float32", "float16", "int8")  # whose kernels may be stored without their zeros
