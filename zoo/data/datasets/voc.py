"""PASCAL VOC: photographs of twenty kinds of things."""

from __future__ import annotations

from pathlib import Path

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
    inside = [*path.glob("VOC20*/JPEGImages"), *path.glob("VOCdevkit/VOC20*/JPEGImages")]
    if not (path / "JPEGImages").is_dir() and inside:
        raise InputError(f"voc: {path} holds several things; give the year's own folder, voc:{inside[0].parent}")
    need_folder(path, "voc")
    images = need_folder(path / "JPEGImages", "voc", "the images")
    masks = need_folder(path / "SegmentationClass", "voc", "the masks")
    lists = need_folder(path / "ImageSets" / "Segmentation", "voc", "the lists of the splits")
    names = {entry.stem: entry for entry in lists.glob("*.txt") if not entry.name.startswith(".")}
    if split not in names:
        raise unknown("split of voc", split, names)
    classes = read_lines(path / "classes.txt") if (path / "classes.txt").is_file() else VOC_CLASSES
    pairs = pair_up(images, masks, read_lines(names[split]), names[split])
    return labelled(f"voc/{split}", pairs, classes, mask_pages(masks) if len(classes) <= FEW else ())
