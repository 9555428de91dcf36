"""Data sets: scenes made by a program, and readers for data sets on disk, all behind one interface.

>>> import zoo.data
>>> samples = zoo.data.open("scenes:seed=3,count=400,size=128", split="train")
>>> image, target, name = samples[0]
>>> batches = zoo.data.Batches(samples, batch_size=8, augment=zoo.data.Augment())

A spec is KIND, KIND:PATH, or either with options behind (`folder:PATH,channels=1` for grey pictures); `zoo.data.SPECS` lists
them, and each file of zoo/data/datasets says what its layout may hold and what is ignored. One more such file, with a reader
under `@zoo.data.registry.dataset`, is one more spec.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

from zoo.data.registry import open_spec, specs
from zoo.errors import InputError

if TYPE_CHECKING:
    from zoo.data.batches import Batches, calibration_images, calibration_pictures
    from zoo.data.cache import CachedDataset
    from zoo.data.dataset import Dataset, ImageMaskDataset, spread
    from zoo.data.datasets.scenes import Scenes, scene
    from zoo.data.sample import Sample
    from zoo.data.targets import (
        Boxes,
        Fixations,
        FlowField,
        HeatMap,
        InstanceMask,
        Joints,
        Label,
        Mask,
        Sentence,
        Target,
        TargetImage,
        Tokens,
    )
    from zoo.data.transforms.augment import Augment

    SPECS: tuple[str, ...]

_LATER = {  # imported when asked for: Batches needs Keras, others NumPy or Pillow, and a list of specs none of them
    "Augment": "zoo.data.transforms.augment",
    "Batches": "zoo.data.batches",
    "CachedDataset": "zoo.data.cache",
    "Dataset": "zoo.data.dataset",
    "ImageMaskDataset": "zoo.data.dataset",
    "Sample": "zoo.data.sample",
    "Scenes": "zoo.data.datasets.scenes",
    "calibration_images": "zoo.data.batches",
    "calibration_pictures": "zoo.data.batches",
    "scene": "zoo.data.datasets.scenes",
    "spread": "zoo.data.dataset",
    **dict.fromkeys(
        (
            "Boxes",
            "Fixations",
            "FlowField",
            "HeatMap",
            "InstanceMask",
            "Joints",
            "Label",
            "Mask",
            "Sentence",
            "Target",
            "TargetImage",
            "Tokens",
        ),
        "zoo.data.targets",
    ),
}
__all__ = [
    "SPECS",
    "Augment",
    "Batches",
    "Boxes",
    "CachedDataset",
    "Dataset",
    "Fixations",
    "FlowField",
    "HeatMap",
    "ImageMaskDataset",
    "InstanceMask",
    "Joints",
    "Label",
    "Mask",
    "Sample",
    "Scenes",
    "Sentence",
    "Target",
    "TargetImage",
    "Tokens",
    "calibration_images",
    "calibration_pictures",
    "open",
    "scene",
    "spread",
]


def __getattr__(name: str) -> Any:
    if name == "SPECS":
        return specs()
    if name not in _LATER:
        raise AttributeError(f"module 'zoo.data' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)


def open(spec: str, split: str = "train", cache_bytes: int | None = None, *, keep: int | None = None) -> Dataset:
    """The data set of a spec and split.

    Args:
        spec: which, as `SPECS` lists them.
        split: train, val or test, and what else the layout has.
        cache_bytes: of samples to keep in memory, so that they are read once and not once an epoch; 0 keeps none, None is
            `zoo.data.cache.CACHE_BYTES`.
        keep: the old name of `cache_bytes`, for one release.

    Raises:
        InputError: for an unknown spec or split, a missing folder, an image without its mask and an empty split; reading a
            sample raises it for what is wrong inside a file. The message names the file.
    """
    from zoo.data.cache import CACHE_BYTES, CachedDataset

    if keep is not None:
        if cache_bytes is not None:
            raise InputError(f"both cache_bytes={cache_bytes} and keep={keep} were given; keep is its old name, leave it out")
        warnings.warn("zoo.data.open(keep=) is called cache_bytes= now", DeprecationWarning, stacklevel=2)
        cache_bytes = keep
    limit = CACHE_BYTES if cache_bytes is None else cache_bytes
    source = open_spec(spec, split)
    return CachedDataset(source, limit) if limit > 0 else source
