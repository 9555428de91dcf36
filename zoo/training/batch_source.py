"""The batches of a run as Keras asks for them, tied to the epoch that is running."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.errors import InputError
from zoo.tasks.base import NO_LABEL
from zoo.training.prefetch import Prefetcher, threads

if TYPE_CHECKING:
    from zoo.data import Dataset
    from zoo.training.config import TrainingConfig
    from zoo.training.teacher import Teacher

Made = tuple[np.ndarray, tuple[np.ndarray, ...]]


class BatchSource(keras.utils.PyDataset):
    """Passes batches on, of the epoch it is told.

    Keras calls `on_epoch_end` once before the first epoch and reads ahead of the last; counting epochs by it would
    make what a batch holds depend on where a run was interrupted. An error in reading is kept too, because backends
    wrap it beyond recognition.

    Batches of a `Dataset` are made ahead by `settings.workers` threads. Keras's own workers would do, but for PyTorch it
    (3.15) looks at an epoch's first batch to learn the shapes, and with workers the epoch then goes on with the second.

    Args:
        data: a `Dataset`, or a PyDataset of (images, targets) that stays as it is. It is exact to resume if what it
            gives depends on nothing but the index and its attribute `epoch`, if it has one.
        settings: for making batches of a `Dataset`.
        outputs: of the network in training: each is held against the same targets.
    """

    def __init__(self, data: Dataset | keras.utils.PyDataset, settings: TrainingConfig, outputs: int = 1) -> None:
        workers = 1
        if isinstance(data, keras.utils.PyDataset):
            if settings.augment is not None or settings.size is not None:
                raise InputError("size= and augment= are for a Dataset; these batches are made already")
            self.source: Any = data
        else:
            from zoo.data import Batches

            workers = threads(settings.workers)
            self.source = Batches(
                data, settings.batch_size, size=settings.size, augment=settings.augment, seed=settings.seed
            )
        source = self.source
        super().__init__(source.workers, source.use_multiprocessing, source.max_queue_size)
        self.dataset = getattr(source, "dataset", None)
        self.outputs = outputs
        self._size_in = None if settings.sizes is None else settings.size_in
        self.prepare: Callable[[np.ndarray], np.ndarray] = np.asarray  # targets as the loss wants them
        self.teacher: Teacher | None = None  # whose logits follow the targets
        self._teaching = threading.Lock()
        self._ahead = Prefetcher(self._made, settings.epochs * len(self), workers)
        self.epoch = 0
        self.error: Exception | None = None

    @property
    def ignore(self) -> int | None:
        """The target value that no loss counts."""
        return getattr(self.source, "ignore", NO_LABEL)

    def __len__(self) -> int:
        return self.source.num_batches

    def __getitem__(self, index: int) -> Made:
        try:
            return self._ahead.take(self.epoch * len(self) + index)
        except Exception as error:
            self.error = error
            raise

    def _made(self, place: int) -> Made:
        """The batch at that place in the whole run."""
        images, targets = self.batch(*divmod(place, len(self)))
        given = self.prepare(targets)
        if self.teacher is not None:
            with self._teaching:  # a network, which is asked by one thread at a time
                given = self.teacher.add(given, images)
        return images, (given,) * self.outputs

    def close(self) -> None:
        """Makes nothing ahead any more."""
        self._ahead.close()

    def batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `index` of `epoch`."""
        if self._size_in is not None:
            return self.source.batch(epoch, index, self._size_in(epoch))
        if hasattr(self.source, "batch"):
            return self.source.batch(epoch, index)
        if hasattr(self.source, "epoch"):
            self.source.epoch = epoch
        return self.source[index]

    def facts(self) -> dict[str, Any]:
        """What a checkpoint remembers of the data."""
        known: dict[str, Any] = {"steps": len(self), "ignore": self.ignore}
        if self.dataset is not None:
            known |= {"name": self.dataset.name, "samples": len(self.dataset), "classes": list(self.dataset.classes)}
        return known
