"""How a network is asked about pictures: once each, mirrored and at several scales, or tile by tile where they are large.

>>> procedure = Procedure(flip=True, scales=(0.75, 1, 1.25))
>>> zoo.evaluate(model, data, procedure=procedure)

Averaging. Each picture is seen at every scale and, with `flip`, mirrored too; what the output's kind can average (of class
scores the probabilities) is mirrored back, resized to the size of scale 1, and averaged over all views.

Tiles. A view larger than a tile is seen in tiles that overlap, each at a multiple of 32 pixels, so that a network's grid lies
as it would over the whole. In an overlap, the outer quarter of a tile is not used and the middle half fades linearly into the
neighbour. So wherever a tile is used it knows its surroundings for a quarter of the overlap: with an overlap of at least
twice the network's receptive field, and sides that its stride divides, the answer is that of the whole picture
everywhere; with less it still has no seams.
Networks that look at all of a picture at once (global pooling) answer for each tile what they see there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from PIL import Image

from zoo import outputs
from zoo.errors import InputError
from zoo.layers import assumed_spec, inference, model_output, supervised
from zoo.outputs import OutputSpec
from zoo.training.jit import compiles

GRID = 32  # pixels; tiles start at multiples of it


@dataclass(frozen=True)
class Procedure:
    """How often, and in what pieces, a network sees a picture; by default once and whole.

    Attributes:
        flip: also mirrored left to right.
        scales: factors of the picture's size.
        tile: (H, W) in pixels of the tiles that larger views are cut into, or None. The last of a row or column may be up
            to 31 pixels larger.
        overlap: pixels that neighbouring tiles share at least.

    Raises:
        InputError: for scales that are no positive numbers, or tiles that do not advance by 32 pixels.
    """

    flip: bool = False
    scales: tuple[float, ...] = (1.0,)
    tile: tuple[int, int] | None = None
    overlap: int = 64

    def __post_init__(self) -> None:
        scales = tuple(float(scale) for scale in self.scales)
        if not scales or not all(0 < scale < math.inf for scale in scales):
            raise InputError(f"scales={self.scales}; expected positive factors, such as 0.75, 1 and 1.25")
        object.__setattr__(self, "scales", scales)
        if self.overlap < 0 or (self.tile is not None and min(self.tile) - self.overlap < GRID):
            raise InputError(
                f"tile={self.tile}, overlap={self.overlap}: tiles must be at least {GRID} pixels larger than they overlap"
            )

    @property
    def averages(self) -> bool:
        """Whether there is more than the picture as it is."""
        return self.flip or self.scales != (1.0,)

    def __str__(self) -> str:
        scales = "" if self.scales == (1.0,) else f"scales {', '.join(f'{scale:g}' for scale in self.scales)}"
        tiles = "" if self.tile is None else f"tiles of {self.tile[0]}×{self.tile[1]} overlapping by {self.overlap}"
        return "; ".join(filter(None, (scales, "mirrored too" if self.flip else "", tiles))) or "single scale"


class Predictor:
    """A Keras model that is asked by a procedure.

    Args:
        model: of this zoo; or of others if it gives logits at the pictures' size or an even fraction of it.
        size: (H, W) in pixels of scale 1; by default the model's own fixed size, or else each picture's.
        procedure: by default the picture once and whole.
        spec: what the first output means, where it cannot be asked for because `model` stops before its `ModelOutput`.

    Attributes:
        size: (H, W) of scale 1, None for each picture's own.
        spec: what `predict` gives.

    Raises:
        InputError: the size, the scales or the tiles contradict a fixed size, or tiles are asked of a network that gives
            one answer a picture.
    """

    def __init__(
        self,
        model: keras.Model,
        size: tuple[int, int] | None = None,
        procedure: Procedure | None = None,
        spec: OutputSpec | None = None,
    ) -> None:
        self.procedure = procedure or Procedure()
        own = tuple(model.input_shape[1:3])
        self._fixed = None if None in own else own
        self.size = self._checked_size(model.name, None if size is None else tuple(map(int, size)))
        last = model_output(model)
        self.spec = spec or (assumed_spec(model) if last is None else last.spec)
        # A model of our own over the same layers: compiling that one leaves the caller's as it is.
        if last is not None and (self.procedure.averages or self.procedure.tile):
            self._model, self.spec = supervised(inference(model))[0], last.trained_on
        else:
            self._model = keras.Model(model.inputs[0], model.outputs[0])
        self._kind, self._view = outputs.kind(self.spec), self.spec
        if self.procedure.tile is not None and not self.spec.dense:
            raise InputError(f"{model.name} gives one answer a picture; tiles are for networks that answer every pixel")
        if self.procedure.averages:
            self.spec = self._kind.pooled_spec(self._view)
        self._model.compile(jit_compile=compiles(None))
        self._traced: dict[tuple[int, ...], int] = {}  # an input's shape → images in the batches traced for it

    def predict(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """The network's output for uint8 H×W×C pictures of one shape, batch first, at `size` or their own."""
        size = self.size or pictures[0].shape[:2]
        if not self.procedure.averages:
            return self._output(_batch(pictures, size))
        total: np.ndarray | float = 0.0
        views = 0
        for view, mirrored in self._views(pictures, size):
            output = self._kind.poolable(self._at(self._output(view), size), self._view)
            total = total + (self._kind.mirror(output) if mirrored else output)
            views += 1
        return total / views

    def _views(self, pictures: Sequence[np.ndarray], size: tuple[int, int]) -> Iterator[tuple[np.ndarray, bool]]:
        for scale in self.procedure.scales:
            view = _batch(pictures, tuple(max(1, round(scale * pixels)) for pixels in size))
            yield view, False
            if self.procedure.flip:
                yield view[:, :, ::-1], True

    def _output(self, images: np.ndarray) -> np.ndarray:
        """Of N×H×W×C images at once, or tile by tile where they are larger than one."""
        tile = self.procedure.tile
        if tile is None:
            return self._run(images)
        return tiled(self._run, images, tile, self.procedure.overlap, exact=self._fixed is not None)

    def _run(self, images: np.ndarray) -> np.ndarray:
        count = len(images)
        traced = max(count, self._traced.get(images.shape[1:], 0))
        self._traced[images.shape[1:]] = traced
        if traced > count:  # filled up: cheaper than tracing a large network again for a last, shorter batch
            images = np.pad(images, ((0, traced - count), (0, 0), (0, 0), (0, 0)))
        output = np.asarray(keras.ops.convert_to_numpy(self._model.predict_on_batch(images)))[:count]
        return output if self.procedure.tile is None else self._at(output, images.shape[1:3])

    def _at(self, output: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """A dense output at that size, bilinearly."""
        if self.spec.scale is None:
            return output
        return self._kind.resize(output, (size[0] * self.spec.scale, size[1] * self.spec.scale))

    def _checked_size(self, name: str, size: tuple[int, int] | None) -> tuple[int, int] | None:
        tile, own = self.procedure.tile, self._fixed
        if own is None:
            return size
        built = f"{name} was built for {own[0]}×{own[1]} and takes no other"
        if tile is not None:
            if tuple(tile) != own:
                raise InputError(f"tiles of {tile[0]}×{tile[1]}: {built}")
            return size
        if size is not None and size != own:
            raise InputError(f"size={size}: {built}")
        if self.procedure.scales != (1.0,):
            raise InputError(f"scales={self.procedure.scales}: {built}; give tile={own} to see scaled pictures in tiles")
        return own


def tiled(
    run: Callable[[np.ndarray], np.ndarray], images: np.ndarray, tile: tuple[int, int], overlap: int, exact: bool = False
) -> np.ndarray:
    """What `run` says of images, put together from what it says of their tiles.

    Args:
        run: from N×h×w×C to N×h×w×D.
        images: N×H×W×C.
        tile: (h, w) in pixels.
        overlap: pixels that neighbouring tiles share at least.
        exact: every tile has exactly that size; the last of a row or column then need not start at a multiple of 32.

    Raises:
        InputError: with `exact`, if the images are smaller than a tile.
    """
    spans = [list(_spans(*sides, overlap, exact)) for sides in zip(images.shape[1:3], tile, strict=True)]
    total: np.ndarray | None = None
    for top, bottom, rows in spans[0]:
        for left, right, columns in spans[1]:
            output = run(images[:, top:bottom, left:right])
            if total is None:
                total = np.zeros((*images.shape[:3], output.shape[-1]), np.float32)
            total[:, top:bottom, left:right] += output * (rows[:, None] * columns)[..., None]
    return total


def _spans(pixels: int, tile: int, overlap: int, exact: bool) -> Iterator[tuple[int, int, np.ndarray]]:
    """Along one axis: where each tile begins and ends, and the weight of its pixels; the weights of all add up to 1."""
    if exact and pixels < tile:
        raise InputError(f"a side of {pixels} pixels is smaller than the tile of {tile} that the network was built for")
    step = (tile - overlap) // GRID * GRID
    last = max(0, pixels - tile)
    last -= 0 if exact else last % GRID
    starts = [*range(0, last, step), last]
    ends = [*(start + tile for start in starts[:-1]), pixels]
    weights = []
    for start, end in zip(starts, ends, strict=True):
        inner = np.arange(end - start) + 0.5
        rise = _fade(inner, overlap) if start > 0 else np.ones(end - start)
        fall = _fade(inner[::-1], overlap) if end < pixels else np.ones(end - start)
        weights.append(np.minimum(rise, fall))
    total = np.zeros(pixels)
    for start, end, weight in zip(starts, ends, weights, strict=True):
        total[start:end] += weight
    for start, end, weight in zip(starts, ends, weights, strict=True):
        yield start, end, (weight / total[start:end]).astype(np.float32)


def _fade(depth: np.ndarray, overlap: int) -> np.ndarray:
    """Weight of pixels that lie so deep inside a tile: 0 up to a quarter of the overlap, 1 from three quarters on."""
    return np.clip((depth - overlap / 4) / max(overlap / 2, 1e-9), 0, 1)


def _batch(pictures: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Pictures at one size, bilinearly: float32 N×H×W×C, 0–255."""
    return np.stack([_resized(picture, size) for picture in pictures]).astype(np.float32)


def _resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if picture.shape[:2] == tuple(size):
        return picture
    return np.asarray(Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.BILINEAR))
