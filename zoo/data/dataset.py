"""What a dataset is here: a sequence of samples that knows its classes. Nothing that learns from one asks for more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

Palette = tuple[tuple[int, int, int], ...]
CACHE_BYTES = 512 << 20  # bytes of decoded samples kept in memory by default


class Sample(NamedTuple):
    """One picture and its answer.

    image: uint8 H×W×3, RGB. target: uint8 H×W, class indices and, where the dataset has one, its ignore value.
    name: what the sample is called in messages and file names.
    """

    image: np.ndarray
    target: np.ndarray
    name: str


class Dataset(ABC):
    """A sequence of samples: `len(dataset)`, `dataset[i]`, iteration.

    name: the dataset and split, for tables. classes: label names, index = value in a target. palette: one RGB triple
    (0–255) a class. ignore: the target value that is neither trained on nor scored, or None. objects: the class whose
    connected parts are separate objects to be told apart (cells), or None.
    """

    task: str = "segmentation"
    name: str
    classes: tuple[str, ...]
    palette: Palette
    ignore: int | None = None
    objects: int | None = None

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


class CachedDataset(Dataset):
    """A dataset whose samples are kept in memory once read, until they take `limit` bytes; later ones are read each
    time.
    """

    def __init__(self, source: Dataset, limit: int = CACHE_BYTES) -> None:
        self.source, self.limit, self.held = source, limit, 0
        self.task, self.name, self.classes = source.task, source.name, source.classes
        self.palette, self.ignore, self.objects = source.palette, source.ignore, source.objects
        self._samples: dict[int, Sample] = {}

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        index = self.position(index)
        sample = self._samples.get(index)
        if sample is None:
            sample = self.source[index]
            size = sample.image.nbytes + sample.target.nbytes
            if self.held + size <= self.limit:
                for array in (sample.image, sample.target):
                    array.setflags(write=False)  # shared by all who ask from now on
                if self._samples.setdefault(index, sample) is sample:  # no other thread has read it meanwhile
                    self.held += size
        return sample
