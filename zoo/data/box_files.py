"""Files of boxes: PASCAL VOC's XML and COCO's JSON, with an error that says which box of which file cannot be."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.dataset import FileDataset
from zoo.data.image_files import sides_of
from zoo.data.sample import Sample
from zoo.data.targets import Boxes, Size
from zoo.errors import InputError
from zoo.outputs.palettes import voc_palette

_TAGS = ("xmin", "ymin", "xmax", "ymax")
_ROUNDING = 1.0  # pixels that a box may reach beyond its picture, as tools round; it is clipped


@dataclass(frozen=True)
class BoxFile:
    """A picture file and what is said of its boxes.

    Attributes:
        name: of the sample.
        image: the picture.
        source: the file that says it.
        size: (H, W) as it says, None where it does not.
        edges: float32 n×4, x0, y0, x1, y1 in pixels, where pixel i covers i to i + 1.
        labels: int32 n, classes.
        ignored: bool n.
    """

    name: str
    image: Path
    source: Path
    size: Size | None
    edges: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray


class BoxDataset(FileDataset):
    """Pictures, and boxes around the things in them.

    Args:
        name: for tables and messages.
        files: a picture with its boxes each.
        classes: names, index = label.

    `dataset[i]` raises InputError naming the file for an unreadable picture, and where boxes are of a picture of another size.
    """

    task = "detection"
    target = Boxes

    def __init__(self, name: str, files: Sequence[BoxFile], classes: Sequence[str]) -> None:
        if not files:
            raise InputError(f"{name}: the split is empty; it needs one picture at least")
        self.name, self.files, self.classes = name, tuple(files), tuple(classes)
        self.palette = voc_palette(len(self.classes) + 1)[1:]  # black, the background's, could not be seen

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        file = self.files[self.position(index)]
        image = self.picture(file.image)
        height, width = image.shape[:2]
        _need_size(file, (height, width))
        edges = np.clip(_checked(file, (height, width)), 0, (width, height, width, height))
        return Sample(image, Boxes(edges, file.labels, (height, width), file.ignored), file.name)

    def check(self) -> None:
        """Refuses boxes that cannot be, by the heads of the picture files.

        Raises:
            InputError: naming the file.
        """
        for index, file in enumerate(self.files):
            if file.size is None or sorted(file.size) != list(sides_of(file.image)):
                self[index]  # which says what is wrong, if anything is
            else:
                _checked(file, file.size)


def read_voc(path: Path, image: Path, classes: Sequence[str], *, edges: bool) -> BoxFile:
    """The boxes of a PASCAL VOC annotation; "difficult" ones are ignored: neither to be found nor wrong.

    Args:
        path: the XML file.
        image: its picture.
        classes: names that may occur.
        edges: whether numbers are edges, from 0 to the side; otherwise VOC's own, pixels counted from 1, the last one included.

    Raises:
        InputError: for a file that is no such XML, or whose classes or numbers cannot be.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no XML of boxes ({error}); expected PASCAL VOC's annotation") from error
    said = root.findtext("filename")
    if said and Path(said).stem != image.stem:
        raise InputError(f"{path}: is the annotation of {said}, not of {image.name}; give each picture its own")
    rows, labels, ignored = [], [], []
    for thing in root.iter("object"):
        name, box = (thing.findtext("name") or "").strip(), thing.find("bndbox")
        labels.append(_label(name, classes, path))
        ignored.append((thing.findtext("difficult") or "0").strip() == "1")
        rows.append([_number(None if box is None else box.findtext(tag), tag, name, path) for tag in _TAGS])
    values = np.array(rows, np.float32).reshape(-1, 4) - (0 if edges else np.array([1, 1, 0, 0], np.float32))
    size = [root.findtext(f"size/{side}") for side in ("height", "width")]
    stated = tuple(int(float(side)) for side in size) if all(side and side.strip("0. ") for side in size) else None
    return BoxFile(image.stem, image, path, stated, values, np.array(labels, np.int32), np.array(ignored, bool))


def read_coco(path: Path, images: Path) -> tuple[list[BoxFile], tuple[str, ...]]:
    """The pictures and boxes of COCO's instances JSON, and the names of its classes.

    Classes are numbered in the order of their ids, which may have gaps. A crowd is one box around many things, and ignored.

    Args:
        path: the JSON file.
        images: the folder of its pictures.

    Raises:
        InputError: for a file that is no such JSON, and for a picture or class that it lacks.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        pictures = {each["id"]: each for each in table["images"]}
        categories = {each["id"]: str(each["name"]) for each in sorted(table["categories"], key=lambda each: each["id"])}
        annotations = table["annotations"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no JSON of instances ({error!r}); expected images, annotations and categories") from error
    places = {identity: place for place, identity in enumerate(categories)}
    by_picture: dict[Any, list[tuple[list[float], int, bool]]] = {identity: [] for identity in pictures}
    for each in annotations:
        number = each.get("id")
        if each.get("image_id") not in by_picture:
            raise InputError(f"{path}: annotation {number} is of picture {each.get('image_id')}, which is not listed")
        if each.get("category_id") not in places:
            raise InputError(f"{path}: annotation {number} is of category {each.get('category_id')}, which is not listed")
        x, y, width, height = (float(value) for value in each["bbox"])
        row = ([x, y, x + width, y + height], places[each["category_id"]], bool(each.get("iscrowd", 0)))
        by_picture[each["image_id"]].append(row)
    files = [_coco_file(pictures[identity], rows, path, images) for identity, rows in sorted(by_picture.items())]
    return files, tuple(categories.values())


def _coco_file(picture: dict[str, Any], rows: list[tuple[list[float], int, bool]], path: Path, images: Path) -> BoxFile:
    image = images / picture["file_name"]
    if not image.is_file():
        raise InputError(f"{path}: lists {picture['file_name']}, and there is no such file in {images}")
    edges, labels, ignored = zip(*rows, strict=True) if rows else ((), (), ())
    size = (int(picture["height"]), int(picture["width"])) if "height" in picture and "width" in picture else None
    values = np.array(edges, np.float32).reshape(-1, 4)
    return BoxFile(image.stem, image, path, size, values, np.array(labels, np.int32), np.array(ignored, bool))


def _label(name: str, classes: Sequence[str], path: Path) -> int:
    if name not in classes:
        known = ", ".join(classes[:10]) + (", …" if len(classes) > 10 else "")
        raise InputError(f"{path}: a box of {name!r}, which is no class of {known}; add it to classes.txt")
    return list(classes).index(name)


def _number(text: str | None, tag: str, name: str, path: Path) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(f"{path}: a box of {name!r} says {tag}={text!r}; expected a number of pixels")
    return value


def _need_size(file: BoxFile, size: Size) -> None:
    if file.size not in (None, tuple(size)):
        raise InputError(
            f"{file.source}: is of a picture of {file.size[1]}×{file.size[0]} (W×H), and {file.image.name} is "
            f"{size[1]}×{size[0]}; boxes of another picture, or of this one before it was resized"
        )


def _checked(file: BoxFile, size: Size) -> np.ndarray:
    """The edges of a file's boxes in a picture of that size (H, W)."""
    far = np.array([size[1], size[0]], np.float32)
    for box in file.edges:
        text = f"{file.source}: the box ({', '.join(f'{edge:g}' for edge in box)}) of {file.image.name}"
        if (box[2:] < box[:2]).any():
            raise InputError(f"{text} ends before it begins; expected x0, y0 < x1, y1")
        if (box[2:] == box[:2]).any():
            raise InputError(f"{text} has no area; leave it out")
        if (box[:2] < -_ROUNDING).any() or (box[2:] > far + _ROUNDING).any():
            raise InputError(f"{text} reaches beyond its {size[1]}×{size[0]} pixels (W×H)")
    return file.edges
