"""Predictor: how a network is asked about pictures: once each, mirrored and at several scales, or tile by tile.

>>> zoo.evaluate(model, data, tta=TestTimeAugmentation(flip=True, scales=(0.75, 1, 1.25)), tiling=Tiling((512, 512)))

Test-time augmentation. Each picture is seen at every scale and, with `flip`, mirrored too; what the output's kind can average
(of class scores the probabilities) is mirrored back, resized to the size of scale 1, and averaged over all views.

Tiling. A view larger than a tile is seen in tiles that overlap, each at a multiple of 32 pixels, so that a network's grid lies
as it would over the whole. In an overlap, the outer quarter of a tile is not used and the middle half fades linearly into the
neighbour. So wherever a tile is used it knows its surroundings for a quarter of the overlap: with an overlap of at least
twice the network's receptive field, and sides that its stride divides, the answer is that of the whole picture
everywhere; with less it still has no seams.
Networks that look at all of a picture at once (global pooling) answer for each tile what they see there.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from PIL import Image

from zoo import outputs
from zoo.errors import InputError
from zoo.layers import assumed_spec, inference, model_output, output_layers, supervised
from zoo.outputs import OutputSpec
from zoo.outputs.tiles import GRID, tiled
from zoo.training.jit import compiles

_FRAME = 3  # channels that Pillow resizes at once

Output = np.ndarray | dict[str, np.ndarray]  # of one output, or of several by name


@dataclass(frozen=True)
class TestTimeAugmentation:
    """The views of a picture that an answer is averaged over.

    Attributes:
        flip: also mirrored left to right.
        scales: factors of the picture's size.

    Raises:
        InputError: for scales that are no positive numbers.
    """

    __test__ = False  # pytest takes what is named Test… for tests

    flip: bool = False
    scales: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        scales = tuple(float(scale) for scale in self.scales)
        if not scales or not all(0 < scale < math.inf for scale in scales):
            raise InputError(f"scales={self.scales}; expected positive factors, such as 0.75, 1 and 1.25")
        object.__setattr__(self, "scales", scales)

    @property
    def averages(self) -> bool:
        """Whether there is more than the picture as it is."""
        return self.flip or self.scales != (1.0,)

    def __str__(self) -> str:
        scales = "" if self.scales == (1.0,) else f"scales {', '.join(f'{scale:g}' for scale in self.scales)}"
        return "; ".join(filter(None, (scales, "mirrored too" if self.flip else "")))


@dataclass(frozen=True)
class Tiling:
    """The tiles that larger views are cut into.

    Attributes:
        size: (H, W) of a tile in pixels; the last of a row or column may be up to 31 pixels larger.
        overlap: pixels that neighbouring tiles share at least.

    Raises:
        InputError: for tiles that do not advance by 32 pixels.
    """

    size: tuple[int, int]
    overlap: int = 64

    def __post_init__(self) -> None:
        if self.overlap < 0 or min(self.size) - self.overlap < GRID:
            raise InputError(
                f"tiles of {self.size}, overlap={self.overlap}: tiles must be at least {GRID} pixels larger than they overlap"
            )

    def __str__(self) -> str:
        return f"tiles of {self.size[0]}×{self.size[1]} overlapping by {self.overlap}"


@dataclass(frozen=True)
class Procedure:
    """`TestTimeAugmentation` and `Tiling` in one, as 0.1 had them; until 0.3."""

    flip: bool = False
    scales: tuple[float, ...] = (1.0,)
    tile: tuple[int, int] | None = None
    overlap: int = 64

    def __post_init__(self) -> None:
        warnings.warn(
            "Procedure is now TestTimeAugmentation and Tiling: zoo.evaluate(…, tta=, tiling=); the old name goes with 0.3",
            DeprecationWarning,
            stacklevel=3,
        )

    @property
    def tta(self) -> TestTimeAugmentation:
        """Its views."""
        return TestTimeAugmentation(self.flip, self.scales)

    @property
    def tiling(self) -> Tiling | None:
        """Its tiles."""
        return None if self.tile is None else Tiling(self.tile, self.overlap)


def procedure_text(tta: TestTimeAugmentation | None, tiling: Tiling | None) -> str:
    """The way a network was asked, in words."""
    return "; ".join(str(part) for part in (tta, tiling) if part is not None and str(part)) or "single scale"


class Predictor:
    """A Keras model that is asked about pictures.

    Args:
        model: of this zoo; or of others if it gives logits at the pictures' size or an even fraction of it.
        size: (H, W) in pixels of scale 1; by default the model's own fixed size, or else each picture's.
        tta: the views of a picture; by default the picture once.
        tiling: of large views; by default they are seen whole.
        specs: what the outputs mean, by name in their order, where they cannot be asked for because `model` stops before its
            `ModelOutput`.

    Attributes:
        size: (H, W) of scale 1, None for each picture's own.
        specs: what `predict` gives, by name.

    Raises:
        InputError: the size, the scales or the tiles contradict a fixed size; tiles are asked of a network that gives one
            answer a picture; or views or tiles of one with several outputs.
    """

    def __init__(
        self,
        model: keras.Model,
        size: tuple[int, int] | None = None,
        tta: TestTimeAugmentation | None = None,
        tiling: Tiling | None = None,
        specs: Mapping[str, OutputSpec] | None = None,
    ) -> None:
        self.tta, self.tiling = tta or TestTimeAugmentation(), tiling
        own = tuple(model.input_shape[1:3])
        self._fixed = None if None in own else own
        self.size = self._checked_size(model.name, None if size is None else tuple(map(int, size)))
        last = model_output(model)
        self.specs = dict(specs or _specs(model))
        if len(self.specs) > 1 and (self.tta.averages or tiling is not None):
            raise InputError(f"{model.name} has {len(self.specs)} outputs; views and tiles are put together of one only")
        # A model of our own over the same layers: compiling that one leaves the caller's as it is.
        if last is not None and (self.tta.averages or tiling is not None):
            self._model, self.specs = supervised(inference(model))[0], {last.spec.name: last.trained_on}
        else:
            self._model = keras.Model(model.inputs[0], model.output if len(self.specs) > 1 else model.outputs[0])
        self._view = self.spec
        self._kind = outputs.kind(self._view)
        if tiling is not None and not self._view.dense:
            raise InputError(f"{model.name} gives one answer a picture; tiles are for networks that answer every pixel")
        if self.tta.averages:
            self.specs = {self._view.name: self._kind.pooled_spec(self._view)}
        self._model.compile(jit_compile=compiles(None))
        self._traced: dict[tuple[int, ...], int] = {}  # an input's shape → images in the batches traced for it

    @property
    def spec(self) -> OutputSpec:
        """The meaning of the first output."""
        return next(iter(self.specs.values()))

    def predict(self, pictures: Sequence[np.ndarray]) -> Output:
        """The network's output for uint8 H×W×C pictures of one shape, batch first, at `size` or their own.

        Of several outputs a dict by name.
        """
        size = self.size or pictures[0].shape[:2]
        if not self.tta.averages:
            return self._output(_batch(pictures, size))
        total: np.ndarray | float = 0.0
        views = 0
        for view, mirrored in self._views(pictures, size):
            output = self._kind.poolable(self._at(self._output(view), size), self._view)
            total = total + (self._kind.mirror(output, self._view) if mirrored else output)
            views += 1
        return total / views

    def decoded(self, output: Output, sizes: Sequence[tuple[int, int]]) -> list[Output]:
        """The output of `predict` as one answer a picture, decoded by the outputs' kinds.

        Args:
            output: of the pictures.
            sizes: (H, W) of each of them.
        """
        if not isinstance(output, dict):
            return [self._decoded(self.spec, single, size) for single, size in zip(output, sizes, strict=True)]
        return [
            {name: self._decoded(spec, output[name][index], size) for name, spec in self.specs.items()}
            for index, size in enumerate(sizes)
        ]

    @staticmethod
    def _decoded(spec: OutputSpec, output: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        return outputs.kind(spec).decode(output, spec, size)

    def _views(self, pictures: Sequence[np.ndarray], size: tuple[int, int]) -> Iterator[tuple[np.ndarray, bool]]:
        for scale in self.tta.scales:
            view = _batch(pictures, tuple(max(1, round(scale * pixels)) for pixels in size))
            yield view, False
            if self.tta.flip:
                yield view[:, :, ::-1], True

    def _output(self, images: np.ndarray) -> Output:
        """Of N×H×W×C images at once, or tile by tile where they are larger than one."""
        if self.tiling is None:
            return self._run(images)
        tile, overlap, exact = self.tiling.size, self.tiling.overlap, self._fixed is not None
        return tiled(self._run, images, tile, overlap, exact, self._view.scale or 1)

    def _run(self, images: np.ndarray) -> Output:
        count = len(images)
        traced = max(count, self._traced.get(images.shape[1:], 0))
        self._traced[images.shape[1:]] = traced
        if traced > count:  # filled up: cheaper than tracing a large network again for a last, shorter batch
            images = np.pad(images, ((0, traced - count), (0, 0), (0, 0), (0, 0)))
        output = self._model.predict_on_batch(images)
        if isinstance(output, dict):
            return {name: np.asarray(keras.ops.convert_to_numpy(values))[:count] for name, values in output.items()}
        output = np.asarray(keras.ops.convert_to_numpy(output))[:count]
        return output if self.tiling is None else self._at(output, images.shape[1:3])

    def _at(self, output: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """A dense output at that size, bilinearly."""
        if self._view.scale is None:
            return output
        return self._kind.resize(output, (size[0] * self._view.scale, size[1] * self._view.scale))

    def _checked_size(self, name: str, size: tuple[int, int] | None) -> tuple[int, int] | None:
        own = self._fixed
        if own is None:
            return size
        built = f"{name} was built for {own[0]}×{own[1]} and takes no other"
        if self.tiling is not None:
            if tuple(self.tiling.size) != own:
                raise InputError(f"tiles of {self.tiling.size[0]}×{self.tiling.size[1]}: {built}")
            return size
        if size is not None and size != own:
            raise InputError(f"size={size}: {built}")
        if self.tta.scales != (1.0,):
            raise InputError(f"scales={self.tta.scales}: {built}; give tiles of {own} to see scaled pictures in them")
        return own


def _specs(model: keras.Model) -> dict[str, OutputSpec]:
    layers = output_layers(model)
    return {layer.spec.name: layer.spec for layer in layers} or {"answer": assumed_spec(model)}


def _batch(pictures: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Pictures at one size, bilinearly: float32 N×H×W×C, 0–255."""
    return np.stack([_resized(picture, size) for picture in pictures]).astype(np.float32)


def _resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if picture.shape[:2] == tuple(size):
        return picture
    frames = [picture[..., first : first + _FRAME] for first in range(0, picture.shape[-1], _FRAME)]
    shape = (size[1], size[0])
    return np.concatenate([_plane(frame, shape) for frame in frames], axis=-1)


def _plane(frame: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """uint8 h×w×3 or h×w×1 at (W, H), bilinearly."""
    plane = frame[..., 0] if frame.shape[-1] == 1 else frame
    resized = np.asarray(Image.fromarray(plane).resize(shape, Image.Resampling.BILINEAR))
    return resized[..., None] if resized.ndim == 2 else resized
