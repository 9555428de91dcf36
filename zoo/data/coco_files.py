"""COCO's files: where the annotations of a split and its pictures lie."""

from __future__ import annotations

from pathlib import Path

from zoo.data.folders import need_folder
from zoo.errors import InputError


def located(path: Path, split: str, about: str, name: str) -> tuple[Path, Path]:
    """The JSON file of a split, and the folder of its pictures.

    Args:
        path: COCO's own folder, with annotations/ABOUT_SPLIT2017.json and SPLIT2017/, or one with ABOUT_SPLIT.json and images/.
        split: "train", "val" or another.
        about: what the file's name begins with, as "instances".
        name: of the data set, for messages.

    Raises:
        InputError: if either is not there.
    """
    need_folder(path, name)
    layouts = [
        (path / f"{about}_{split}.json", path / "images"),
        (path / "annotations" / f"{about}_{split}.json", path / "images"),
        (path / "annotations" / f"{about}_{split}2017.json", path / f"{split}2017"),
    ]
    source, images = next(((file, folder) for file, folder in layouts if file.is_file()), layouts[0])
    if not source.is_file():
        raise InputError(f"{source}: no such file; {name}:PATH holds {about}_{split}.json and images/, or COCO's own layout")
    return source, need_folder(images, name, "the images")
