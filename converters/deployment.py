"""The files that a device runs of a network: mostly one; of one that goes on step by step an encoder's, and that of a step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from converters.tflite.convert import Converted, to_tflite
from converters.tflite.recipes import RECIPES
from zoo import tasks
from zoo.layers import model_output

if TYPE_CHECKING:
    from zoo.data import Dataset

ENCODER = ".encoder.tflite"  # in place of .tflite, as edge looks for it
_BATCH = 16


def device_files(
    model: keras.Model,
    path: str | Path,
    recipe: str = "float32",
    *,
    data: Dataset | None = None,
    count: int = 64,
    input_size: tuple[int, int] | None = None,
    tiles: bool = False,
    **options: Any,
) -> tuple[Converted, ...]:
    """Writes what a device runs of a network, as its task says (`zoo.tasks.Task.deployed`, `encoder`).

    Args:
        model: of this zoo.
        path: of the file, NAME.tflite; an encoder's is NAME.encoder.tflite beside it.
        recipe: a key of `RECIPES`.
        data: that ranges are measured on, where the recipe measures any.
        count: samples of them at most.
        input_size: (H, W) in pixels, for networks that take any.
        tiles: whether samples are cut to the size, and not resized.
        **options: of `to_tflite`.

    Returns:
        The file, or the file of one step and then its encoder's.

    Raises:
        InputError: as `to_tflite`.
    """
    task = tasks.get(model_output(model).task)
    network, encoder = task.deployed(model), task.encoder(model)
    first = network if encoder is None else encoder
    sides = tuple(first.inputs[0].shape[1:3])
    size = input_size if None in sides else None
    images = None
    if data is not None and RECIPES[recipe].calibrated:
        images = task.calibration(data, count, size or sides, tiles)
    if encoder is None:
        return (to_tflite(network, path, recipe, size, images, **options),)
    path = Path(path)
    beside = path.with_name(path.name.removesuffix(".tflite") + ENCODER)
    images = None if images is None else task.encoder_images(images)
    looks = to_tflite(encoder, beside, recipe, size, images, **options)
    seen = None if images is None else task.steps_seen(data, _answers(encoder, images))
    return to_tflite(network, path, recipe, calibration=seen, **options), looks


def _answers(encoder: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """An encoder's outputs on images, by name."""
    parts = [encoder(images[first : first + _BATCH], training=False) for first in range(0, len(images), _BATCH)]
    return {name: np.concatenate([keras.ops.convert_to_numpy(part[name]) for part in parts]) for name in parts[0]}
