"""Batches for Keras from a dataset, reproducible batch by batch, under any backend."""

from __future__ import annotations

import operator

import keras
import numpy as np
from PIL import Image

from zoo.data.dataset import Dataset, Sample
from zoo.data.transforms.augment import Augment
from zoo.errors import InputError

NO_LABEL = 255  # pads targets where the dataset itself ignores nothing


class Batches(keras.utils.PyDataset):
    """A dataset in batches: (images float32 N×H×W×3 of 0–255, targets int32 N×H×W).

    What batch `index` of an epoch holds is a pure function of (seed, epoch, index): `batch(epoch, index)`.
    `self.epoch` starts at `epoch` and goes up by one as each epoch of `model.fit` ends, so a run resumed at epoch 7
    makes the batches it would have made. Pass `shuffle=False` to `model.fit`: the order is shuffled here, by the seed,
    and Keras's own shuffle has none. In a loop of your own ask for `batch(epoch, index)`.

    dataset: what to read. batch_size: samples a batch; the last, shorter batch of an epoch is dropped when shuffling
    (so that every step of training weighs the same) unless it is the only one, and kept otherwise.
    size: (H, W) of the batches; None keeps the samples' own, which must then agree within a batch. Without augmentation
    images are stretched to it bilinearly and targets by nearest neighbour.
    augment: applied to each sample, or None. Padded targets get the dataset's ignore value, 255 if it has none: see
    `ignore`. seed: 0 or more. shuffle: a new order each epoch. options: PyDataset's (workers, use_multiprocessing,
    max_queue_size).

    Raises InputError for an empty dataset and bad numbers; `self[i]` for samples of different sizes where none is
    given, and whatever the dataset finds wrong with a file.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 8,
        size: tuple[int, int] | None = None,
        augment: Augment | None = None,
        seed: int = 0,
        shuffle: bool = True,
        epoch: int = 0,
        **options: int,
    ) -> None:
        super().__init__(**options)
        if len(dataset) == 0:
            raise InputError(f"{dataset.name}: the split is empty; there is nothing to batch")
        if batch_size < 1 or seed < 0 or epoch < 0:
            raise InputError(f"Batches: batch_size={batch_size} is 1 or more, seed={seed} and epoch={epoch} 0 or more")
        self.dataset, self.batch_size, self.size, self.augment = dataset, batch_size, checked_size(size), augment
        self.seed, self.shuffle, self.epoch = seed, shuffle, epoch
        self._begun = False

    @property
    def ignore(self) -> int:
        """The target value that no loss and no metric counts."""
        return NO_LABEL if self.dataset.ignore is None else self.dataset.ignore

    @property
    def samples(self) -> int:
        """How many samples an epoch shows."""
        return min(len(self) * self.batch_size, len(self.dataset))

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and (not self.shuffle or whole == 0))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.batch(self.epoch, index)

    def on_epoch_begin(self) -> None:
        self._begun = True

    def on_epoch_end(self) -> None:
        # `fit` also calls this once before its first epoch; only an epoch that has begun can end.
        self.epoch += self._begun
        self._begun = False

    def members(self, epoch: int, index: int) -> list[int]:
        """The positions in the dataset of the samples in a batch."""
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"there are {count} batches an epoch; there is no batch {index}")
        order = np.arange(len(self.dataset))
        if self.shuffle:
            np.random.default_rng((0, self.seed, epoch)).shuffle(order)
        start = index % count * self.batch_size
        return order[start : start + self.batch_size].tolist()

    def batch(self, epoch: int, index: int, size: tuple[int, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Batch `index` of `epoch`, whatever was asked for before; of another (H, W) than `self.size` where one is given."""
        images, targets, first = [], [], None
        for position in self.members(epoch, index):
            sample = self.dataset[position]
            image, target = self._prepared(sample, np.random.default_rng((1, self.seed, epoch, position)), size or self.size)
            first = first or (sample.name, target.shape)
            if target.shape != first[1]:
                raise InputError(
                    f"{self.dataset.name}: {first[0]} is {_text(first[1])} and {sample.name} is {_text(target.shape)} "
                    "(H×W); samples of several sizes need size=(H, W), or batch_size=1"
                )
            images.append(image)
            targets.append(target)
        return np.stack(images).astype(np.float32), np.stack(targets).astype(np.int32)

    def _prepared(
        self, sample: Sample, rng: np.random.Generator, size: tuple[int, int] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        if self.augment is not None:
            return self.augment(sample.image, sample.target, rng, size=size, padding=self.ignore)
        return resize_pair(sample.image, sample.target, size)


def calibration_images(dataset: Dataset, count: int, size: tuple[int, int]) -> np.ndarray:
    """`count` images spread evenly over the dataset, resized to (H, W): float32 N×H×W×3 of 0–255.

    Raises InputError where the dataset has fewer images than that.
    """
    if not 1 <= count <= len(dataset):
        raise InputError(f"{dataset.name}: {count} calibration images asked for; it has 1 to {len(dataset)} to give")
    chosen = np.linspace(0, len(dataset) - 1, count).round().astype(int)
    size = checked_size(size)
    samples = (dataset[int(position)] for position in chosen)
    return np.stack([resize_pair(sample.image, sample.target, size)[0] for sample in samples]).astype(np.float32)


def resize_pair(image: np.ndarray, target: np.ndarray, size: tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray]:
    """Image and target stretched to (H, W): bilinear (antialiased) and nearest neighbour. None changes nothing."""
    if size is None or target.shape == size:
        return image, target
    shape = (size[1], size[0])
    picture = Image.fromarray(image).resize(shape, Image.Resampling.BILINEAR)
    return np.array(picture), np.array(Image.fromarray(target).resize(shape, Image.Resampling.NEAREST))


def checked_size(size: tuple[int, int] | None) -> tuple[int, int] | None:
    """A size as (H, W) of ints, or None. Raises InputError for anything but two numbers of 1 or more."""
    if size is None:
        return None
    try:
        height, width = (operator.index(length) for length in size)
    except (TypeError, ValueError) as error:
        raise InputError(f"size={size!r}: give (H, W) in whole pixels") from error
    if min(height, width) < 1:
        raise InputError(f"size={size!r}: give (H, W) in pixels, 1 or more each")
    return height, width


def _text(shape: tuple[int, ...]) -> str:
    return "×".join(str(length) for length in shape)
