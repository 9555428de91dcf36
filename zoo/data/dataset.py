"""Data sets: sequences of samples that say what they hold."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from zoo.data.image_files import read_mask, read_rgb
from zoo.data.sample import Sample
from zoo.data.targets import Mask, Target
from zoo.errors import InputError
from zoo.outputs.palettes import voc_palette

if TYPE_CHECKING:
    from zoo.data.folders import Pair

Palette = tuple[tuple[int, int, int], ...]


class Dataset(ABC):
    """A sequence of samples: `len(dataset)`, `dataset[i]`, iteration. Nothing that learns from one asks for more.

    Attributes:
        name: the data set and split, for tables.
        task: what is usually learnt from it, a name of `zoo.tasks`; None where it does not say.
        target: the type of its samples' targets, or their types by name.
        classes: label names, index = value in a target; empty where there are none.
        palette: one RGB triple (0–255) a class.
        ignore: the target value that is neither trained on nor scored, or None.
        instances: the class whose connected parts are separate objects to be told apart (cells), or None.
    """

    name: str
    task: str | None = None
    target: ClassVar[type[Target] | Mapping[str, type[Target]]] = Mask
    classes: tuple[str, ...] = ()
    palette: Palette = ()
    ignore: int | None = None
    instances: int | None = None

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        if "objects" in vars(cls) and cls.__name__ != "Dataset":
            cls.instances = vars(cls)["objects"]
            del cls.objects
            warnings.warn(f"{cls.__name__}.objects is called `instances` now", DeprecationWarning, stacklevel=2)

    @property
    def objects(self) -> int | None:
        """The old name of `instances`, for one release."""
        warnings.warn("Dataset.objects is called `instances` now", DeprecationWarning, stacklevel=2)
        return self.instances

    @objects.setter
    def objects(self, value: int | None) -> None:
        warnings.warn("Dataset.objects is called `instances` now", DeprecationWarning, stacklevel=2)
        self.instances = value

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> Sample: ...

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def position(self, index: int) -> int:
        """The index as a number from 0 to len − 1; negative ones count from the end. Raises IndexError outside."""
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"{self.name} has {count} samples; there is no sample {index}")
        return index % count


class ImageMaskDataset(Dataset):
    """Picture files, each with a mask file of the same stem. Every layout of masks on disk becomes one of these.

    Files are checked for being there at once, for what is in them when they are read.

    name: for tables and messages. pairs: (stem, image, mask) each. classes: label names. palette: VOC's colour map if
    None. ignore: the value of unlabelled pixels in a target, or None. values: what a mask file's values mean (file
    value → class index) where they are not the indices themselves. instances: the class whose connected parts are objects
    to be told apart, or None.

    `dataset[i]` raises InputError naming the file for an unreadable image or mask, differing sizes, and a mask value
    that is neither a class nor the ignore value.
    """

    task = "segmentation"

    def __init__(
        self,
        name: str,
        pairs: Sequence[Pair],
        classes: Sequence[str],
        palette: Palette | None = None,
        ignore: int | None = None,
        values: Mapping[int, int] | None = None,
        instances: int | None = None,
    ) -> None:
        if not pairs:
            raise InputError(f"{name}: the split is empty; it needs one image with its mask at least")
        if not 1 <= len(classes) <= 255:
            raise InputError(f"{name}: {len(classes)} classes; masks of 8 bits hold 1 to 255")
        self.name, self.pairs, self.classes, self.ignore = name, tuple(pairs), tuple(classes), ignore
        self.palette, self.instances = palette or voc_palette(len(classes)), instances
        # One look-up turns file values into targets and finds the strays: −1 is "no such class".
        self._table = np.full(256, -1, np.int16)
        for value, index in (values or {index: index for index in range(len(classes))}).items():
            self._table[value] = index
        if ignore is not None:
            self._table[ignore] = ignore

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        stem, image_path, mask_path = self.pairs[self.position(index)]
        image, mask = read_rgb(image_path), read_mask(mask_path)
        if image.shape[:2] != mask.shape:
            raise InputError(
                f"{mask_path}: the mask is {mask.shape[1]}×{mask.shape[0]} (W×H) and its image {image_path.name} is "
                f"{image.shape[1]}×{image.shape[0]}, upright; they must be of one size"
            )
        target = self._table[mask]
        if target.min() < 0:
            strays = ", ".join(str(value) for value in np.unique(mask[target < 0])[:5])
            count, spare = len(self.classes), "" if self.ignore is None else f" (or {self.ignore}, ignored)"
            raise InputError(f"{mask_path}: mask value {strays} is outside the {count} classes 0–{count - 1}{spare}")
        return Sample(image, Mask(target.astype(np.uint8), self.ignore), stem)


def spread(count: int, of: int) -> list[int]:
    """`count` indices spread evenly over 0 … of − 1, both ends included; all of them if there are no more than that."""
    return np.linspace(0, of - 1, min(count, of)).round().astype(int).tolist()
