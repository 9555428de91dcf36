"""Data sets of scenes: the same pictures, each with another of the answers that are known of them."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.datasets.scenes.scene import Scene, checked, scene
from zoo.data.datasets.scenes.shapes import SHAPES
from zoo.data.registry import SIZE, WHOLE, dataset
from zoo.data.sample import Sample
from zoo.data.targets import FlowField, Mask, Target, TargetImage
from zoo.errors import InputError, unknown

CLASSES: tuple[str, ...] = ("background", *SHAPES)
PALETTE = ((0, 0, 0), (239, 114, 91), (78, 165, 217), (246, 199, 79), (155, 109, 196), (82, 186, 134))
SPLITS = ("train", "val", "test")
_BLOCK = 1 << 40  # the splits' index ranges start this far apart
OPTIONS = {"seed": WHOLE, "count": WHOLE, "size": SIZE}


class SceneSet(Dataset):
    """`count` scenes of one split; train, val and test never share a scene, whatever their counts.

    Data sets of one seed and split show the same scenes, whatever they ask of them.
    """

    prefix = "scenes"

    def __init__(
        self, count: int = 2000, size: int | tuple[int, int] = (128, 128), seed: int = 0, split: str = "train"
    ) -> None:
        """The scenes.

        Args:
            count: how many.
            size: (H, W) of the images, or one side of a square.
            seed: another seed, other scenes.
            split: train, val or test.

        Raises:
            InputError: for a count below 1, an unknown split and what `scene` refuses.
        """
        if split not in SPLITS:
            raise unknown(f"split of {self.prefix}", split, SPLITS)
        if not 1 <= count <= _BLOCK:
            raise InputError(f"{self.prefix}: count={count}; give 1 or more")
        if not 0 <= seed < 1 << 32:
            raise InputError(f"{self.prefix}: seed={seed}; a seed is 0 to 2³² − 1")
        self.count, self.size, self.seed, self.split = count, checked(size), seed, split
        self.name = f"{self.prefix}/{split}"
        self._first = SPLITS.index(split) * _BLOCK

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        one = self.scene(index)
        image, target = self.question(one)
        return Sample(image, target, f"{self.split}-{self.seed}-{one.index - self._first:05d}")

    def index(self, index: int) -> int:
        """The index of `zoo.data.datasets.scenes.scene` behind sample `index`."""
        return self._first + self.position(index)

    def scene(self, index: int) -> Scene:
        """The whole scene behind sample `index`: flow, occlusion, boxes and the rest."""
        return scene(self.seed, self.index(index), self.size)

    @abstractmethod
    def question(self, one: Scene) -> tuple[np.ndarray, Target]:
        """The picture that a scene is shown as, and the target to be said of it."""


class Scenes(SceneSet):
    """Scenes of which shape is where: the picture, and the class of every pixel."""

    task = "segmentation"
    classes = CLASSES
    palette = PALETTE

    def question(self, one: Scene) -> tuple[np.ndarray, Mask]:
        return one.image, Mask(one.mask)


class DenoisingScenes(SceneSet):
    """Restoration: the blurred, noisy picture (`Scene.degraded`), and the clean one."""

    prefix = "scenes_denoising"
    task = "restoration"
    target = TargetImage

    def question(self, one: Scene) -> tuple[np.ndarray, TargetImage]:
        return one.degraded, TargetImage(one.clean)


class FlowScenes(SceneSet):
    """Optical flow: two frames, uint8 H×W×6, and where every pixel of the first is in the second.

    The flow is exact everywhere, so that all of it is valid; what is hidden in the second frame is `scene(index).occlusion`.
    """

    prefix = "scenes_flow"
    task = "optical_flow"
    target = FlowField

    def question(self, one: Scene) -> tuple[np.ndarray, FlowField]:
        return np.concatenate([one.image, one.next_image], axis=-1), FlowField(one.flow)


class SuperResolutionScenes(SceneSet):
    """Super-resolution: a picture, and the clean picture of twice its size.

    The smaller one is the larger one through Pillow's antialiased BICUBIC (Keys' kernel with a = −0.5 over the pixels that one
    output pixel covers), without noise; `size` is the smaller one's.
    """

    prefix = "scenes_superres"
    task = "super_resolution"
    target = TargetImage
    SCALE = 2

    def scene(self, index: int) -> Scene:
        """The whole scene behind sample `index`, at the size of the target."""
        height, width = self.size
        return scene(self.seed, self.index(index), (self.SCALE * height, self.SCALE * width))

    def question(self, one: Scene) -> tuple[np.ndarray, TargetImage]:
        from PIL import Image  # the other data sets of scenes do without

        small = Image.fromarray(one.clean).resize(self.size[::-1], Image.Resampling.BICUBIC)
        return np.array(small), TargetImage(one.clean, self.SCALE)


def open_scenes(kind: type[SceneSet], split: str, count: int, size: tuple[int, int], seed: int) -> SceneSet:
    """The data set of a spec: `count` is train's, val and test have a tenth."""
    if split != SPLITS[0] and count > 0:
        count = max(count // 10, 16)
    return kind(count, size, seed, split)


@dataset(
    "scenes",
    spec="scenes[:seed=N,count=N,size=N|HxW]",
    help="made on the fly, with masks; `count` is train's, val and test have a tenth",
    options=OPTIONS,
)
def scenes(split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (128, 128)) -> Scenes:
    """Scenes with masks."""
    return open_scenes(Scenes, split, count, size, seed)


@dataset(
    "scenes_denoising",
    spec="scenes_denoising[:…]",
    help="the same scenes blurred and noisy, to be made clean",
    options=OPTIONS,
)
def scenes_denoising(
    split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (128, 128)
) -> DenoisingScenes:
    """Scenes to be restored."""
    return open_scenes(DenoisingScenes, split, count, size, seed)


@dataset(
    "scenes_flow",
    spec="scenes_flow[:…]",
    help="two frames of the same scenes, with the motion between them",
    options=OPTIONS,
)
def scenes_flow(split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (128, 128)) -> FlowScenes:
    """Scenes that move."""
    return open_scenes(FlowScenes, split, count, size, seed)


@dataset(
    "scenes_superres",
    spec="scenes_superres[:…]",
    help="the same scenes, to be made twice as large",
    options=OPTIONS,
)
def scenes_superres(
    split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (128, 128)
) -> SuperResolutionScenes:
    """Scenes to be enlarged."""
    return open_scenes(SuperResolutionScenes, split, count, size, seed)
