"""Data sets: sequences of samples that say what they hold."""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from zoo.data.image_files import CHANNELS, read_image, read_mask, sides_of
from zoo.data.sample import Sample
from zoo.data.targets import Mask, Target
from zoo.errors import InputError
from zoo.outputs.palettes import voc_palette

if TYPE_CHECKING:
    from pathlib import Path

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
        channels: of its images; None where they are those of its task, three a frame.
    """

    name: str
    task: str | None = None
    target: ClassVar[type[Target] | Mapping[str, type[Target]]] = Mask
    classes: tuple[str, ...] = ()
    palette: Palette = ()
    ignore: int | None = None
    instances: int | None = None
    channels: int | None = None

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

    def order(self, epoch: int, batch_size: int, seed: int) -> np.ndarray:
        """The order in which an epoch of training shows the samples: by default another one each time, by the seed.

        Args:
            epoch: counted from 0.
            batch_size: samples that make a batch, one after the other.
            seed: of the run.
        """
        order = np.arange(len(self))
        np.random.default_rng((0, seed, epoch)).shuffle(order)
        return order

    def read_as(self, channels: int | None = None, bits: int | None = None) -> Self:
        """The data set with its picture files read otherwise; None leaves what is.

        Args:
            channels: 1, 3 or 4, as of `zoo.data.image_files.read_image`.
            bits: of files of 16 bits, likewise.

        Raises:
            InputError: for one whose pictures are not read that way.
        """
        if channels is not None or bits is not None:
            raise InputError(f"{self.name}: channels= and bits= are for picture files; these pictures come as they are")
        return self

    def check(self) -> None:  # noqa: B027 (no data set must refuse any)
        """Refuses what nothing can be learnt from; by default nothing.

        Raises:
            InputError: saying what is wrong with it.
        """


class FileDataset(Dataset):
    """A data set whose pictures are files, read with other channels or bits where `read_as` says so.

    Attributes:
        bits: of files of 16 bits that count; None as `zoo.data.image_files.read_image` finds them.
    """

    channels = 3
    bits: int | None = None

    def read_as(self, channels: int | None = None, bits: int | None = None) -> Self:
        if channels is not None and channels not in CHANNELS:
            raise InputError(f"{self.name}: channels={channels}; expected 1 (grey), 3 (RGB) or 4 (RGB and a fourth)")
        other = copy.copy(self)
        other.channels, other.bits = channels or self.channels, self.bits if bits is None else bits
        return other

    def picture(self, path: Path, page: int | None = None) -> np.ndarray:
        """A picture file, read as was asked for: uint8 H×W×`channels`.

        Raises:
            InputError: naming the file.
        """
        return read_image(path, self.channels, self.bits, page)


class ImageMaskDataset(FileDataset):
    """Picture files, each with a mask file of the same stem. Every layout of masks on disk becomes one of these.

    Files are checked for being there at once, for what is in them when they are read.

    name: for tables and messages. pairs: (stem, image, mask) each. classes: label names. palette: VOC's colour map if
    None. ignore: the value of unlabelled pixels in a target, or None. values: what a mask file's values mean (file
    value → class index) where they are not the indices themselves. instances: the class whose connected parts are objects
    to be told apart, or None. Its images are RGB, and deep ones measured, until `read_as` says otherwise.

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
        self.palette, self.instances = tuple(palette or voc_palette(len(classes))), instances
        # One look-up turns file values into targets and finds the strays: −1 is "no such class".
        self._table = np.full(256, -1, np.int16)
        for value, index in (values or {index: index for index in range(len(classes))}).items():
            self._table[value] = index
        if ignore is not None:
            self._table[ignore] = ignore

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        pair = self.pairs[self.position(index)]
        image = self.picture(pair.image, pair.page)
        mask = read_mask(pair.mask, pair.page)
        if image.shape[:2] != mask.shape:
            raise InputError(
                f"{pair.mask}: the mask is {mask.shape[1]}×{mask.shape[0]} (W×H) and its image {pair.image.name} is "
                f"{image.shape[1]}×{image.shape[0]}, upright; they must be of one size"
            )
        return Sample(image, Mask(self._classes_of(mask, pair), self.ignore), pair.name)

    def check(self) -> None:
        """Refuses files that are no pictures, masks of other sizes than their images, by the heads of the files; and masks in
        which only one class counts. Usually the first shows two, and no other is read.

        Raises:
            InputError: naming the file, or the values.
        """
        self[0]  # which says whether pictures can be read as was asked for
        for index, pair in enumerate(self.pairs):
            if pair.page is None and sides_of(pair.image) != sides_of(pair.mask):
                self[index]  # which says what they are
        values: set[int] = set()
        for pair in self.pairs:
            mask = read_mask(pair.mask, pair.page)
            self._classes_of(mask, pair)
            values |= set(np.unique(mask).tolist())
            if len({int(self._table[value]) for value in values} - {self.ignore}) > 1:
                return
        ignored = "" if self.ignore not in values else f", of which {self.ignore} is ignored (is it the foreground?)"
        raise InputError(
            f"{self.name}: all pixels that count are of one class, from which nothing can be learnt; the masks hold "
            f"{', '.join(map(str, sorted(values)))}{ignored}; expected class indices from 0 on, and in classes.txt a "
            "name for each, the background's too"
        )

    def _classes_of(self, mask: np.ndarray, pair: Pair) -> np.ndarray:
        """A mask's values as class indices, uint8."""
        target = self._table[mask]
        if target.min() < 0:
            strays = ", ".join(str(value) for value in np.unique(mask[target < 0])[:5])
            count, spare = len(self.classes), "" if self.ignore is None else f" (or {self.ignore}, ignored)"
            raise InputError(f"{pair.mask}: mask value {strays} is outside the {count} classes 0–{count - 1}{spare}")
        return target.astype(np.uint8)


def need_dataset(data: object, name: str, also: str = "") -> None:
    """Refuses what is no data set.

    Args:
        data: what was given.
        name: of the argument.
        also: what else may be given.

    Raises:
        InputError: saying what was given and what is expected.
    """
    if not all(hasattr(data, attribute) for attribute in ("name", "target", "__len__", "__getitem__")):
        module = type(data).__module__.partition(".")[0]
        given = type(data).__name__ if module == "builtins" else f"{type(data).__name__} of {module}"
        raise InputError(
            f"{name} is a {given}; expected a data set (zoo.data.open, or a class over zoo.data.Dataset){also}"
        )


def spread(count: int, of: int) -> list[int]:
    """`count` indices spread evenly over 0 … of − 1, both ends included; all of them if there are no more than that."""
    return np.linspace(0, of - 1, min(count, of)).round().astype(int).tolist()
