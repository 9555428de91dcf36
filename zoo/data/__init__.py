"""What networks learn from: scenes made by a program, and readers for datasets on disk, all behind one interface.

>>> import zoo.data
>>> samples = zoo.data.open("scenes:seed=3,count=400,size=128", split="train")
>>> image, target, name = samples[0]
>>> batches = zoo.data.Batches(samples, batch_size=8, augment=zoo.data.Augment())

A spec is KIND or KIND:WHERE:

    scenes, scenes:seed=3,count=400,size=96x128     made on the fly; `count` is train's, val and test have a tenth
    camvid:PATH                                     SegNet's layout of CamVid
    voc:PATH                                        PASCAL VOC's layout, one year's folder
    ccp:PATH, ccp_person:PATH, ccp_clothing:PATH    Clothing Co-Parsing, its 59 classes or merged ones
    isbi:PATH, nuclei:PATH                          cells under the microscope: ISBI 2012's membranes, DSB 2018's nuclei
    folder:PATH                                     images/ and masks/, the split in train.txt, val.txt, test.txt

zoo/data/datasets/layouts.py says what each layout may hold and what is ignored.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.dataset import CACHE_BYTES, CachedDataset, Dataset, Sample
from zoo.errors import InputError, unknown

if TYPE_CHECKING:
    from zoo.data.batches import Batches, calibration_images
    from zoo.data.datasets.scenes import Scenes, scene
    from zoo.data.image_masks import ImageMaskDataset
    from zoo.data.transforms.augment import Augment

_LATER = {  # imported when asked for: Batches needs Keras, the others Pillow
    "Augment": "zoo.data.transforms.augment",
    "Batches": "zoo.data.batches",
    "ImageMaskDataset": "zoo.data.image_masks",
    "Scenes": "zoo.data.datasets.scenes",
    "calibration_images": "zoo.data.batches",
    "scene": "zoo.data.datasets.scenes",
}
__all__ = [
    "SPECS",
    "Augment",
    "Batches",
    "CachedDataset",
    "Dataset",
    "ImageMaskDataset",
    "Sample",
    "Scenes",
    "calibration_images",
    "open",
    "scene",
]

SPECS = (
    "scenes[:seed=N,count=N,size=N|HxW]",
    "camvid:PATH",
    "voc:PATH",
    "ccp[_person|_clothing]:PATH",
    "isbi:PATH",
    "nuclei:PATH",
    "folder:PATH",
)


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'zoo.data' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)


def open(spec: str, split: str = "train", keep: int = CACHE_BYTES) -> Dataset:
    """The dataset of a spec (see above) and split: train, val or test, and what else the layout has.

    keep: bytes of decoded samples to keep in memory, so that they are read once and not once an epoch; 0 keeps none.

    Raises InputError for an unknown spec or split, a missing folder, an image without its mask and an empty split;
    reading a sample raises it for what is wrong inside a file. The message names the file.
    """
    if not isinstance(spec, str) or not spec.strip():
        raise InputError(f"data spec {spec!r}: give one of {', '.join(SPECS)}")
    kind, _, where = spec.strip().partition(":")
    if kind not in _KINDS:
        hint = f"; a folder of images/ and masks/ is folder:{spec}" if Path(spec).expanduser().is_dir() else ""
        raise InputError(f"unknown data spec {spec!r}; known: {', '.join(SPECS)}{hint}")
    dataset = _KINDS[kind](where, split)
    return CachedDataset(dataset, keep) if keep > 0 else dataset


def _scenes(where: str, split: str) -> Dataset:
    from zoo.data.datasets.scenes import SPLITS, Scenes

    if split not in SPLITS:
        raise unknown("split of scenes", split, SPLITS)
    given: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in where.split(","))):
        key, _, value = (piece.strip() for piece in part.partition("="))
        if key not in ("seed", "count", "size"):
            raise unknown("option of scenes", key, ("seed", "count", "size"))
        if key in given:
            raise InputError(f"scenes:{where}: {key} is given twice")
        if not re.fullmatch(r"\d+(x\d+)?" if key == "size" else r"\d+", value):
            raise InputError(f"scenes:{where}: {part!r} should be {key}=NUMBER" + (" or HxW" if key == "size" else ""))
        given[key] = value
    height, _, width = given.get("size", "128").partition("x")
    count = int(given.get("count", "2000"))
    if split != "train" and count > 0:
        count = max(count // 10, 16)
    return Scenes(count, (int(height), int(width or height)), int(given.get("seed", "0")), split)


def _layout(name: str, module: str = "zoo.data.datasets.layouts") -> Callable[[str, str], Dataset]:
    def read(where: str, split: str) -> Dataset:
        if not where.strip():
            raise InputError(f"{name}: a path is missing; write {name}:PATH")
        return getattr(importlib.import_module(module), name)(Path(where.strip()).expanduser(), split)

    return read


_KINDS: dict[str, Callable[[str, str], Dataset]] = {
    "scenes": _scenes,
    "camvid": _layout("camvid"),
    "voc": _layout("voc"),
    "folder": _layout("folder"),
    "isbi": _layout("isbi", "zoo.data.datasets.microscopy"),
    "nuclei": _layout("nuclei", "zoo.data.datasets.microscopy"),
    "ccp": _layout("ccp", "zoo.data.datasets.ccp"),
    "ccp_person": _layout("ccp_person", "zoo.data.datasets.ccp"),
    "ccp_clothing": _layout("ccp_clothing", "zoo.data.datasets.ccp"),
}
