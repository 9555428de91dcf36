"""COCO: everyday photographs with boxes around things of eighty kinds."""

from __future__ import annotations

from pathlib import Path

from zoo.data.box_files import BoxDataset, read_coco
from zoo.data.folders import need_folder
from zoo.data.registry import dataset
from zoo.errors import InputError


@dataset("coco", spec="coco:PATH", help="COCO's layout: boxes of instances_SPLIT.json")
def coco(path: Path, split: str) -> BoxDataset:
    """annotations/instances_SPLIT2017.json with SPLIT2017/, as COCO has it, or instances_SPLIT.json with images/.

    Classes are numbered in the order of their ids, which have gaps. Crowds are ignored.
    """
    source, images = files_of(path, split)
    files, classes = read_coco(source, images)
    return BoxDataset(f"coco/{split}", files, classes)


def files_of(path: Path, split: str) -> tuple[Path, Path]:
    """The JSON file of a split, and the folder of its pictures.

    Raises:
        InputError: where there is none.
    """
    need_folder(path, "coco")
    layouts = [
        (path / f"instances_{split}.json", path / "images"),
        (path / "annotations" / f"instances_{split}.json", path / "images"),
        (path / "annotations" / f"instances_{split}2017.json", path / f"{split}2017"),
    ]
    source, images = next(((file, folder) for file, folder in layouts if file.is_file()), layouts[0])
    if not source.is_file():
        raise InputError(f"{source}: no such file; coco:PATH holds instances_{split}.json and images/, or COCO's own layout")
    return source, need_folder(images, "coco", "the images")
