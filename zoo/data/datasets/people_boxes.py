"""People: boxes around whoever is in Clothing Co-Parsing's photographs and in COCO's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.data.box_files import BoxDataset, BoxFile, read_coco
from zoo.data.coco_files import located
from zoo.data.dataset import ImageMaskDataset
from zoo.data.datasets.ccp import ccp_person
from zoo.data.folders import need_folder
from zoo.data.registry import dataset
from zoo.data.sample import Sample
from zoo.data.targets import Boxes
from zoo.errors import InputError
from zoo.outputs.watershed import connected_parts

PERSON = "person"
LEAST = 0.02  # of a mask's pixels: parts that are less of it, as stray pixels, are not of the person


class PeopleBoxes(BoxDataset):
    """COCO's pictures with their people, and behind them photographs with one person in each, whom a mask shows.

    A mask is of the photographed person alone: passers-by of the latter are learnt as nothing, and found as wrong.

    Args:
        name: for tables and messages.
        files: pictures with boxes.
        photographs: pictures with masks, whose class 1 is the person.
    """

    def __init__(self, name: str, files: list[BoxFile], photographs: ImageMaskDataset) -> None:
        super().__init__(name, files, (PERSON,))
        self.photographs = photographs

    def __len__(self) -> int:
        return len(self.files) + len(self.photographs)

    def __getitem__(self, index: int) -> Sample:
        place = self.position(index) - len(self.files)
        if place < 0:
            return super().__getitem__(place + len(self.files))
        sample = self.photographs[place]
        return Sample(sample.image, around(np.asarray(sample.target) == 1), sample.name)

    def read_as(self, channels: int | None = None, bits: int | None = None) -> PeopleBoxes:
        other = super().read_as(channels, bits)
        other.photographs = self.photographs.read_as(channels, bits)
        return other


def around(mask: np.ndarray) -> Boxes:
    """The box around the person of a mask, bool H×W; none where there is nobody."""
    parts, count = connected_parts(mask.astype(int))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    rows, columns = np.nonzero((sizes >= LEAST * sizes.sum())[parts] & mask)
    if not rows.size:
        return Boxes(np.zeros((0, 4)), [], mask.shape)
    return Boxes([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], [0], mask.shape)


@dataset("people_boxes", spec="people_boxes:PATH", help="people of COCO's photographs in PATH/coco and of CCP's in PATH/ccp")
def people_boxes(path: Path, split: str) -> PeopleBoxes:
    """Of COCO the boxes of its class "person", crowds ignored; pictures with nobody in them are kept. Of CCP the boxes around
    its masks.

    Raises:
        InputError: for a folder that lacks either, and what each of them refuses.
    """
    need_folder(path, "people_boxes")
    coco = need_folder(path / "coco", "people_boxes", "COCO's photographs")
    source, images = located(coco, split, "instances", "people_boxes")
    files, classes = read_coco(source, images)
    if PERSON not in classes:
        raise InputError(f"{source}: has no class {PERSON!r} among its {len(classes)}")
    own = [_people(file, classes.index(PERSON)) for file in files]
    return PeopleBoxes(f"people_boxes/{split}", own, ccp_person(path / "ccp", split))


def _people(file: BoxFile, label: int) -> BoxFile:
    people = file.labels == label
    count = int(people.sum())
    return replace(file, edges=file.edges[people], labels=np.zeros(count, np.int32), ignored=file.ignored[people])
