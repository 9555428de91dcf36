"""Cache: a data set whose samples stay in memory once they are read."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.sample import Sample

CACHE_BYTES = 512 << 20  # of samples kept in memory by default


class CachedDataset(Dataset):
    """A data set that keeps its samples, read-only, until they take `cache_bytes`; later ones are read each time.

    Attributes:
        source: the data set that is read.
        used: bytes that the kept samples take.
    """

    def __init__(self, source: Dataset, cache_bytes: int = CACHE_BYTES) -> None:
        self.source, self.cache_bytes, self.used = source, cache_bytes, 0
        self.name, self.task, self.target = source.name, source.task, source.target
        self.classes, self.palette = source.classes, source.palette
        self.ignore, self.instances = source.ignore, source.instances
        self.channels = source.channels
        self._samples: dict[int, Sample] = {}

    def __getattr__(self, name: str) -> Any:
        """What only the source knows of itself, as how long its sentences are."""
        if name.startswith("_") or name == "source":
            raise AttributeError(name)
        return getattr(self.source, name)

    def read_as(self, channels: int | None = None, bits: int | None = None) -> CachedDataset:
        return CachedDataset(self.source.read_as(channels, bits), self.cache_bytes)

    def check(self) -> None:
        self.source.check()

    def order(self, epoch: int, batch_size: int, seed: int) -> np.ndarray:
        return self.source.order(epoch, batch_size, seed)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        index = self.position(index)
        sample = self._samples.get(index)
        if sample is None:
            sample = self.source[index]
            if self.used + sample.nbytes <= self.cache_bytes:
                sample.freeze()  # shared by all who ask from now on
                if self._samples.setdefault(index, sample) is sample:  # no other thread has read it meanwhile
                    self.used += sample.nbytes
        return sample
