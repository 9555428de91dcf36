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
    "int16x8": Recipe("activations in int16, weights in int8; where int8 loses too much", calibrated=True),
}
IO = ("float32", "int8", "uint8")
