"""Batches for Keras from a dataset, reproducible batch by batch, under any backend."""

from __future__ import annotations

import operator
from pathlib import Path

import keras
import numpy as np

from zoo.data.dataset import Dataset, spread
from zoo.data.image_files import IMAGE_SUFFIXES, read_rgb
from zoo.data.sample import Sample, as_target, change, stack
from zoo.data.targets import NO_LABEL, Batch, Target
from zoo.data.transforms.augment import Augment
from zoo.data.transforms.geometric import resize
from zoo.data.transforms.mixing import Mixing
from zoo.errors import InputError

Targets = Batch | dict[str, Batch]


class Batches(keras.utils.PyDataset):
    """A dataset in batches: (images float32 N×H×W×C of 0–255, targets as their type stacks them; masks int32 N×H×W).

    What batch `index` of an epoch holds is a pure function of (seed, epoch, index): `batch(epoch, index)`.
    `self.epoch` starts at `epoch` and goes up by one as each epoch of `model.fit` ends, so a run resumed at epoch 7
    makes the batches it would have made. Pass `shuffle=False` to `model.fit`: the order is shuffled here, by the seed,
    and Keras's own shuffle has none. In a loop of your own ask for `batch(epoch, index)`.

    dataset: what to read. batch_size: samples a batch; the last, shorter batch of an epoch is dropped when shuffling
    (so that every step of training weighs the same) unless it is the only one, and kept otherwise.
    size: (H, W) of the batches; None keeps the samples' own, which must then agree within a batch. Without augmentation
    images are stretched to it bilinearly and targets as their type says (masks by nearest neighbour).
    augment: applied to each sample, or None. Padded masks get the dataset's ignore value, 255 if it has none: see
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
        augment: Augment | Mixing | None = None,
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
        """The number of samples that an epoch shows."""
        return min(len(self) * self.batch_size, len(self.dataset))

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and (not self.shuffle or whole == 0))

    def __getitem__(self, index: int) -> tuple[np.ndarray, Targets]:
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
        order = self.dataset.order(epoch, self.batch_size, self.seed) if self.shuffle else np.arange(len(self.dataset))
        start = index % count * self.batch_size
        return order[start : start + self.batch_size].tolist()

    def batch(self, epoch: int, index: int, size: tuple[int, int] | None = None) -> tuple[np.ndarray, Targets]:
        """Batch `index` of `epoch`, whatever was asked for before; of another (H, W) than `self.size` where one is given."""
        images, targets, first = [], [], None
        for position in self.members(epoch, index):
            sample = self.dataset[position]
            image, target = self._prepared(sample, np.random.default_rng((1, self.seed, epoch, position)), size or self.size)
            first = first or (sample.name, image.shape)
            if image.shape != first[1]:
                raise InputError(
                    f"{self.dataset.name}: {first[0]} is {_text(first[1][:2])} and {sample.name} is {_text(image.shape[:2])} "
                    "(H×W); samples of several sizes need size=(H, W), or batch_size=1"
                )
            images.append(image)
            targets.append(target)
        return np.stack(images).astype(np.float32), stack(targets)

    def _prepared(
        self, sample: Sample, rng: np.random.Generator, size: tuple[int, int] | None
    ) -> tuple[np.ndarray, Target | dict[str, Target]]:
        if self.augment is None:
            stretched = sample.resize(size)
            return stretched.image, stretched.target
        padded = change(sample.target, lambda target: target.padded_by(self.ignore))
        image, target = self.augment(sample.image, padded, rng, size=size)
        return image, target if isinstance(target, dict) else as_target(target)


def calibration_images(dataset: Dataset, count: int, size: tuple[int, int], tiles: bool = False) -> np.ndarray:
    """`count` images spread evenly over the dataset, resized to (H, W): float32 N×H×W×C of 0–255, as many channels as its.

    With `tiles` they are not resized: the middle of each is cut out, or mirrored beyond its edges where it is smaller.

    Raises InputError where the dataset has fewer images than that.
    """
    if not 1 <= count <= len(dataset):
        raise InputError(f"{dataset.name}: {count} calibration images asked for; it has 1 to {len(dataset)} to give")
    size = checked_size(size)
    images = (dataset[position].image for position in spread(count, len(dataset)))
    return np.stack([_middle(image, size) if tiles else resize(image, size) for image in images]).astype(np.float32)


def calibration_pictures(folder: Path, count: int, size: tuple[int, int]) -> np.ndarray:
    """Up to `count` pictures spread evenly over a folder of nothing but pictures, as `calibration_images` gives a data set's.

    Raises InputError where the folder holds no picture, or one that cannot be read.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise InputError(f"{folder} holds no pictures; expected {', '.join(IMAGE_SUFFIXES)} files, or a data spec: KIND:PATH")
    size, chosen = checked_size(size), spread(min(count, len(paths)), len(paths))
    return np.stack([resize(read_rgb(paths[index]), size) for index in chosen]).astype(np.float32)


def _middle(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) pixels in the middle of a picture, which is mirrored beyond its right and lower edge where it is smaller."""
    short = [max(0, want - have) for want, have in zip(size, image.shape[:2], strict=True)]
    image = np.pad(image, ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric")
    top, left = ((have - want) // 2 for want, have in zip(size, image.shape[:2], strict=True))
    return image[top : top + size[0], left : left + size[1]]


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
