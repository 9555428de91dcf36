"""Microscope pictures of cells side by side: membranes of ISBI 2012 and nuclei of the Data Science Bowl 2018.

Both are of two classes, of which class 1 is made of separate objects: `Dataset.instances` says so, and `zoo.evaluate` then
scores how well they are told apart (`zoo.metrics.instances`).
"""

from __future__ import annotations

from pathlib import Path

from zoo.data.dataset import ImageMaskDataset
from zoo.data.datasets.folder import folder
from zoo.data.folders import need_folder, pair_up
from zoo.data.registry import dataset
from zoo.errors import InputError, unknown
from zoo.outputs import class_names

ISBI_PALETTE = ((214, 39, 40), (0, 0, 0))  # membranes are what is looked for; cells stay clear
NUCLEI_CLASSES = ("background", "nucleus")
NUCLEI_PALETTE = ((0, 0, 0), (44, 160, 44))
INSTANCES = 1  # the class whose connected parts are one object each
# Blocks of the stack, as shares of it: slices resemble their neighbours, so that only the ends of a block touch another.
_ISBI_PARTS = {"train": (0, 20), "val": (20, 24), "test": (24, 30), "trainval": (0, 24)}
_ISBI_SLICES = 30


@dataset("isbi", spec="isbi:PATH", help="ISBI 2012: membranes and cells in electron micrographs")
def isbi(path: Path, split: str) -> ImageMaskDataset:
    """ISBI 2012's labelled stack (Arganda-Carreras et al. 2015): 512×512.

    images/NN.png and labels/NN.png; a label is 0 for membrane and 255 inside a cell.

    The challenge's own test labels are not public, so the labelled slices are split by their place in the stack: train
    0–19, val 20–23, test 24–29 (`trainval` is 0–23). Neighbouring slices resemble each other: val lies between train and
    test, and no slice of test is next to one that was learnt from.
    """
    need_folder(path, "isbi")
    if split not in _ISBI_PARTS:
        raise unknown("split of isbi", split, _ISBI_PARTS)
    images = need_folder(path / "images", "isbi", "the slices")
    pairs = pair_up(images, need_folder(path / "labels", "isbi", "the labels"))
    if len(pairs) != _ISBI_SLICES:
        raise InputError(f"isbi: {images} holds {len(pairs)} slices; the labelled stack has {_ISBI_SLICES}")
    first, end = _ISBI_PARTS[split]
    part, values = pairs[first:end], {0: 0, 255: 1}
    return ImageMaskDataset(f"isbi/{split}", part, class_names.ISBI, ISBI_PALETTE, values=values, instances=INSTANCES)


@dataset("nuclei", spec="nuclei:PATH", help="Data Science Bowl 2018: nuclei under many microscopes")
def nuclei(path: Path, split: str) -> ImageMaskDataset:
    """Nuclei of the Data Science Bowl 2018: masks of 0 = background, 1 = nucleus, 2 = border between touching nuclei.

    The border counts as background, so that no two nuclei touch: U-Net's paper introduces such borders too. A connected
    part of class 1 is then a nucleus (a few are cut in two where three meet, or lost where they are all border).
    """
    whole = folder(path, split)
    name, values = f"nuclei/{split}", {0: 0, 1: 1, 2: 0}
    return ImageMaskDataset(name, whole.pairs, NUCLEI_CLASSES, NUCLEI_PALETTE, values=values, instances=INSTANCES)
