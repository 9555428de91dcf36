"""COCO: everyday photographs with boxes around things of eighty kinds."""

from __future__ import annotations

from pathlib import Path

from zoo.data.box_files import BoxDataset, read_coco
from zoo.data.coco_files import located
from zoo.data.registry import dataset


@dataset("coco", spec="coco:PATH", help="COCO's layout: boxes of instances_SPLIT.json")
def coco(path: Path, split: str) -> BoxDataset:
    """annotations/instances_SPLIT2017.json with SPLIT2017/, as COCO has it, or instances_SPLIT.json with images/.

    Classes are numbered in the order of their ids, which have gaps. Crowds are ignored.
    """
    source, images = located(path, split, "instances", "coco")
    files, classes = read_coco(source, images)
    return BoxDataset(f"coco/{split}", files, classes)
