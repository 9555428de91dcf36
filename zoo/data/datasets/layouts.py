"""The ways datasets lie on disk: CamVid as SegNet laid it out, PASCAL VOC, and a plain folder of images and masks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from zoo.data.image_files import IMAGE_SUFFIXES, read_mask
from zoo.data.image_masks import ImageMaskDataset, files_by_stem, need_folder, pair_up, read_lines
from zoo.errors import InputError, unknown
from zoo.outputs.palettes import CAMVID, voc_palette

# fmt: off
CAMVID_CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign_symbol", "fence", "car", "pedestrian", "bicyclist",
)
VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)
# fmt: on
UNLABELLED = 255  # VOC's value for outlines and what is too hard to tell; folders follow it
_PARTS = {"train": ("train",), "val": ("val",), "test": ("test",), "trainval": ("train", "val")}


def camvid(path: Path, split: str) -> ImageMaskDataset:
    """CamVid in SegNet's layout: train/, trainannot/, val/, valannot/, test/, testannot/; PNG or JPEG images.

    Masks are 8-bit with the class index; the value after the last class (11 of the usual 11 classes) is void and
    ignored. classes.txt, where there is one, names the classes line by line; a last line `void` is the ignored value.
    Splits: train, val, test, trainval.
    """
    need_folder(path, "camvid")
    if split not in _PARTS:
        raise unknown("split of camvid", split, _PARTS)
    names = read_lines(path / "classes.txt") if (path / "classes.txt").is_file() else list(CAMVID_CLASSES)
    if names[-1:] in (["void"], ["unlabelled"]):
        names = names[:-1]
    pairs = []
    for part in _PARTS[split]:
        images = need_folder(path / part, "camvid", "the images")
        pairs += pair_up(images, need_folder(path / f"{part}annot", "camvid", "the masks"))
    palette = CAMVID if len(names) == len(CAMVID) else voc_palette(len(names))
    return ImageMaskDataset(f"camvid/{split}", pairs, names, palette, ignore=len(names))


def voc(path: Path, split: str) -> ImageMaskDataset:
    """PASCAL VOC: JPEGImages/, SegmentationClass/ (palette PNG) and ImageSets/Segmentation/SPLIT.txt; 255 is ignored.

    `path` is the folder of one year (VOC2012). The 21 classes are VOC's, unless there is a classes.txt beside them.
    Splits: every list in ImageSets/Segmentation (train, val, trainval).
    """
    inside = [*path.glob("VOC20*/JPEGImages"), *path.glob("VOCdevkit/VOC20*/JPEGImages")]
    if not (path / "JPEGImages").is_dir() and inside:
        raise InputError(f"voc: {path} holds several things; give the year's own folder, voc:{inside[0].parent}")
    need_folder(path, "voc")
    images = need_folder(path / "JPEGImages", "voc", "the images")
    masks = need_folder(path / "SegmentationClass", "voc", "the masks")
    lists = need_folder(path / "ImageSets" / "Segmentation", "voc", "the lists of the splits")
    names = {entry.stem: entry for entry in lists.glob("*.txt")}
    if split not in names:
        raise unknown("split of voc", split, names)
    classes = read_lines(path / "classes.txt") if (path / "classes.txt").is_file() else VOC_CLASSES
    pairs = pair_up(images, masks, read_lines(names[split]), names[split])
    return ImageMaskDataset(f"voc/{split}", pairs, classes, ignore=UNLABELLED)


def folder(path: Path, split: str) -> ImageMaskDataset:
    """A plain folder: images/ and masks/ with files of the same stems; masks grey or palette, 255 ignored.

    classes.txt: a name a line, line i (from 0) is mask value i. Without it every mask is read once to find the greatest
    value, and classes are called class0, class1, …
    Masks of two classes may also be drawn in black and white (0 and 255 only): 255 is then class 1 and nothing is
    ignored.

    train.txt, val.txt, test.txt: the stems of each split (`trainval` is the first two). Without any of them the split
    is drawn by the stems' SHA-256: the lowest tenth is val, the next tenth test (one each at least), the rest train;
    so it is the same on every machine. Neighbouring frames of a film fall apart that way: list the splits for those.
    """
    need_folder(path, "folder")
    images = need_folder(path / "images", "folder", "the images")
    masks = need_folder(path / "masks", "folder", "the masks")
    if split not in _PARTS:
        raise unknown("split of a folder", split, _PARTS)
    pairs = []
    for part, (stems, source) in _parts(path, images).items():
        if part in _PARTS[split]:
            pairs += pair_up(images, masks, stems, source)
    pair_up(images, masks)  # also what is in no split: a stray file is found now and not after the training
    name = f"{path.resolve().name}/{split}"
    if not pairs:
        raise InputError(f"{name}: the split is empty; it needs one image with its mask at least")
    listed = read_lines(path / "classes.txt") if (path / "classes.txt").is_file() else None
    if listed is not None and len(listed) != 2:
        return ImageMaskDataset(name, pairs, listed, ignore=UNLABELLED)
    seen = _values(masks)
    if seen == {0, 255}:
        return ImageMaskDataset(name, pairs, listed or ("background", "foreground"), values={0: 0, 255: 1})
    if listed is None:
        top = max(seen - {UNLABELLED}, default=0)
        if top == 0:
            raise InputError(f"{masks}: every mask is of class 0 only; masks hold the class index of each pixel")
        listed = [f"class{index}" for index in range(top + 1)]
    return ImageMaskDataset(name, pairs, listed, ignore=UNLABELLED)


def _parts(path: Path, images: Path) -> dict[str, tuple[list[str], Path]]:
    """The stems of each split of a folder, and the file they come from."""
    lists = {part: path / f"{part}.txt" for part in ("train", "val", "test")}
    if any(entry.is_file() for entry in lists.values()):
        return {part: (read_lines(entry), entry) for part, entry in lists.items() if entry.is_file()}
    stems = sorted(files_by_stem(images, IMAGE_SUFFIXES), key=lambda stem: hashlib.sha256(stem.encode()).digest())
    tenth = max(1, len(stems) // 10)
    drawn = {"val": stems[:tenth], "test": stems[tenth : 2 * tenth], "train": stems[2 * tenth :]}
    return {part: (sorted(chosen), path) for part, chosen in drawn.items()}


def _values(masks: Path) -> set[int]:
    """Every value that occurs in the masks of a folder."""
    seen = np.zeros(256, bool)
    for path in sorted(masks.iterdir()):
        if path.suffix.lower() in (".png", ".bmp", ".tif", ".tiff", ".gif"):
            seen[np.unique(read_mask(path))] = True
    return set(np.nonzero(seen)[0].tolist())
