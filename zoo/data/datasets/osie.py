"""OSIE: where fifteen people looked in 700 pictures of everyday scenes.

Xu, Jiang, Wang, Kankanhalli & Zhao, "Predicting human gaze beyond pixels", Journal of Vision 2014.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.data.dataset import FileDataset
from zoo.data.folders import PARTS, files_by_stem, need_folder, read_lines
from zoo.data.image_files import IMAGE_SUFFIXES
from zoo.data.registry import dataset
from zoo.data.sample import Sample
from zoo.data.targets import Fixations
from zoo.errors import InputError, unknown

DEGREE = 12.0  # pixels of the 400×300 pictures that one degree of sight covers: the Gaussian of the maps


class GazeFolder(FileDataset):
    """Pictures, and for each the points that people looked at.

    Args:
        name: for tables and messages.
        pictures: (stem, file) each.
        points: by stem, (x, y) in pixels, float n×2.
        spread: standard deviation of the maps' Gaussian, pixels.

    `dataset[i]` raises InputError naming the file for an unreadable picture, and for points outside it.
    """

    task = "saliency"
    target = Fixations

    def __init__(self, name: str, pictures: list[tuple[str, Path]], points: dict[str, np.ndarray], spread: float) -> None:
        self.name, self.spread = name, spread
        self._pictures, self._points = tuple(pictures), points

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Sample:
        stem, path = self._pictures[self.position(index)]
        image, points = self.picture(path), self._points[stem]
        height, width = image.shape[:2]
        if not ((points >= 0) & (points < (width, height))).all():
            raise InputError(f"{path}: a point of {stem} lies outside its {width}×{height} pixels (W×H)")
        return Sample(image, Fixations(points, (height, width), (self.spread, self.spread)), stem)


@dataset("osie", spec="osie:PATH", help="OSIE: where 15 people looked in 700 pictures, with a train, val and test list")
def osie(path: Path, split: str) -> GazeFolder:
    """images/NNNN.jpg of 400×300 pixels; fixations.npz: by stem, (x, y) in their pixels; train.txt, val.txt, test.txt.

    The source has no split; `trainval` is the first two lists.
    """
    need_folder(path, "osie")
    files = files_by_stem(need_folder(path / "images", "osie", "the pictures"), IMAGE_SUFFIXES)
    if split not in PARTS:
        raise unknown("split of osie", split, PARTS)
    table = path / "fixations.npz"
    if not table.is_file():
        raise InputError(f"{table}: no such file; it holds the fixations, an array n×2 for each picture's stem")
    with np.load(table) as arrays:
        points = {stem: arrays[stem] for stem in arrays.files}
    pictures = []
    for source in (path / f"{part}.txt" for part in PARTS[split]):
        for stem in read_lines(source):
            if stem not in files or stem not in points:
                place = path / "images" if stem not in files else table
                raise InputError(f"{source}: lists {stem!r}, and there is none of that name in {place}")
            pictures.append((stem, files[stem]))
    if not pictures:
        raise InputError(f"osie/{split}: the split is empty; it needs one picture at least")
    return GazeFolder(f"osie/{split}", pictures, points, DEGREE)
