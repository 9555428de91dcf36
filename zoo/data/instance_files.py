"""Files of instances: label pictures of 8 or 16 bits, and COCO's polygons and run lengths, with errors that name the file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.dataset import FileDataset
from zoo.data.folders import Pair
from zoo.data.image_files import sides_of
from zoo.data.sample import Sample
from zoo.data.targets import InstanceMask, Size
from zoo.errors import InputError
from zoo.outputs.palettes import voc_palette
from zoo.outputs.run_lengths import decoded

_WHOLE = ("1", "L", "P", "I")  # Pillow's modes of whole numbers; those of 16 bits begin with the last
_CORNERS = 3  # that a polygon has at least


class InstanceFiles(FileDataset):
    """Picture files, each with a label picture of the same stem: 0 is the ground, every other value an object, gaps allowed.

    Args:
        name: for tables and messages.
        pairs: (stem, image, label picture) each.
        classes: names; all objects are of the first one.
        palette: one colour a class; VOC's if None.

    `dataset[i]` raises InputError naming the file for an unreadable picture, differing sizes, and labels that are no numbers.
    """

    task = "instance_segmentation"
    target = InstanceMask

    def __init__(
        self,
        name: str,
        pairs: Sequence[Pair],
        classes: Sequence[str],
        palette: Sequence[tuple[int, int, int]] | None = None,
    ) -> None:
        if not pairs:
            raise InputError(f"{name}: the split is empty; it needs one image with its label picture at least")
        self.name, self.pairs, self.classes = name, tuple(pairs), tuple(classes)
        self.palette = tuple(palette or voc_palette(len(self.classes) + 1)[1:])

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        pair = self.pairs[self.position(index)]
        image, values = self.picture(pair.image, pair.page), read_numbers(pair.mask, pair.page)
        _need_size(pair.mask, values.shape, pair.image, image.shape[:2])
        return Sample(image, numbered(values), pair.name)

    def check(self) -> None:
        """Refuses files that are no pictures, and label pictures of other sizes, by the heads of the files.

        Raises:
            InputError: naming the file.
        """
        self[0]  # which says whether they can be read as was asked for
        for index, pair in enumerate(self.pairs):
            if pair.page is None and sides_of(pair.image) != sides_of(pair.mask):
                self[index]  # which says what they are


@dataclass(frozen=True)
class InstanceRows:
    """A picture file and what COCO's JSON says of its objects.

    Attributes:
        name: of the sample.
        image: the picture.
        source: the JSON file.
        size: (H, W) as it says.
        rows: (segmentation, class, crowd, the annotation's id) each.
    """

    name: str
    image: Path
    source: Path
    size: Size
    rows: tuple[tuple[Any, int, bool, Any], ...]


class CocoInstances(FileDataset):
    """Pictures with COCO's objects as one map of numbers: where objects overlap, the smaller one is on top.

    Args:
        name: for tables and messages.
        files: a picture with its objects each.
        classes: names.
    """

    task = "instance_segmentation"
    target = InstanceMask

    def __init__(self, name: str, files: Sequence[InstanceRows], classes: Sequence[str]) -> None:
        if not files:
            raise InputError(f"{name}: the split is empty; it needs one picture at least")
        self.name, self.files, self.classes = name, tuple(files), tuple(classes)
        self.palette = voc_palette(len(self.classes) + 1)[1:]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        file = self.files[self.position(index)]
        image = self.picture(file.image)
        _need_size(file.source, file.size, file.image, image.shape[:2])
        masks = [_mask(row, file) for row in file.rows]
        numbers = np.zeros(file.size, np.int32)
        for place in sorted(range(len(masks)), key=lambda place: -masks[place].sum()):
            numbers[masks[place]] = place + 1
        labels = np.array([label for _, label, _, _ in file.rows], np.int32)
        return Sample(image, InstanceMask(numbers, labels, np.array([crowd for _, _, crowd, _ in file.rows], bool)), file.name)

    def check(self) -> None:
        """Refuses segmentations that cannot be; none is drawn yet.

        Raises:
            InputError: naming the file and the annotation.
        """
        for file in self.files:
            for row in file.rows:
                _outlines(row, file)


def numbered(values: np.ndarray) -> InstanceMask:
    """Any whole numbers H×W, 0 for the ground, as objects 1 … n of the first class in the order of their values."""
    present, places = np.unique(values, return_inverse=True)
    first = int(present[0] != 0) if present.size else 0
    numbers = (places + first).reshape(values.shape)
    return InstanceMask(numbers, np.zeros(int(numbers.max(initial=0)), np.int32))


def read_numbers(path: str | Path, page: int | None = None) -> np.ndarray:
    """A label picture as int32 H×W: grey or palette of 8 bits, or grey of 16.

    Args:
        path: of the file.
        page: of one with several, from 0.

    Raises:
        InputError: naming the file where it cannot be read, or holds colours or fractions.
    """
    from PIL import Image

    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with Image.open(path) as picture:
            if page is not None:
                picture.seek(page)
            picture.load()
            mode, values = picture.mode, np.array(picture)
    except (OSError, EOFError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a picture ({error}); replace or remove it") from error
    if not mode.startswith(_WHOLE) or mode in ("LA", "PA", "LAB", "La"):
        raise InputError(f"{path}: of mode {mode}; a label picture was expected, 8 or 16 bits of grey, a number an object")
    if values.min(initial=0) < 0:
        raise InputError(f"{path}: holds {values.min()}; objects are numbered from 1, and 0 is the ground")
    return values.astype(np.int32)


def read_coco_instances(path: Path, images: Path) -> tuple[list[InstanceRows], tuple[str, ...]]:
    """The pictures and objects of COCO's instances JSON, and the names of its classes, numbered in the order of their ids.

    Args:
        path: the JSON file.
        images: the folder of its pictures.

    Raises:
        InputError: for a file that is no such JSON, a picture, class or file that it lacks, and objects without a segmentation.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        pictures = {each["id"]: each for each in sorted(table["images"], key=lambda each: str(each["file_name"]))}
        categories = {each["id"]: str(each["name"]) for each in sorted(table["categories"], key=lambda each: each["id"])}
        rows: dict[Any, list[tuple[Any, int, bool, Any]]] = {identity: [] for identity in pictures}
        places = {identity: place for place, identity in enumerate(categories)}
        for each in table["annotations"]:
            number, picture, category = each.get("id"), each["image_id"], each["category_id"]
            if picture not in rows or category not in places:
                raise InputError(f"{path}: annotation {number} is of picture {picture}, category {category}; one is not listed")
            if not each.get("segmentation"):
                raise InputError(f"{path}: annotation {number} has no segmentation; boxes alone are read by coco:PATH")
            rows[picture].append((each["segmentation"], places[category], bool(each.get("iscrowd", 0)), number))
        files = [
            InstanceRows(
                Path(one["file_name"]).stem, images / one["file_name"], path, (int(one["height"]), int(one["width"])),
                tuple(rows[identity]),
            )
            for identity, one in pictures.items()
        ]  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: no JSON of instances ({error!r}); expected images, annotations and categories") from error
    missing = next((file for file in files if not file.image.is_file()), None)
    if missing is not None:
        raise InputError(f"{path}: lists {missing.image.name}, and there is no such file in {images}")
    return files, tuple(categories.values())


def _mask(row: tuple[Any, int, bool, Any], file: InstanceRows) -> np.ndarray:
    outlines = _outlines(row, file)
    return decoded(row[0]) if outlines is None else filled(outlines, file.size)


def _outlines(row: tuple[Any, int, bool, Any], file: InstanceRows) -> list[np.ndarray] | None:
    """The polygons of an annotation, checked; None where it is run lengths."""
    segmentation, _, _, number = row
    where = f"{file.source}: annotation {number} of {file.image.name}"
    if not isinstance(segmentation, Mapping):
        return [_corners(polygon, where) for polygon in segmentation]
    if tuple(segmentation.get("size") or ()) != tuple(file.size) or "counts" not in segmentation:
        raise InputError(f"{where} is a mask of {segmentation.get('size')}, and the picture of {list(file.size)} (H, W)")
    return None


def _corners(polygon: Any, where: str) -> np.ndarray:
    try:
        corners = np.asarray(polygon, np.float64).reshape(-1, 2)
    except (TypeError, ValueError):
        raise InputError(f"{where} has a polygon that is no list of x, y, x, y, …") from None
    if len(corners) < _CORNERS or not np.isfinite(corners).all():
        raise InputError(f"{where} has a polygon of {len(corners)} points; expected {_CORNERS} or more, numbers of pixels")
    return corners


def filled(polygons: Sequence[np.ndarray], size: Size) -> np.ndarray:
    """The pixels whose middles lie in any of some polygons (n×2 of x, y; even and odd): bool H×W."""
    mask = np.zeros(size, bool)
    columns = np.arange(size[1]) + 0.5
    for polygon in polygons:
        ends = np.roll(polygon, -1, axis=0)
        least, most = polygon[:, 1].min(), polygon[:, 1].max()
        for row in range(max(0, int(np.floor(least - 0.5))), min(size[0], int(np.ceil(most + 0.5)))):
            height = row + 0.5
            cut = (polygon[:, 1] <= height) != (ends[:, 1] <= height)
            (x0, y0), (x1, y1) = polygon[cut].T, ends[cut].T
            crossings = x0 + (height - y0) * (x1 - x0) / (y1 - y0)
            mask[row] |= (crossings[:, None] < columns[None]).sum(axis=0) % 2 == 1
    return mask


def _need_size(source: Path, size: Size, image: Path, own: Size) -> None:
    if tuple(size) != tuple(own):
        raise InputError(
            f"{source}: is of {size[1]}×{size[0]} pixels (W×H), and its image {image.name} of {own[1]}×{own[0]}; expected "
            "one size"
        )
