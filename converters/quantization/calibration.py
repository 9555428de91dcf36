"""The images that quantization measures activation ranges on."""

from __future__ import annotations

import hashlib
import itertools
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.errors import InputError
from zoo.layers import input_specs
from zoo.outputs import InputSpec

_AXES = 4  # of pictures N×H×W×C
JUDGED = 2  # images on which an integer file is compared with its model
FEW = 8  # below this many images a single odd one sets the ranges


@dataclass(frozen=True)
class Calibration:
    """Checked calibration images: float32 or uint8 N×H×W×C in 0–255; `dtype` is what the model takes.

    Of a model of several inputs these are the first one's, and `others` those of the others, in their types. Of a network of
    one step (`steps`) they are tokens N×1×1×1, and the states that it had before each of them.
    """

    images: np.ndarray
    dtype: str = "float32"
    others: tuple[np.ndarray, ...] = ()
    steps: bool = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.images)

    @property
    def sha256(self) -> str:
        """Over the images' pixels, their number and size, and those of what other inputs get beside them."""
        digest = hashlib.sha256()
        for array in (self.images, *(() if self.steps else self.others)):  # states follow from the tokens
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def batches(self) -> Iterator[list[np.ndarray]]:
        """Each image as TensorFlow's converter wants it, [1×H×W×C] in the model's type, and the other inputs beside it.

        Of one input two pixels of the first image are set to 0 and 255, so that the input's quantization is exactly one step
        per grey level (scale 1, uint8 value = pixel) whatever the calibration images happen to hold.
        """
        for index, image in enumerate(self.images):
            batch = image[None].astype(self.dtype)
            if index == 0 and batch.ndim == _AXES and (self.steps or not self.others):
                batch[0, 0, 0], batch[0, -1, -1] = 0, 255
            yield [batch, *(other[index : index + 1] for other in self.others)]


def check(given: Any, size: tuple[int, int], channels: int) -> Calibration:
    """Reads calibration images: an N×H×W×C array, or anything that gives H×W×C images (or batches, or samples with an
    `image`) when iterated or indexed; values 0–255.

    Raises:
        InputError: for none at all, another size, values outside 0–255 or that look scaled to 0–1, or not a number.
    """
    images = check_samples(given, size, channels, what="calibration")
    warn_of_few(len(images))
    return Calibration(images)


def warn_of_few(count: int) -> None:
    """Warns where there are so few images that each of them counts."""
    if count < FEW:
        warnings.warn(
            f"calibration holds {count} images; ranges measured on fewer than {FEW} depend on each one: give dozens",
            stacklevel=5,
        )


def of_steps(model: keras.Model, given: Any) -> Calibration:
    """What a network of one step sees while it reads texts: every token, the states before it, and what goes with the text.

    Args:
        model: of `zoo.layers.step_network` or `zoo.layers.word_network`.
        given: texts N×1×T×1, tokens from 0 to 255, or anything that gives 1×T×1 when iterated or indexed; of a step that takes
            numbers N×C, these one after the other, N×1×T×C; or a dict of them and of what the other inputs begin with, by the
            inputs' names. States that it does not name begin as zeros.

    Raises:
        InputError: as `check`, and for an input that is no state and not given.
    """
    first, *others = input_specs(model)
    begun = dict(given) if isinstance(given, Mapping) else {first.name: given}
    texts = _sequences(begun.get(first.name, ()), first, model.inputs[0].shape[-1])
    own = (1, 1) if first.layout else ()  # sides of what a step takes of them
    lacking = [spec.name for spec in others if not spec.feedback and spec.name not in begun]
    if lacking:
        raise InputError(f"calibration lacks {', '.join(lacking)}, which goes with each text; give a dict by the inputs' names")
    zeros = {
        spec.name: np.zeros((len(texts), *tensor.shape[1:]), np.float32)
        for spec, tensor in zip(others, model.inputs[1:], strict=True)
    }
    states = [np.asarray(begun.get(spec.name, zeros[spec.name]), np.float32) for spec in others]
    before: list[list[np.ndarray]] = []
    for place in range(texts.shape[2]):
        before.append(states)
        taken = texts[:, :, place].reshape(len(texts), *own, -1).astype(np.float32)
        outputs = model([taken, *states], training=False)
        states = [
            keras.ops.convert_to_numpy(outputs[spec.feedback]) if spec.feedback else state
            for spec, state in zip(others, states, strict=True)
        ]
    tokens = texts.transpose(2, 0, 1, 3).reshape(-1, *own, texts.shape[3])
    return Calibration(tokens, others=tuple(np.concatenate(column) for column in zip(*before, strict=True)), steps=True)


def _sequences(given: Any, spec: InputSpec, channels: int) -> np.ndarray:
    """What a network of one step takes one after the other, N×1×T×C: tokens as they are checked, or any numbers."""
    if spec.layout:
        return check_samples(given, (1, None), channels, what="calibration")
    numbers = np.asarray(given, np.float32)
    if numbers.ndim != _AXES or numbers.shape[1::2] != (1, channels) or not numbers.size or not np.isfinite(numbers).all():
        raise InputError(f"calibration for {spec.name!r} has shape {numbers.shape}; expected finite numbers N×1×T×{channels}")
    return numbers


def check_samples(given: Any, size: tuple[int | None, ...], channels: int, what: str = "samples") -> np.ndarray:
    """The same checks for pictures in general: uint8 or float32 N×H×W×C in 0–255; where `size` is open, of one size."""
    pictures = list(_images(given, what))
    shape = (*size, channels) if None not in size else (*np.shape(pictures[0])[:2], channels) if pictures else ()
    images = [_checked(picture, shape, f"{what} image {index}") for index, picture in enumerate(pictures)]
    if not images:
        raise InputError(f"{what} holds no image; give pictures as N×H×W×C, 0–255")
    stacked = np.stack(images)
    if stacked.dtype != np.uint8 and stacked.max() <= 1.0:
        raise InputError(
            f"{what} values reach only {stacked.max():g}, as if scaled to 0–1; the network takes 0–255: multiply by 255"
        )
    return stacked


def _images(source: Any, what: str) -> Iterable[np.ndarray]:
    for item in _items(source, what):
        entry = getattr(item, "image", item)
        if isinstance(entry, (tuple, list)) and len(entry) and hasattr(entry[0], "shape"):
            entry = entry[0]
        array = np.asarray(entry)
        if array.ndim == 4:
            yield from array
        else:
            yield array


def _items(source: Any, what: str) -> Iterable[Any]:
    if isinstance(source, (str, bytes)):
        raise InputError(f"{what} is {source!r}; give the images themselves, as N×H×W×C, 0–255")
    if hasattr(source, "__len__") and hasattr(source, "__getitem__"):
        return (source[index] for index in range(len(source)))
    if isinstance(source, Iterable):
        return itertools.islice(source, 10_000)  # an endless generator would never come back
    raise InputError(f"{what} is a {type(source).__name__}; give images as N×H×W×C, 0–255, or what yields them")


def _checked(image: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    if image.shape != shape:
        raise InputError(
            f"{name} is {'×'.join(map(str, image.shape))}, the model takes {'×'.join(map(str, shape))}; "
            "resize the images first"
        )
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind not in "fiu":
        raise InputError(f"{name} holds {image.dtype}; expected uint8 or float32 in 0–255")
    image = image.astype(np.float32)
    low, high = float(image.min()), float(image.max())
    if not (low >= 0 and high <= 255):  # also true of NaN
        raise InputError(f"{name} holds values {low:g} to {high:g}; expected 0–255")
    return image
