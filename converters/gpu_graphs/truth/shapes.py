"""Operators that move numbers and change none."""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.gpu_graphs.truth.registry import Options, computes, enter_all

_MASKS = ("begin", "end", "shrinkAxis", "newAxis", "ellipsis")

enter_all(
    {
        "RESHAPE": lambda x, shape: x.reshape(shape.tolist()),
        "TRANSPOSE": lambda x, axes: x.transpose(axes.tolist()),
        "TILE": lambda x, counts: np.tile(x, counts.tolist()),
        "BROADCAST_TO": lambda x, shape: np.broadcast_to(x, shape.tolist()).copy(),
        "EXPAND_DIMS": lambda x, axis: np.expand_dims(x, int(axis)),
        "PAD": lambda x, widths: np.pad(x, widths.tolist()),
        "PADV2": lambda x, widths, value: np.pad(x, widths.tolist(), constant_values=value),
        "SLICE": lambda x, begin, size: x[
            tuple(slice(b, None if s < 0 else b + s) for b, s in zip(begin.tolist(), size.tolist(), strict=True))
        ],
        "REVERSE_V2": lambda x, axes: np.flip(x, tuple(np.atleast_1d(axes).tolist())),
    }
)


@computes("CONCATENATION")
def concatenation(options: Options, *parts: np.ndarray) -> np.ndarray:
    """One behind the other."""
    return np.concatenate(parts, options["axis"])


@computes("PACK")
def pack(options: Options, *parts: np.ndarray) -> np.ndarray:
    """Side by side on a new axis."""
    return np.stack(parts, options["axis"])


@computes("UNPACK")
def unpack(options: Options, x: np.ndarray) -> list[np.ndarray]:
    """Each index of an axis by itself."""
    return [np.take(x, place, options["axis"]) for place in range(options["num"])]


@computes("SPLIT")
def split(options: Options, axis: np.ndarray, x: np.ndarray) -> list[np.ndarray]:
    """Pieces of equal size."""
    return np.split(x, options["numSplits"], int(axis))


@computes("SPLIT_V")
def split_v(options: Options, x: np.ndarray, sizes: np.ndarray, axis: np.ndarray) -> list[np.ndarray]:
    """Pieces of these sizes."""
    return np.split(x, np.cumsum(sizes)[:-1].tolist(), int(axis))


@computes("SQUEEZE")
def squeeze(options: Options, x: np.ndarray) -> np.ndarray:
    """Without axes of 1."""
    return np.squeeze(x, tuple(options["squeezeDims"]))


@computes("MIRROR_PAD")
def mirror_pad(options: Options, x: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """What lies at the edge, mirrored: mode 0 without the edge itself, mode 1 with it."""
    return np.pad(x, widths.tolist(), mode=("reflect", "symmetric")[options["mode"]])


@computes("STRIDED_SLICE")
def strided_slice(options: Options, x: np.ndarray, begin: np.ndarray, end: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Every so many of a box; masked ends are open, shrunken axes are gone, new ones are of 1."""
    places: list[Any] = []
    for axis, (first, last, step) in enumerate(zip(begin.tolist(), end.tolist(), steps.tolist(), strict=True)):
        masks = {name: options.get(f"{name}Mask", 0) >> axis & 1 for name in _MASKS}
        ends = slice(None if masks["begin"] else first, None if masks["end"] else last, step)
        one = first if masks["shrinkAxis"] else None if masks["newAxis"] else ends
        places.append(Ellipsis if masks["ellipsis"] else one)
    return x[tuple(places)]


@computes("SPACE_TO_BATCH_ND")
def space_to_batch(options: Options, x: np.ndarray, block: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Pixels of a grid into the batch."""
    padded = np.pad(x, [(0, 0), *widths.tolist(), (0, 0)])
    (high, wide), (batch, height, width, channels) = block.tolist(), padded.shape
    blocks = padded.reshape(batch, height // high, high, width // wide, wide, channels).transpose(2, 4, 0, 1, 3, 5)
    return blocks.reshape(-1, height // high, width // wide, channels)


@computes("BATCH_TO_SPACE_ND")
def batch_to_space(options: Options, x: np.ndarray, block: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Pictures of a batch into the pixels of a grid, whose border is cut off."""
    (high, wide), (_, height, width, channels) = block.tolist(), x.shape
    blocks = x.reshape(high, wide, -1, height, width, channels).transpose(2, 3, 0, 4, 1, 5)
    whole = blocks.reshape(-1, height * high, width * wide, channels)
    (top, bottom), (left, right) = widths.tolist()
    return whole[:, top : height * high - bottom, left : width * wide - right]
