"""Data of instances: 16-bit labels and ids with gaps, COCO's polygons and run lengths, and a sentence for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo.data.datasets.scenes_instances import InstanceScenes
from zoo.data.instance_files import filled, numbered, read_numbers
from zoo.data.targets import UNKNOWN
from zoo.errors import InputError
from zoo.losses.instances import outline
from zoo.outputs.run_lengths import encoded

SIZE = (40, 50)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures: objects 7, 300 and 40,000, the last two touching; and one without any."""
    for name in ("images", "instances"):
        (tmp_path / name).mkdir()
    labels = np.zeros(SIZE, np.uint16)
    labels[2:10, 3:20], labels[20:30, 5:15], labels[20:30, 15:30] = 7, 300, 40000
    for name, values in (("one", labels), ("two", np.zeros(SIZE, np.uint8))):
        Image.new("RGB", SIZE[::-1]).save(tmp_path / "images" / f"{name}.png")
        Image.fromarray(values).save(tmp_path / "instances" / f"{name}.png")
    (tmp_path / "train.txt").write_text("one\ntwo\n")
    return tmp_path


def test_labels_of_16_bits_and_ids_with_gaps(folder: Path) -> None:
    data = zoo.data.open(f"instances:{folder}", "train")
    one, two = data
    assert data.classes == ("object",) and data.task == "instance_segmentation"
    assert one.target.numbers.tolist() == [1, 2, 3] and one.target.labels.tolist() == [0, 0, 0]
    assert np.bincount(one.target.values.ravel())[1:].tolist() == [136, 100, 150]
    assert not two.target.values.any() and not len(two.target.labels)
    (folder / "classes.txt").write_text("cell\n")
    assert zoo.data.open(f"instances:{folder}", "train").classes == ("cell",)
    (folder / "classes.txt").write_text("ground\ncell\n")
    with pytest.raises(InputError, match="2 names; a label picture says nothing of classes"):
        zoo.data.open(f"instances:{folder}", "train")


def test_one_object_over_the_whole_picture() -> None:
    target = numbered(np.full((3, 4), 17))
    assert target.numbers.tolist() == [1] and (target.values == 1).all()
    assert not outline(target.values).any() and outline(np.array([[0, 1, 0, 0, 0, 0, 2]]), 2).tolist() == [[False] * 7]
    assert outline(np.array([[1, 1, 1, 1, 2, 2]]), 2).tolist() == [[False, False, True, True, True, True]]
    assert outline(np.array([[1, 0, 0, 2, 0, UNKNOWN]]), 2).tolist() == [[False, True, True, False, False, False]]


@pytest.mark.parametrize("mode", ["L", "P", "1", "I", "I;16"])
def test_label_pictures_of_every_mode(tmp_path: Path, mode: str) -> None:
    values = np.array([[0, 1], [1, 0]])
    types = {"I": np.int32, "I;16": np.uint16, "1": bool}
    picture = Image.fromarray(values.astype(types.get(mode, np.uint8)))
    if mode == "P":
        picture.putpalette([0, 0, 0, 255, 0, 0])
    assert picture.mode == mode
    picture.save(tmp_path / "labels.tiff")
    assert read_numbers(tmp_path / "labels.tiff").tolist() == values.tolist()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros((*SIZE, 3), np.uint8), "of mode RGB; a label picture was expected"),
        (np.zeros((*SIZE, 4), np.uint8), "of mode RGBA"),
        (np.zeros((50, 40), np.uint8), r"is of 40×50 pixels \(W×H\), and its image one.png of 50×40"),
        (np.zeros((20, 20), np.uint8), "is of 20×20 pixels"),
    ],
)
def test_label_pictures_that_cannot_be(folder: Path, values: np.ndarray, says: str) -> None:
    Image.fromarray(values).save(folder / "instances" / "one.png")
    with pytest.raises(InputError, match=says) as error:
        list(zoo.data.open(f"instances:{folder}", "train"))
    assert "one.png" in str(error.value)


def test_broken_and_missing_label_pictures(folder: Path, tmp_path: Path) -> None:
    (folder / "instances" / "one.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"one.png: cannot be read as a picture"):
        zoo.data.open(f"instances:{folder}", "train")
    (folder / "instances" / "one.png").unlink()
    with pytest.raises(InputError, match=r"one\.png: this image has no mask"):
        zoo.data.open(f"instances:{folder}", "train")
    with pytest.raises(InputError, match="split of instances"):
        zoo.data.open(f"instances:{folder}", "holdout")
    with pytest.raises(InputError, match="no such file"):
        read_numbers(tmp_path / "nowhere.png")


def table(*segmentations: Any, **change: Any) -> dict[str, Any]:
    rows = [
        {"id": 5 + place, "image_id": 7, "category_id": 90, "segmentation": each, **change}
        for place, each in enumerate(segmentations)
    ]
    return {
        "images": [{"id": 7, "file_name": "7.png", "width": 50, "height": 40}],
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 3, "name": "car"}],
        "annotations": rows,
    }


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    Image.new("RGB", SIZE[::-1]).save(tmp_path / "images" / "7.png")
    return tmp_path


def test_coco_has_polygons_run_lengths_and_crowds(coco: Path) -> None:
    mask = np.zeros(SIZE, bool)
    mask[30:38, 10:40] = True
    content = table([[5, 5, 25, 5, 25, 25, 5, 25]], encoded(mask), [[10, 10, 20, 10, 20, 20, 10, 20]])
    content["annotations"][1] |= {"iscrowd": 1, "category_id": 3}
    (coco / "instances_val.json").write_text(json.dumps(content))
    data = zoo.data.open(f"coco_instances:{coco}", "val")
    target = data[0].target
    assert data.classes == ("car", "toothbrush") and target.labels.tolist() == [1, 0, 1]
    assert target.ignored.tolist() == [False, True, False] and (target.classes()[mask] == UNKNOWN).all()
    assert np.bincount(target.values.ravel())[1:].tolist() == [300, 240, 100], "the smaller one is on top"
    content["annotations"] = []
    (coco / "instances_val.json").write_text(json.dumps(content))
    assert not zoo.data.open(f"coco_instances:{coco}", "val")[0].target.values.any()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (table([[1, 1, 9, 9]]), "annotation 5 of 7.png has a polygon of 2 points; expected 3 or more"),
        (table([[1, 1, 9, 9, 3]]), "no list of x, y"),
        (table([[1, 1, 9, None, 3, 3]]), "polygon"),
        (table([]), "annotation 5 has no segmentation"),
        (table(encoded(np.zeros((4, 5), bool))), r"a mask of \[4, 5\], and the picture of \[40, 50\]"),
        (table([[1, 1, 9, 9, 3, 3]], category_id=4), "category 4; one is not listed"),
        (table([[1, 1, 9, 9, 3, 3]], image_id=8), "picture 8, category 90; one is not listed"),
        ({"images": []}, "no JSON of instances"),
        ([], "no JSON of instances"),
    ],
)
def test_segmentations_that_cannot_be(coco: Path, content: Any, says: str) -> None:
    (coco / "instances_val.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=says) as error:
        zoo.data.open(f"coco_instances:{coco}", "val")
    assert "instances_val.json" in str(error.value)


def test_polygons_are_nearly_pycocotools() -> None:
    """Which pixels an edge takes, COCO decides on a grid five times as fine; here the pixel's middle does."""
    masks = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(0)
    for _ in range(20):
        angles = np.sort(random.uniform(0, 2 * np.pi, 9))
        reach = random.uniform(15, 45, 9)
        polygon = np.stack([50 + reach * np.cos(angles), 48 + reach * np.sin(angles)], axis=1)
        theirs = masks.decode(masks.frPyObjects([polygon.ravel().tolist()], 97, 101))[..., 0].astype(bool)
        ours = filled([polygon], (97, 101))
        edge = np.abs(ours.astype(int) - theirs).sum()
        around = np.hypot(*np.diff(np.vstack([polygon, polygon[:1]]), axis=0).T).sum()
        assert edge < 0.6 * around and (ours & theirs).sum() > 0.9 * theirs.sum()


def test_scenes_tell_their_things_apart() -> None:
    data = InstanceScenes(4, size=64)
    for index in range(4):
        scene, target = data.scene(index), data[index].target
        np.testing.assert_array_equal(target.classes(), scene.mask)
        assert len(target.labels) == scene.instances.max()


@pytest.mark.parametrize(("split", "pictures", "objects"), [("test", 40, 1153)])
def test_nuclei_are_counted_and_their_outlines_are_the_datas_own(shared: Path, split: str, pictures: int, objects: int) -> None:
    path = shared / "data" / "nuclei"
    if not path.is_dir():
        pytest.skip("no nuclei in the shared data")
    data = zoo.data.open(f"nuclei_instances:{path}", split)
    samples = list(data)
    assert (len(data), sum(len(sample.target.numbers) for sample in samples), data.classes) == (pictures, objects, ("nucleus",))
    for sample in samples:
        masks = np.asarray(Image.open(path / "masks" / f"{sample.name}.png"))
        np.testing.assert_array_equal(outline(sample.target.values, 2), masks == 2)


def test_cocos_own_objects_are_pycocotools(shared: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    path = shared / "data" / "coco"
    if not path.is_dir():
        pytest.skip("no COCO in the shared data")
    truth = coco.COCO(path / "instances_test.json")
    data = zoo.data.open(f"coco_instances:{path}", "test")
    shares = []
    for file, sample in zip(data.source.files, data, strict=True):
        for place, (_, _, crowd, identity) in enumerate(file.rows):
            annotation = truth.loadAnns([identity])[0]
            theirs = truth.annToMask(annotation).astype(bool)
            ours = sample.target.values == place + 1
            assert annotation["iscrowd"] == crowd == sample.target.ignored[place]
            shares.append((ours & theirs).sum() / max(ours.sum(), 1))  # ours lacks what smaller objects cover
    assert len(shares) == 200 and np.mean(shares) > 0.96
