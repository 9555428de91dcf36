"""Instances: objects side by side of your own, and nuclei."""

from __future__ import annotations

from pathlib import Path

from zoo.data.coco_files import located
from zoo.data.datasets.folder import parts_of
from zoo.data.datasets.microscopy import NUCLEI_CLASSES, NUCLEI_PALETTE
from zoo.data.folders import PARTS, need_folder, pair_up, read_lines
from zoo.data.instance_files import CocoInstances, InstanceFiles, read_coco_instances
from zoo.data.registry import dataset
from zoo.errors import InputError, unknown


@dataset("instances", spec="instances:PATH", help="images/ and instances/, label pictures of 8 or 16 bits")
def instances(path: Path, split: str) -> InstanceFiles:
    """images/ and instances/ with files of the same stems: 0 is the ground, every other value an object; gaps are allowed.

    Splits as of `folder:PATH`. The first line of classes.txt names the objects, "object" without one.
    """
    names = read_lines(path / "classes.txt") if (path / "classes.txt").is_file() else ["object"]
    if len(names) != 1:
        raise InputError(f"{path / 'classes.txt'}: {len(names)} names; a label picture says nothing of classes: give one")
    return _files(path, split, f"{path.resolve().name}/{split}", names)


@dataset("nuclei_instances", spec="nuclei_instances:PATH", help="the same nuclei, numbered one by one")
def nuclei_instances(path: Path, split: str) -> InstanceFiles:
    """Nuclei of the Data Science Bowl 2018: instances/*.png beside the pictures of `nuclei:PATH`."""
    return _files(path, split, f"nuclei_instances/{split}", NUCLEI_CLASSES[1:], NUCLEI_PALETTE[1:])


@dataset("coco_instances", spec="coco_instances:PATH", help="COCO's layout: polygons and run lengths of instances_SPLIT.json")
def coco_instances(path: Path, split: str) -> CocoInstances:
    """annotations/instances_SPLIT2017.json with SPLIT2017/, as COCO has it, or instances_SPLIT.json with images/.

    Classes are numbered in the order of their ids, which have gaps. Crowds are ignored. Where objects overlap, the smaller one
    is on top.
    """
    source, images = located(path, split, "instances", "coco_instances")
    files, classes = read_coco_instances(source, images)
    return CocoInstances(f"coco_instances/{split}", files, classes)


def _files(path: Path, split: str, name: str, classes: list[str] | tuple[str, ...], palette: tuple = ()) -> InstanceFiles:
    need_folder(path, "instances")
    images = need_folder(path / "images", "instances", "the images")
    labels = need_folder(path / "instances", "instances", "the label pictures")
    if split not in PARTS:
        raise unknown("split of instances", split, PARTS)
    pairs = []
    for part, (stems, source) in parts_of(path, images).items():
        if part in PARTS[split]:
            pairs += pair_up(images, labels, stems, source)
    return InstanceFiles(name, pairs, classes, palette or None)
