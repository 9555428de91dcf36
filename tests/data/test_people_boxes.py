"""People: boxes out of masks and out of COCO's annotations, in one data set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo.data.datasets.people_boxes import around
from zoo.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs in COCO's layout, one of them of nobody, and one with a mask."""
    for name in ("coco/images", "ccp/images", "ccp/masks"):
        (tmp_path / name).mkdir(parents=True)
    grey = Image.fromarray(np.full((40, 60, 3), 90, np.uint8))
    for name in ("a", "b"):
        grey.save(tmp_path / f"coco/images/{name}.jpg")
    grey.save(tmp_path / "ccp/images/0001.jpg")
    mask = np.zeros((40, 60), np.uint8)
    mask[5:35, 10:30], mask[8:10, 12:16], mask[39, 59] = 2, 1, 2  # and a stray pixel
    Image.fromarray(mask).save(tmp_path / "ccp/masks/0001.png")
    (tmp_path / "ccp/classes.txt").write_text("null\nskin\ndress\n")
    boxes = [{"bbox": [3, 4, 10, 20], "category_id": 1}, {"bbox": [0, 0, 9, 9], "category_id": 3}]
    boxes.append({"bbox": [30, 4, 20, 20], "category_id": 1, "iscrowd": 1})
    table = {
        "images": [{"id": i, "file_name": f"{name}.jpg", "height": 40, "width": 60} for i, name in ((7, "a"), (9, "b"))],
        "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}],
        "annotations": [{"id": 1 + i, "image_id": 7, "iscrowd": 0, **each} for i, each in enumerate(boxes)],
    }
    for split in ("train", "val", "test"):
        (tmp_path / f"ccp/{split}.txt").write_text("0001\n")
        (tmp_path / f"coco/instances_{split}.json").write_text(json.dumps(table))
    return tmp_path


def test_both_sources_are_one_data_set(folder: Path) -> None:
    data = zoo.data.open(f"people_boxes:{folder}", "train")
    assert len(data) == 3 and data.classes == ("person",) and data.task == "detection"
    several, nobody, one = (sample.target for sample in data)
    np.testing.assert_array_equal(several.values, [[3, 4, 13, 24], [30, 4, 50, 24]])
    assert several.ignored.tolist() == [False, True] and several.labels.tolist() == [0, 0] and len(nobody.values) == 0
    np.testing.assert_array_equal(one.values, [[10, 5, 30, 35]])
    assert data[-1].name == "0001" and data.read_as(channels=1)[2].image.shape == (40, 60, 1)
    data.check()


def test_a_mask_of_nobody_has_no_box() -> None:
    assert around(np.zeros((8, 9), bool)).values.shape == (0, 4)


def test_a_folder_without_people_is_refused(folder: Path) -> None:
    path = folder / "coco/instances_val.json"
    path.write_text(path.read_text().replace('"person"', '"dog"'))
    with pytest.raises(InputError, match="no class 'person' among its 2"):
        zoo.data.open(f"people_boxes:{folder}", "val")
