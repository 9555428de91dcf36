"""Boxes in PASCAL VOC's layout, and two small sets in a plainer one: blood cells and raccoons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zoo.data.box_files import BoxDataset, read_voc
from zoo.data.datasets.voc import VOC_CLASSES, Year
from zoo.data.folders import files_by_stem, need_folder, read_lines
from zoo.data.image_files import IMAGE_SUFFIXES
from zoo.data.registry import dataset
from zoo.errors import InputError, unknown

# Split → the lists that it is made of. The microscope went over parts of the slide twice: the clean lists leave out what val or
# test also show; the published ones are for comparing with numbers published elsewhere.
_BCCD_LISTS = {
    "train": ("train_clean",),
    "val": ("val_clean",),
    "test": ("test",),
    "trainval": ("train_clean", "val_clean"),
    "train_published": ("train",),
    "val_published": ("val",),
}
_RACCOON_LISTS = {"train": ("train",), "val": ("val",), "test": ("test",), "trainval": ("train", "val")}


@dataset("voc_boxes", spec="voc_boxes:PATH", help="PASCAL VOC's boxes, one year's folder")
def voc_boxes(path: Path, split: str) -> BoxDataset:
    """PASCAL VOC: JPEGImages/, Annotations/ and ImageSets/Main/SPLIT.txt.

    Corners are VOC's, pixels counted from 1 with the last one included, decimals too; "difficult" boxes are ignored. The 20
    classes are VOC's, unless there is a classes.txt beside them.
    """
    year = Year.of("voc_boxes", path, "Main", split)
    annotations = need_folder(path / "Annotations", "voc_boxes", "the annotations")
    classes = year.classes(VOC_CLASSES[1:])
    return _listed(f"voc_boxes/{split}", year.images, annotations, (year.listed,), classes, edges=False)


@dataset("bccd", spec="bccd:PATH", help="BCCD: blood cells in 364 microscope pictures, split without shared fields of view")
def bccd(path: Path, split: str) -> BoxDataset:
    """images/, annotations/, lists of the splits and classes.txt; boxes are edges with a decimal.

    `train` and `val` are the clean lists; `train_published` and `val_published` those of the source, which share fields of
    view with `test`.
    """
    return _plain("bccd", path, split, _BCCD_LISTS)


@dataset("raccoon", spec="raccoon:PATH", help="raccoons in 200 photographs, most of them filling it")
def raccoon(path: Path, split: str) -> BoxDataset:
    """As `bccd`."""
    return _plain("raccoon", path, split, _RACCOON_LISTS)


def _plain(name: str, path: Path, split: str, parts: Mapping[str, tuple[str, ...]]) -> BoxDataset:
    need_folder(path, name)
    if split not in parts:
        raise unknown(f"split of {name}", split, parts)
    images = need_folder(path / "images", name, "the images")
    annotations = need_folder(path / "annotations", name, "the annotations")
    lists = tuple(path / f"{part}.txt" for part in parts[split])
    for source in (*lists, path / "classes.txt"):
        if not source.is_file():
            raise InputError(f"{source}: no such file; expected {name}'s lists of splits and classes.txt")
    classes = tuple(read_lines(path / "classes.txt"))
    return _listed(f"{name}/{split}", images, annotations, lists, classes, edges=True)


def _listed(
    name: str, images: Path, annotations: Path, lists: tuple[Path, ...], classes: tuple[str, ...], *, edges: bool
) -> BoxDataset:
    """The pictures that some lists name, each with the annotation of its stem."""
    pictures, files = files_by_stem(images, IMAGE_SUFFIXES), []
    for source in lists:
        for line in read_lines(source):
            stem, *rest = line.split()  # a class's own lists say 1, 0 or −1 behind the stem: whether it is there
            if rest and rest[0] == "-1":
                continue
            annotation = annotations / f"{stem}.xml"
            if stem not in pictures or not annotation.is_file():
                place = images if stem not in pictures else annotations
                raise InputError(f"{source}: lists {stem!r}, and there is none of that name in {place}")
            files.append(read_voc(annotation, pictures[stem], classes, edges=edges))
    return BoxDataset(name, files, classes)
