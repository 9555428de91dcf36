"""PASCAL VOC: photographs of twenty kinds of things."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.data.dataset import ImageMaskDataset
from zoo.data.folders import mask_pages, need_folder, pair_up, read_lines
from zoo.data.mask_values import FEW, labelled
from zoo.data.registry import dataset
from zoo.errors import InputError, unknown

# fmt: off
VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)
# fmt: on


@dataset("voc", spec="voc:PATH", help="PASCAL VOC's layout, one year's folder")
def voc(path: Path, split: str) -> ImageMaskDataset:
    """PASCAL VOC: JPEGImages/, SegmentationClass/ (palette PNG) and ImageSets/Segmentation/SPLIT.txt; 255 is ignored.

    `path` is the folder of one year (VOC2012). The 21 classes are VOC's, unless there is a classes.txt beside them. One class
    or two that are listed there may be drawn in black and white (0 and 255).
    Splits: every list in ImageSets/Segmentation (train, val, trainval).
    """
    year = Year.of("voc", path, "Segmentation", split)
    masks = need_folder(path / "SegmentationClass", "voc", "the masks")
    classes = year.classes(VOC_CLASSES)
    pairs = pair_up(year.images, masks, read_lines(year.listed), year.listed)
    return labelled(f"voc/{split}", pairs, classes, mask_pages(masks) if len(classes) <= FEW else ())


class Year(NamedTuple):
    """A year's folder of PASCAL VOC, whatever is asked of its pictures.

    Attributes:
        path: the folder.
        images: that of its pictures.
        listed: the file that lists the split.
    """

    path: Path
    images: Path
    listed: Path

    @classmethod
    def of(cls, name: str, path: Path, lists: str, split: str) -> Year:
        """The folder at a path.

        Args:
            name: of the data set, for messages.
            path: which should be the year's own folder.
            lists: the folder in ImageSets that holds the lists of the splits.
            split: which of them.

        Raises:
            InputError: for the folder that holds the years', what is missing, and a split that is not listed.
        """
        inside = [*path.glob("VOC20*/JPEGImages"), *path.glob("VOCdevkit/VOC20*/JPEGImages")]
        if not (path / "JPEGImages").is_dir() and inside:
            raise InputError(f"{name}: {path} holds several things; give the year's own folder, {name}:{inside[0].parent}")
        need_folder(path, name)
        images = need_folder(path / "JPEGImages", name, "the images")
        folder = need_folder(path / "ImageSets" / lists, name, "the lists of the splits")
        names = {entry.stem: entry for entry in folder.glob("*.txt") if not entry.name.startswith(".")}
        if split not in names:
            raise unknown(f"split of {name}", split, names)
        return cls(path, images, names[split])

    def classes(self, own: Sequence[str]) -> tuple[str, ...]:
        """The classes that a classes.txt says, or else VOC's."""
        said = self.path / "classes.txt"
        return tuple(read_lines(said) if said.is_file() else own)
