"""Data sets of joints: puppets, whose joints are where their shapes are, and COCO's people, from files that tests write."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo.data import Augment, Batches, Joints
from zoo.data.datasets.scenes.puppet import JOINTS, LABEL, PuppetScene
from zoo.data.datasets.scenes.render import distance_from
from zoo.data.datasets.scenes_landmarks import LandmarkScenes
from zoo.errors import InputError
from zoo.metrics.joints import JointScores
from zoo.tasks.landmarks import JOINTS as COCO_JOINTS

ABOUT = 1.5  # pixels: shapes have round corners


@pytest.fixture(scope="module")
def puppets() -> list[PuppetScene]:
    scenes = LandmarkScenes(16, size=(120, 96))
    return [scenes.scene(index) for index in range(16)]


def test_a_puppets_joints_lie_on_its_shapes_and_hidden_ones_under_others(puppets: list[PuppetScene]) -> None:
    counts = {0: 0, 1: 0, 2: 0}
    for one in puppets:
        places, seen = one.joints()
        for (x, y), state in zip(places, seen, strict=True):
            counts[int(state)] += 1
            if state == 0:
                assert not (0 <= x <= 96 and 0 <= y <= 120)
                continue
            column, row = min(int(x), 95), min(int(y), 119)
            around = one.mask[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            assert state == 1 or (around == LABEL).any()
    assert counts[0] > 0 and counts[1] > 5 and counts[2] > 100


def test_limbs_join_their_joints_and_left_is_the_viewers_right(puppets: list[PuppetScene]) -> None:
    for one in puppets:
        places = dict(zip(JOINTS, one.puppet.places, strict=True))
        across = places["left shoulder"] - places["right shoulder"]
        assert across[0] > 0 and np.cross(across, places["left hip"] - places["left shoulder"]) > 0
        for joint, own in zip(JOINTS, one.puppet.own, strict=True):
            inside = distance_from(one.puppet.layers[own], 0, *places[joint]) < 0
            assert inside, joint
        area, side = one.extent()
        assert 300 < area < 0.5 * one.mask.size and one.puppet.head * 96 < side < 130


def test_a_puppet_is_the_same_each_time() -> None:
    once, again = (zoo.data.open("scenes_landmarks:count=4,size=64", "val")[1] for _ in range(2))
    np.testing.assert_array_equal(once.image, again.image)
    np.testing.assert_array_equal(once.target.values, again.target.values)
    assert once.target.opposite[1] == 2 and once.target.shape == (13, 2)


# ---- COCO's people ----------------------------------------------------------------------------------------------------


def person(number: int, picture: int = 7, **changes: Any) -> dict[str, Any]:
    """An annotation of a person in the middle of a picture of 100×80 (W×H), with nine joints in a row."""
    joints = [[30 + 2 * place, 20 + place, 2 - place % 3] for place in range(17)]
    figures = [float(figure) for joint in joints for figure in joint]
    row = {"id": number, "image_id": picture, "category_id": 1, "iscrowd": 0, "area": 500.0, "bbox": [28, 18, 36, 24]}
    return {**row, "num_keypoints": 11, "keypoints": figures, **changes}


def write_coco(folder: Path, annotations: list[dict[str, Any]], joints: tuple[str, ...] = COCO_JOINTS) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    Image.fromarray(np.full((80, 100, 3), 9, np.uint8)).save(folder / "images" / "7.png")
    names = [joint.replace(" ", "_") for joint in joints]
    table = {
        "images": [{"id": 7, "file_name": "7.png", "height": 80, "width": 100}],
        "categories": [{"id": 1, "name": "person", "keypoints": names}],
        "annotations": annotations,
    }
    (folder / "person_keypoints_train.json").write_text(json.dumps(table))
    return folder


def opened(folder: Path) -> zoo.data.Dataset:
    return zoo.data.open(f"coco_joints:{folder}", "train")


def test_each_person_is_cut_out_a_quarter_larger_and_of_the_form_of_the_paper(tmp_path: Path) -> None:
    nobody = person(1, keypoints=[0.0] * 51, num_keypoints=0)
    samples = opened(write_coco(tmp_path, [person(5), nobody, person(3, iscrowd=1)]))
    assert len(samples) == 1 and samples.classes == COCO_JOINTS and samples.task == "landmarks"
    sample = samples[0]
    assert sample.name == "7-5" and sample.image.shape == (60, 45, 3)  # 36 · 4/3 · 1.25 high
    target = sample.target
    np.testing.assert_allclose(target.values[0], [30 - (46 - 22.5), 20 - 0], atol=0.51)  # the cut begins at 23.5 across
    assert target.seen[:4].tolist() == [2, 1, 0, 2] and target.side == pytest.approx(36, rel=0.02)
    assert target.area == pytest.approx(500, rel=0.03) and target.opposite[1] == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"keypoints": [1.0] * 48}, "annotation 5 has 48 figures of joints; expected x, y and v of 17"),
        ({"keypoints": [130.0, 20.0, 2.0] * 17}, r"annotation 5: Joints: joint 0 at \(130, 20\) lies outside its picture"),
        ({"keypoints": [30.0, 20.0, 7.0] * 17}, r"annotation 5: Joints: seen=.*expected 0 \(absent\)"),
        ({"bbox": [28, 18, 0, 24]}, "annotation 5 has a box of 0×24, which has no area"),
        ({"image_id": 8}, "annotation 5 is of picture 8, which is not listed"),
        ({"keypoints": [0.0] * 51}, "nobody in this split has a joint"),
    ],
)
def test_bad_files(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        opened(write_coco(tmp_path, [person(5, **changes)]))


def test_files_that_are_missing_or_of_something_else(tmp_path: Path) -> None:
    write_coco(tmp_path, [person(5)])
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(tmp_path / "images" / "7.png")
    with pytest.raises(InputError, match=r"7.png is 50×40.*100×80; give the photograph that was annotated"):
        opened(tmp_path)[0]
    (tmp_path / "images" / "7.png").unlink()
    with pytest.raises(InputError, match=r"lists 7.png, and there is no such file"):
        opened(tmp_path)
    (tmp_path / "person_keypoints_train.json").write_text("{}")
    with pytest.raises(InputError, match="no JSON of joints"):
        opened(tmp_path)
    with pytest.raises(InputError, match=r"holds person_keypoints_val.json and images/"):
        zoo.data.open(f"coco_joints:{tmp_path}", "val")


def test_samples_of_any_size_make_batches(tmp_path: Path) -> None:
    samples = opened(write_coco(tmp_path, [person(5), person(6, bbox=[0, 0, 100, 80], area=4000.0)]))
    augment = Augment(flip=0.5, rotate=40, scale=(0.7, 1.3))
    images, targets = Batches(samples, 2, (64, 48), augment, shuffle=False)[0]
    assert images.shape == (2, 64, 48, 3) and targets.shape == (2, 17, 3)
    known = targets[..., 2] > 0
    assert known.any() and ((targets[known] >= 0) & (targets[known] <= 1)).all() and isinstance(samples[0].target, Joints)


@pytest.mark.skipif("DENSEZOO_SHARED" not in os.environ, reason="DENSEZOO_SHARED is not set")
@pytest.mark.parametrize(("split", "people"), [("val", 29), ("test", 19)])
def test_photographs_of_people(split: str, people: int) -> None:
    folder = Path(os.environ["DENSEZOO_SHARED"]) / "data" / "coco"
    samples = zoo.data.open(f"coco_joints:{folder}", split)
    table = json.loads((folder / f"person_keypoints_{split}.json").read_text())
    assert len(samples) == people and samples.classes == COCO_JOINTS
    metric, known = JointScores(samples.classes), 0
    for sample in samples:
        height, width = sample.image.shape[:2]
        assert width / height == pytest.approx(0.75, abs=0.5 / height + 0.02)
        known += int((sample.target.seen > 0).sum())
        metric.update(sample.target, np.column_stack([sample.target.values, np.ones(17)]))
    labelled = sum(each["num_keypoints"] for each in table["annotations"])
    assert labelled - known <= 0.05 * labelled, "a cut leaves out what lies far from its box"
    scores = {score.name: score.value for score in metric.scores()}
    assert scores["pck"] == scores["oks"] == scores["oks_ap"] == 1.0
