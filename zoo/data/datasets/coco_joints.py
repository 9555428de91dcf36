"""COCO's people: each one cut out of a photograph, with seventeen joints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.coco_files import located
from zoo.data.dataset import FileDataset
from zoo.data.registry import dataset
from zoo.data.sample import Sample
from zoo.data.targets import Joints
from zoo.data.transforms.geometric import GREY, Placement
from zoo.errors import InputError
from zoo.outputs.joints import COLOURS
from zoo.outputs.sides import opposites, side_of

ASPECT, MARGIN = 192 / 256, 1.25  # of a cut, its width over its height; and how many times the box's size it has (Xiao 2018)
_FIGURES = 3  # of a joint: x, y, v


@dataclass(frozen=True)
class Person:
    """A person in a photograph.

    Attributes:
        name: of the sample.
        image: the photograph.
        size: its (H, W).
        box: x0, y0, width, height in pixels.
        area: square pixels of the person.
        places: float32 K×2.
        seen: int32 K: 0 not labelled, 1 labelled and hidden, 2 in sight.
    """

    name: str
    image: Path
    size: tuple[int, int]
    box: tuple[float, float, float, float]
    area: float
    places: np.ndarray
    seen: np.ndarray

    def placement(self) -> Placement:
        """The cut around the box: of the form 3:4, a quarter larger, in the photograph's own pixels."""
        x0, y0, width, height = self.box
        down = MARGIN * max(height, width / ASPECT)
        across = down * ASPECT
        region = (x0 + (width - across) / 2, y0 + (height - down) / 2, across, down)
        return Placement(self.size, region, (max(1, round(down)), max(1, round(across))))


class PersonDataset(FileDataset):
    """Cuts of single persons, and their joints; other persons may be seen beside them.

    Args:
        name: for tables and messages.
        people: one a sample.
        joints: names.
    """

    task = "landmarks"
    target = Joints

    def __init__(self, name: str, people: Sequence[Person], joints: Sequence[str]) -> None:
        if not people:
            raise InputError(f"{name}: nobody in this split has a joint; it needs one person at least")
        self.name, self.people, self.classes = name, tuple(people), tuple(joints)
        self.palette = tuple(COLOURS[side_of(joint)] for joint in self.classes)
        self._opposites = opposites(self.classes)

    def __len__(self) -> int:
        return len(self.people)

    def __getitem__(self, index: int) -> Sample:
        person = self.people[self.position(index)]
        image = self.picture(person.image)
        if image.shape[:2] != person.size:
            raise InputError(
                f"{person.image} is {image.shape[1]}×{image.shape[0]} (W×H) and its joints are of a picture of "
                f"{person.size[1]}×{person.size[0]}; give the photograph that was annotated"
            )
        placement = person.placement()
        side = max(person.box[2:])
        joints = Joints(person.places, person.seen, person.size, self._opposites, person.area, side)
        cut = replace(joints.place(placement), photograph=person.image.stem, origin=placement.region[:2])
        return Sample(placement.draw(image, smooth=True, fill=GREY), cut, person.name)


@dataset("coco_joints", spec="coco_joints:PATH", help="COCO's layout: people of person_keypoints_SPLIT.json, each cut out")
def coco_joints(path: Path, split: str) -> PersonDataset:
    """annotations/person_keypoints_SPLIT2017.json with SPLIT2017/, as COCO has it, or person_keypoints_SPLIT.json with images/.

    People without a joint, and crowds, are left out: there is nothing to learn or to score. Places are taken as they are
    written, though some tools count them from a pixel's middle.
    """
    source, images = located(path, split, "person_keypoints", "coco_joints")
    try:
        table = json.loads(source.read_text(encoding="utf-8"))
        pictures = {each["id"]: each for each in table["images"]}
        categories = {each["id"]: each["keypoints"] for each in table["categories"]}
        annotations = sorted(table["annotations"], key=lambda each: (each["image_id"], each["id"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{source}: no JSON of joints ({error!r}); expected images, annotations and categories") from error
    if len(categories) != 1:
        raise InputError(f"{source}: {len(categories)} categories with keypoints; a network of joints is of one")
    labels = tuple(str(label).replace("_", " ") for label in next(iter(categories.values())))
    read = (_person(each, pictures, labels, source, images) for each in annotations if _counts(each))
    return PersonDataset(f"coco_joints/{split}", list(read), labels)


def _counts(annotation: Mapping[str, Any]) -> bool:
    return not annotation.get("iscrowd", 0) and any(annotation.get("keypoints", ())[2::_FIGURES])


def _person(
    annotation: Mapping[str, Any],
    pictures: Mapping[Any, Mapping[str, Any]],
    labels: Sequence[str],
    source: Path,
    images: Path,
) -> Person:
    """The person of an annotation.

    Raises:
        InputError: naming the annotation, for a picture that is not there, and for numbers that cannot be.
    """
    text = f"{source}: annotation {annotation.get('id')}"
    picture = pictures.get(annotation["image_id"])
    if picture is None:
        raise InputError(f"{text} is of picture {annotation['image_id']}, which is not listed")
    image, size = images / picture["file_name"], (int(picture["height"]), int(picture["width"]))
    if not image.is_file():
        raise InputError(f"{source}: lists {picture['file_name']}, and there is no such file in {images}")
    figures = np.array(annotation["keypoints"], np.float32)
    if figures.size != _FIGURES * len(labels):
        raise InputError(f"{text} has {figures.size} figures of joints; expected x, y and v of {len(labels)}")
    figures = figures.reshape(-1, _FIGURES)
    box = tuple(float(side) for side in annotation["bbox"])
    if not min(box[2:]) > 0:
        raise InputError(f"{text} has a box of {box[2]:g}×{box[3]:g}, which has no area; leave it out")
    area = float(annotation.get("area", box[2] * box[3]))
    try:
        checked = Joints(figures[:, :2], figures[:, 2].astype(int), size)
    except InputError as error:
        raise InputError(f"{text}: {error}") from error
    return Person(f"{image.stem}-{annotation['id']}", image, size, box, area, checked.values, checked.seen)
