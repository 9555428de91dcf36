"""BatchSource: the batches of a run as Keras asks for them, tied to the epoch that is running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
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

Targets = np.ndarray | Mapping[str, np.ndarray]  # of one output, or of several by name
Batch = tuple[np.ndarray, Any]


class BatchSource(keras.utils.PyDataset):
    """Passes on the batches of the epoch that it is set to.

    Keras calls `on_epoch_end` once before the first epoch and reads ahead of the last; counting epochs by it would
    make what a batch holds depend on where a run was interrupted. An error in reading is kept too, because backends
    wrap it beyond recognition.

    Batches of a `Dataset` are made ahead by `config.workers` threads. Keras's own workers would do, but for PyTorch it
    (3.15) looks at an epoch's first batch to learn the shapes, and with workers the epoch then goes on with the second.

    Args:
        data: a `Dataset`, or a PyDataset of (images, targets) that stays as it is. It is exact to resume if what it
            gives depends on nothing but the index and its attribute `epoch`, if it has one.
        config: for making batches of a `Dataset`.
        repeats: how often the targets are wanted: once for the output, and once for each auxiliary head. None where there are
            several outputs, whose targets are a dict by their names.
    """

    def __init__(
        self, data: Dataset | keras.utils.PyDataset, config: TrainingConfig, repeats: int | None = 1
    ) -> None:
        workers = 1
        if isinstance(data, keras.utils.PyDataset):
            if config.augment is not None or config.size is not None:
                raise InputError("size= and augment= are for a Dataset; these batches are made already")
            if not hasattr(data, "__len__"):
                raise InputError(f"{type(data).__name__} has no __len__; an epoch needs a number of batches")
            self.source: Any = data
        else:
            from zoo.data import Batches
            from zoo.data.dataset import need_dataset

            batches = ", or a keras.utils.PyDataset of (images, targets), in which arrays and tf.data can be wrapped"
            need_dataset(data, "train_data", batches)
            workers = threads(config.workers)
            self.source = Batches(data, config.batch_size, size=config.size, augment=config.augment, seed=config.seed)
        source = self.source
        super().__init__(source.workers, source.use_multiprocessing, source.max_queue_size)
        self.dataset = getattr(source, "dataset", None)
        self.repeats = repeats
        self._size_in = None if config.progressive_size is None else config.size_in
        self.prepare: Callable[[Targets], Targets] = _unchanged  # targets as the loss wants them
        self.feed: Callable[[np.ndarray, Targets], Any] = _images  # what the network is given of images and prepared targets
        self.teacher: Teacher | None = None  # whose logits follow the targets
        self._teaching = threading.Lock()
        self.watch: Callable[[Targets], None] | None = None  # looks at targets before they are learnt from
        self._prefetcher = Prefetcher(self._at, config.epochs * len(self), workers)
        self.epoch = 0
        self.error: Exception | None = None

    @property
    def ignore(self) -> int | None:
        """The target value that no loss counts."""
        return getattr(self.source, "ignore", NO_LABEL)

    def __len__(self) -> int:
        return self.source.num_batches

    def __getitem__(self, index: int) -> Batch:
        try:
            return self._prefetcher.take(self.epoch * len(self) + index)
        except Exception as error:
            self.error = error
            raise

    def _at(self, place: int) -> Batch:
        """The batch at that place in the whole run."""
        images, targets = self.batch(*divmod(place, len(self)))
        if self.watch is not None:
            self.watch(targets)
        targets = self.prepare(targets)
        inputs = self.feed(images, targets)
        if self.teacher is not None:
            with self._teaching:  # a network, which is asked by one thread at a time
                targets = self.teacher.add(targets, images)
        return inputs, targets if self.repeats is None else (targets,) * self.repeats

    def close(self) -> None:
        """Makes no batch any more, and lets go of data and networks.

        TensorFlow (2.21) keeps the generator behind a `tf.data.Dataset`, which is what Keras makes of this, until the process
        ends: what hangs on it would stay in memory, run after run.
        """
        self._prefetcher.close()
        del self._prefetcher
        self.source = self.dataset = self.teacher = self.watch = None
        self.prepare, self.feed = _unchanged, _images

    def batch(self, epoch: int, index: int) -> tuple[np.ndarray, Targets]:
        """Batch `index` of `epoch`."""
        if self._size_in is not None:
            return self.source.batch(epoch, index, self._size_in(epoch))
        if hasattr(self.source, "batch"):
            return _two_parts(self.source.batch(epoch, index))
        if hasattr(self.source, "epoch"):
            self.source.epoch = epoch
        return _two_parts(self.source[index])

    def facts(self) -> dict[str, Any]:
        """The facts of the data that a checkpoint remembers."""
        facts: dict[str, Any] = {"steps": len(self), "ignore": self.ignore}
        if self.dataset is not None:
            classes = list(getattr(self.dataset, "classes", ()))
            facts |= {"name": self.dataset.name, "samples": len(self.dataset), "classes": classes}
        return facts


def _two_parts(batch: Any) -> tuple[np.ndarray, Targets]:
    """A batch of images and targets.

    Raises:
        InputError: for another number of parts.
    """
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        parts = f"{len(batch)} parts" if isinstance(batch, tuple | list) else f"a {type(batch).__name__}"
        raise InputError(
            f"a batch is {parts}; expected (images, targets). Weights of single samples are not taken: leave pixels out by the "
            "ignored value, or weigh classes by class_weights="
        )
    return batch[0], batch[1]


def _unchanged(targets: Targets) -> Targets:
    return targets


def _images(images: np.ndarray, targets: Targets) -> np.ndarray:
    return images
