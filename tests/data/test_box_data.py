"""Data sets of boxes: counts of real ones, VOC's corners, COCO's ids, and a sentence for what cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo.data.box_files import BoxDataset
from zoo.data.datasets.coco import coco
from zoo.data.datasets.scenes_boxes import BoxScenes
from zoo.data.datasets.voc_boxes import bccd, raccoon
from zoo.errors import InputError

THING = "<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{box}</bndbox></object>"


def corners(*edges: float) -> str:
    return "".join(f"<{tag}>{edge}</{tag}>" for tag, edge in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True))


def annotation(*things: str, file: str = "one.jpg", size: tuple[int, int] = (60, 80)) -> str:
    sides = f"<size><width>{size[1]}</width><height>{size[0]}</height></size>"
    return f"<annotation><filename>{file}</filename>{sides}{''.join(things)}</annotation>"


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """A year's folder of two pictures, one of them empty."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("one", "two"):
        Image.new("RGB", (80, 60)).save(tmp_path / "JPEGImages" / f"{name}.jpg")
    cat = THING.format(name="cat", difficult=0, box=corners(1, 1, 10, 20.5))
    dog = THING.format(name="dog", difficult=1, box=corners(11, 21, 80, 60))
    (tmp_path / "Annotations" / "one.xml").write_text(annotation(cat, dog))
    (tmp_path / "Annotations" / "two.xml").write_text(annotation(file="two.jpg"))
    (tmp_path / "ImageSets" / "Main" / "train.txt").write_text("one\ntwo\n")
    return tmp_path


def test_voc_counts_pixels_from_one_and_includes_the_last(voc: Path) -> None:
    one, two = zoo.data.open(f"voc_boxes:{voc}", "train")
    np.testing.assert_allclose(one.target.values, [[0, 0, 10, 20.5], [10, 20, 80, 60]])
    data = zoo.data.open(f"voc_boxes:{voc}", "train")
    assert [data.classes[label] for label in one.target.labels] == ["cat", "dog"] and len(data.classes) == 20
    assert one.target.ignored.tolist() == [False, True] and not len(two.target.values)
    (voc / "ImageSets" / "Main" / "cat_train.txt").write_text("one  1\ntwo -1\n")
    assert len(zoo.data.open(f"voc_boxes:{voc}", "cat_train")) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (annotation(THING.format(name="cat", difficult=0, box=corners(60, 1, 99, 20))), "reaches beyond its 80×60 pixels"),
        (annotation(THING.format(name="cat", difficult=0, box=corners(6, 1, 5, 20))), "has no area"),
        (annotation(THING.format(name="cat", difficult=0, box=corners(30, 1, 5, 20))), "ends before it begins"),
        (annotation(THING.format(name="unicorn", difficult=0, box=corners(1, 1, 5, 20))), "'unicorn', which is no class of"),
        (annotation(THING.format(name="cat", difficult=0, box=corners(1, 1, 5, "ten"))), "ymax='ten'; expected a number"),
        (annotation(THING.format(name="cat", difficult=0, box="")), "xmin=None; expected a number"),
        (annotation(file="other.jpg"), "is the annotation of other.jpg, not of one.jpg"),
        (annotation(size=(600, 800)), "of a picture of 800×600 .* before it was resized"),
        (annotation()[:-5], "no XML of boxes"),
    ],
)
def test_what_cannot_be_gets_a_sentence(voc: Path, text: str, message: str) -> None:
    (voc / "Annotations" / "one.xml").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        zoo.data.open(f"voc_boxes:{voc}", "train")
    assert "one.xml" in str(error.value)


@pytest.mark.parametrize("name", ["voc", "voc_boxes"])
def test_the_folder_of_all_years_names_the_year_s_own(tmp_path: Path, name: str) -> None:
    year = tmp_path / "VOCdevkit" / "VOC2007"
    (year / "JPEGImages").mkdir(parents=True)
    with pytest.raises(InputError, match=rf"holds several things; .* {name}:{year}"):
        zoo.data.open(f"{name}:{tmp_path}", "train")


def test_lists_and_splits_that_do_not_fit(voc: Path) -> None:
    with pytest.raises(InputError, match="split of voc_boxes"):
        zoo.data.open(f"voc_boxes:{voc}", "test")
    (voc / "Annotations" / "two.xml").unlink()
    with pytest.raises(InputError, match="lists 'two', and there is none"):
        zoo.data.open(f"voc_boxes:{voc}", "train")


def test_coco_has_ids_with_gaps_and_crowds(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (80, 60)).save(tmp_path / "images" / "7.jpg")
    table = {
        "images": [{"id": 7, "file_name": "7.jpg", "width": 80, "height": 60}],
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 3, "name": "car"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 90, "bbox": [10, 20, 30.5, 40], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 3, "bbox": [0, 0, 80, 60], "iscrowd": 1},
        ],
    }
    source = tmp_path / "instances_val.json"
    source.write_text(json.dumps(table))
    data = zoo.data.open(f"coco:{tmp_path}", "val")
    assert data.classes == ("car", "toothbrush") and data[0].target.labels.tolist() == [1, 0]
    np.testing.assert_allclose(data[0].target.values, [[10, 20, 40.5, 60], [0, 0, 80, 60]])
    assert data[0].target.ignored.tolist() == [False, True]
    for change, message in [({"category_id": 4}, "category 4, which is not listed"), ({"image_id": 8}, "picture 8, which")]:
        table["annotations"][1] |= change
        source.write_text(json.dumps(table))
        with pytest.raises(InputError, match=message):
            zoo.data.open(f"coco:{tmp_path}", "val")
    source.write_text("[]")
    with pytest.raises(InputError, match="no JSON of instances"):
        zoo.data.open(f"coco:{tmp_path}", "val")


def test_scenes_have_a_box_around_each_thing() -> None:
    data = BoxScenes(4, size=64)
    for index in range(4):
        sample, mask = data[index], data.scene(index).mask
        for (x0, y0, x1, y1), label in zip(sample.target.values.astype(int), sample.target.labels, strict=True):
            part = mask[y0:y1, x0:x1] == label + 1
            assert part.any(axis=0)[[0, -1]].all() and part.any(axis=1)[[0, -1]].all()


@pytest.mark.parametrize(
    ("reader", "folder", "split", "boxes", "pictures"),
    [
        (bccd, "data/detection/bccd", "train_published", 2804, 205),
        (bccd, "data/detection/bccd", "train", 2664, 195),
        (bccd, "data/detection/bccd", "test", 945, 72),
        (raccoon, "data/detection/raccoon", "val", 32, 30),
        (coco, "data/coco", "test", 200, 28),
    ],
)
def test_real_data_are_counted(
    shared: Path, reader: Callable[[Path, str], BoxDataset], folder: str, split: str, boxes: int, pictures: int
) -> None:
    data = reader(shared / folder, split)
    assert (sum(len(file.labels) for file in data.files), len(data)) == (boxes, pictures)
