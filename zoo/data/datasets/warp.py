"""Warps of photographs: two frames made of any folder's pictures, and the exact motion between them.

In the spirit of FlyingChairs (Dosovitskiy et al., "FlowNet", 2015): pieces of photographs of smooth random outline lie over a
photograph, and everything moves between the frames by an affine map of its own, the pieces with the ground and by themselves.
Both frames are drawn from the same layers, each resampled once, so that the flow is known exactly, where something is hidden in
the second frame too. Lengths of movements are drawn evenly in their logarithm: most are of a few pixels, some of many.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.folders import PARTS, need_folder
from zoo.data.image_files import IMAGE_SUFFIXES, read_rgb
from zoo.data.registry import SIZE, WHOLE, dataset
from zoo.data.sample import Sample
from zoo.data.targets import FlowField
from zoo.errors import InputError, unknown

if TYPE_CHECKING:
    from PIL import Image

TENTHS = {"val": (0,), "test": (1,), "train": tuple(range(2, 10))}  # of the photographs, by a hash of their names
PIECES = (2, 7)  # from, up to and without
PIECE = (0.12, 0.4)  # a piece's radius, in shorter sides of the frame
SHORTEST, FARTHEST = 0.3, 24  # pixels of the ground's movement and of a piece's over it, in a frame of SIDE
SIDE = 256
TURN, ZOOM = 2.0, 0.025  # standard deviations of the ground's, in degrees and as a share; a piece's are twice that
MARGIN = 0.35  # of a side, that the ground reaches beyond the frame on every side
LIGHT, NOISE = 0.05, 4.0  # greatest change of light between the frames, and of noise's deviation in levels
KEPT = 128  # photographs kept decoded
_CORNERS = 8  # of an outline
_SMOOTH = 4  # times an outline is drawn as large


@dataclass(frozen=True)
class Layer:
    """A texture, its outline and where both frames have it: 3×3 from the texture's pixels to the frame's."""

    texture: Image.Image
    outline: Image.Image | None
    poses: tuple[np.ndarray, np.ndarray]


class Warps(Dataset):
    """Pairs of frames, uint8 H×W×6, and where every pixel of the first is in the second; sample i is the same every time.

    Args:
        name: for tables and messages.
        photographs: files.
        count: of samples.
        size: (H, W) of the frames.
        seed: of what is drawn.
        farthest: pixels that the ground moves at most, and a piece over it, in a frame whose shorter side is 256.
    """

    task = "optical_flow"
    target = FlowField

    def __init__(
        self, name: str, photographs: Sequence[Path], count: int, size: tuple[int, int], seed: int, farthest: int = FARTHEST
    ) -> None:
        if count < 1 or min(size) < 32:
            raise InputError(f"{name}: count={count}, size={size[0]}x{size[1]}; expected 1 or more, and sides of 32 or more")
        if farthest < 1:
            raise InputError(f"{name}: farthest={farthest}; expected 1 pixel or more")
        self.name, self.photographs, self.size, self.seed = name, tuple(photographs), tuple(size), seed
        self._count, self._lengths = count, (SHORTEST, float(farthest))
        self._read = functools.lru_cache(KEPT)(read_rgb)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        index = self.position(index)
        random = np.random.default_rng((6, self.seed, index))
        layers = self._layers(random)
        frames = [_seen(_drawn(layers, frame, self.size), random) for frame in range(2)]
        return Sample(np.concatenate(frames, axis=-1), FlowField(_motion(layers, self.size)), f"{self.name}-{index:06d}")

    def _layers(self, random: np.random.Generator) -> list[Layer]:
        """The ground, then pieces from the farthest to the nearest."""
        height, width = self.size
        reach = min(self.size) / SIDE
        whole = [(1 + 2 * MARGIN) * side for side in self.size]
        texture = self._texture(random, (round(whole[0]), round(whole[1])))
        place = _shift(-(texture.width - width) / 2, -(texture.height - height) / 2)
        lengths = reach * np.array(self._lengths)
        ground = _moved(random, (width / 2, height / 2), lengths, TURN, ZOOM)
        layers = [Layer(texture, None, (place, ground @ place))]
        for _ in range(random.integers(*PIECES)):
            radius = random.uniform(*PIECE) * min(self.size)
            side = math.ceil(2.6 * radius)
            middle = random.uniform((0, 0), (width, height))
            place = _shift(*(middle - side / 2))
            own = _moved(random, middle, lengths, 2 * TURN, 2 * ZOOM)
            texture = self._texture(random, (side, side))
            layers.append(Layer(texture, _outline(random, side, radius), (place, ground @ own @ place)))
        return layers

    def _texture(self, random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
        """A part of a photograph, at no less than half its own fineness and no more than it has where that is enough."""
        from PIL import Image

        pixels = self._read(self.photographs[random.integers(len(self.photographs))])
        least = max(side / have for side, have in zip(size, pixels.shape, strict=False))
        scale = max(least, random.uniform(0.5, 1.0))
        box = [min(have, side / scale) for side, have in zip(size, pixels.shape, strict=False)]
        top, left = (random.uniform(0, have - part) for have, part in zip(pixels.shape, box, strict=False))
        region = (left, top, left + box[1], top + box[0])
        return Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR, box=region)


@dataset(
    "warp",
    spec="warp:PATH",
    help="pairs of frames made of any folder's photographs, with the exact flow between them",
    options={"seed": WHOLE, "count": WHOLE, "size": SIZE, "farthest": WHOLE},
)
def warp(
    path: Path, split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (256, 320), farthest: int = FARTHEST
) -> Warps:
    """Every photograph below a folder is material; a tenth of them each, by their names' SHA-256, is val's and test's own.

    `count` is train's; val and test have a tenth of that.
    """
    need_folder(path, "warp")
    if split not in PARTS:
        raise unknown("split of warp", split, PARTS)
    tenths = {tenth for part in PARTS[split] for tenth in TENTHS[part]}
    files = [file for file in sorted(path.rglob("*")) if file.suffix.lower() in IMAGE_SUFFIXES]
    own = [file for file in files if _tenth(file.relative_to(path).as_posix()) in tenths]
    if not own:
        raise InputError(f"warp/{split}: none of the {len(files)} photographs in {path} is of this split; it needs one")
    shown = count if "train" in PARTS[split] or count < 1 else max(count // 10, 16)
    return Warps(f"warp-{path.resolve().name}/{split}", own, shown, size, seed, farthest)


def _tenth(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10


def _shift(across: float, down: float) -> np.ndarray:
    return np.array([[1, 0, across], [0, 1, down], [0, 0, 1]], np.float64)


def _moved(
    random: np.random.Generator, middle: Sequence[float], lengths: np.ndarray, turn: float, zoom: float
) -> np.ndarray:
    """A random movement around a middle, from the one to the other length."""
    angle, scale = math.radians(random.normal(0, turn)), math.exp(random.normal(0, zoom))
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    length = math.exp(random.uniform(*np.log(lengths)))
    towards = random.uniform(0, 2 * np.pi)
    there = _shift(middle[0] + length * math.cos(towards), middle[1] + length * math.sin(towards))
    return there @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ _shift(-middle[0], -middle[1])


def _outline(random: np.random.Generator, side: int, radius: float) -> Image.Image:
    """A smooth closed shape of about that radius, 0–255 of side×side."""
    from PIL import Image, ImageDraw

    around = np.linspace(0, 2 * np.pi, 16 * _CORNERS, endpoint=False)
    lengths = np.ones_like(around)
    for wave in range(1, _CORNERS // 2 + 1):
        lengths += random.normal(0, 0.25 / wave) * np.cos(wave * around + random.uniform(0, 2 * np.pi))
    lengths = radius * lengths.clip(0.3, 1.28)
    stretch = math.exp(random.uniform(-0.5, 0))
    points = np.stack([lengths * np.cos(around), stretch * lengths * np.sin(around)], axis=-1) + side / 2
    drawing = Image.new("L", (side * _SMOOTH,) * 2)
    ImageDraw.Draw(drawing).polygon([tuple(point) for point in (points * _SMOOTH).tolist()], fill=255)
    return drawing.resize((side, side), Image.Resampling.BOX)


def _placed(picture: Image.Image, pose: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A texture where a frame has it, float32; nothing beyond its edges."""
    from PIL import Image

    back = np.linalg.inv(pose)[:2].ravel().tolist()
    return np.asarray(picture.transform(size[::-1], Image.Transform.AFFINE, back, Image.Resampling.BILINEAR), np.float32)


def _drawn(layers: Sequence[Layer], frame: int, size: tuple[int, int]) -> np.ndarray:
    """A frame, float32 H×W×3 of 0–255."""
    picture = _placed(layers[0].texture, layers[0].poses[frame], size)
    for layer in layers[1:]:
        cover = _placed(layer.outline, layer.poses[frame], size)[..., None] / 255
        picture += (_placed(layer.texture, layer.poses[frame], size) - picture) * cover
    return picture


def _seen(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A frame as a camera has it: in a little other light each, with noise."""
    light, deviation = random.uniform(1 - LIGHT, 1 + LIGHT), random.uniform(0, NOISE)
    noise = random.standard_normal(picture.shape, np.float32) * np.float32(deviation)
    return np.clip(np.rint(picture * np.float32(light) + noise), 0, 255).astype(np.uint8)


def _motion(layers: Sequence[Layer], size: tuple[int, int]) -> np.ndarray:
    """The flow from frame 0 to frame 1, float32 H×W×2, of whatever lies nearest in frame 0."""
    rows, columns = np.indices(size) + 0.5
    here = np.stack([columns, rows], axis=-1)
    flow = np.zeros((*size, 2))
    for layer in layers:
        carry = layer.poses[1] @ np.linalg.inv(layer.poses[0])
        there = here @ carry[:2, :2].T + carry[:2, 2]
        cover = True if layer.outline is None else _placed(layer.outline, layer.poses[0], size) > 127
        flow = np.where(np.asarray(cover)[..., None], there - here, flow)
    return flow.astype(np.float32)
