"""A picture into what a model eats, and the seeded pictures that stand in where nobody gives real ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from edge.errors import InputError
from edge.tflite_file import Card
from zoo.outputs import InputSpec
from zoo.outputs.layout import CHANNELS_LAST
from zoo.outputs.spec import Bound

Picture = np.ndarray | Sequence[np.ndarray]
LONGEST_SIDE = 16_384  # beyond it a class map alone is 256 MiB: no picture, a mistake


def check(image: np.ndarray) -> np.ndarray:
    """The picture as uint8 H×W×3 RGB; grey-scale H×W or H×W×1 is repeated. Raises InputError for anything else."""
    if not isinstance(image, np.ndarray):
        raise InputError(f"image is a {type(image).__name__}; expected a numpy array, uint8 H×W×3")
    if image.dtype != np.uint8:
        raise InputError(f"image is {image.dtype}; expected uint8 in 0–255 (multiply by 255 and cast if it is in 0–1)")
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=-1)
    if image.ndim != 3 or image.shape[-1] != 3:
        alpha = image.shape[-1:] == (4,)
        hint = "drop the alpha channel (image[..., :3])" if alpha else "give one RGB picture, not a batch"
        raise InputError(f"image has shape {image.shape}; expected H×W×3: {hint}")
    if min(image.shape[:2]) < 1 or max(image.shape[:2]) > LONGEST_SIDE:
        raise InputError(f"image is {image.shape[0]}×{image.shape[1]}; expected 1 to {LONGEST_SIDE} pixels a side")
    return image


def frames_of(image: Picture, spec: InputSpec) -> list[np.ndarray]:
    """The pictures, uint8 H×W×3, that an input takes: one; or of several frames a sequence, or H×W×3k of k pictures.

    Raises InputError for another number, for what is no picture, and for pictures of several sizes.
    """
    if spec.frames == 1:
        return [check(image)]
    if isinstance(image, np.ndarray) and image.ndim == 3:
        image = np.split(image, spec.frames, axis=-1) if image.shape[-1] == 3 * spec.frames else [image]
    if not isinstance(image, Sequence | np.ndarray) or len(image) != spec.frames:
        count = len(image) if isinstance(image, Sequence | np.ndarray) else 1
        raise InputError(f"{count} given; {spec.name} takes {spec.frames} pictures: a list of them, or H×W×{3 * spec.frames}")
    frames = [check(frame) for frame in image]
    if len({frame.shape for frame in frames}) > 1:
        raise InputError(f"pictures of {' and '.join(str(frame.shape[:2]) for frame in frames)}; frames are of one size")
    return frames


def prepare(image: Picture, card: Card) -> np.ndarray:
    """float32 in the card's layout and range for its first input, from a uint8 H×W×3 picture of any size (or its frames)."""
    return prepare_input(image, card.inputs[0], card.name)


def prepare_input(image: Picture, spec: InputSpec, name: str) -> np.ndarray:
    """float32 in the input's layout and range, 1×h×w×c as a rule, from a uint8 H×W×3 picture of any size, or its frames;
    `name` is for errors. An input of any size takes the picture at its own.

    Resized by Pillow's bilinear filter, which averages over the pixels that it skips when it shrinks, so fine texture
    does not alias; aspect ratio is not kept, as in training. Grey-scale models get ITU-R 601 luma.
    """
    if not spec.layout:
        raise InputError(f"{name} takes no picture ({spec.name!r} is not N×H×W×C); use run(tensor)")
    channels = spec.channels // spec.frames
    if channels not in (1, 3):
        raise InputError(f"{name} takes {channels} channels, a picture has 1 or 3; use run(tensor)")
    if spec.range is None:
        raise InputError(f"{name} does not say its input's range: give it, input_range=(0, 1) or (-1, 1) or (0, 255)")
    frames = frames_of(image, spec)
    size = spec.size or frames[0].shape[:2]
    resized = [_resized(frame, size, channels) for frame in frames]
    values = resized[0] if len(resized) == 1 else np.concatenate(resized, axis=-1)
    low, high = (_of_channels(bound, spec) for bound in spec.range)
    if low.any() or not np.all(high == 255):
        values = values / np.float32(255) * (high - low) + low
    return _laid_out(values, spec.layout)


def _laid_out(values: np.ndarray, layout: str) -> np.ndarray:
    """1×h×w×c in an input's own order of axes."""
    if "N" not in layout:
        return values[0].transpose([CHANNELS_LAST[1:].index(letter) for letter in layout])
    return np.ascontiguousarray(values.transpose([CHANNELS_LAST.index(letter) for letter in layout]))


def _resized(frame: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    picture = Image.fromarray(frame)
    if channels == 1:
        picture = picture.convert("L")
    height, width = size
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture, np.float32).reshape(1, height, width, channels)


def _of_channels(bound: Bound, spec: InputSpec) -> np.ndarray:
    """A bound for all channels, or one a channel: of a frame, which then holds for each."""
    values = np.asarray(bound, np.float32)
    return np.tile(values, spec.frames) if values.ndim and len(values) * spec.frames == spec.channels else values


def structured(height: int, width: int, count: int, seed: int = 0) -> list[np.ndarray]:
    """`count` uint8 H×W×3 pictures: gradients, waves, discs with edges and noise, a pure function of the arguments.

    Flat noise is a poor probe: averaging layers see a constant in it. These have structure at every scale, and no two
    corners alike, so a flipped, shifted or swapped axis shows.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / max(height, 1), x / max(width, 1)
    pictures = []
    for _ in range(count):
        planes = []
        for _ in range(3):
            fx, fy, phase = rng.uniform(-9, 9), rng.uniform(-9, 9), rng.uniform(0, 6.3)
            tilt = rng.uniform(-1, 1, 2)
            slope = tilt[0] * (x - 0.5) + tilt[1] * (y - 0.5)
            planes.append(0.5 + 0.25 * np.sin(fx * x + fy * y + phase) + 0.3 * slope)
        picture = np.stack(planes, -1)
        for _ in range(6):
            cy, cx, radius = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.05, 0.3)
            picture[(y - cy) ** 2 + (x - cx) ** 2 < radius**2] = rng.uniform(0, 1, 3)
        picture += rng.normal(0, 0.03, picture.shape)
        pictures.append((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    return pictures
