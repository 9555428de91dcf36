"""Selective search: likenesses and hierarchies by hand, recall on scenes, bad input, the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from command import says

import zoo
from zoo import classical
from zoo.classical import selective_search
from zoo.errors import InputError

FIRST = np.repeat([[0, 0, 1, 1, 2, 2, 2, 2]], 4, axis=0)  # three regions side by side, of 8, 8 and 16 pixels
ALIKE = {"colour": np.array([[1.0, 0.0], [0.75, 0.25], [0.0, 1.0]])}


def test_what_is_most_alike_joins_first() -> None:
    boxes = selective_search.hierarchy(FIRST, ALIKE, ("colour",))
    assert boxes.tolist() == [[0, 0, 2, 4], [2, 0, 4, 4], [4, 0, 8, 4], [0, 0, 4, 4], [0, 0, 8, 4]]
    other = {"colour": ALIKE["colour"][::-1]}
    assert selective_search.hierarchy(FIRST, other, ("colour",))[3].tolist() == [2, 0, 8, 4]


def test_regions_that_do_not_touch_join_only_through_others() -> None:
    same = {"colour": np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])}  # the outer two are alike
    boxes = selective_search.hierarchy(FIRST, same, ("colour",))
    assert boxes[3].tolist() != [0, 0, 8, 4] and boxes[4].tolist() == [0, 0, 8, 4]


def test_the_likenesses_are_the_paper_s() -> None:
    regions = selective_search._grown(FIRST, {"colour": ALIKE["colour"]})
    both = np.array([1, 2])
    assert regions.likeness(0, both, ("colour",), 32).tolist() == [0.75, 0.0]
    assert regions.likeness(0, both, ("size",), 32).tolist() == [1 - 16 / 32, 1 - 24 / 32]
    assert regions.likeness(0, both, ("fill",), 32).tolist() == [1.0, 1 - 8 / 32]  # the box of 0 and 2 holds region 1
    regions.join(0, 1, 3)
    assert regions.sizes[3] == 16 and regions.histograms["colour"][3].tolist() == [0.875, 0.125]


def test_more_strategies_give_more_boxes_each_once() -> None:
    scene = zoo.data.open("scenes_boxes:count=2,size=64x64", "test")[1]
    counts = []
    for strategies in ("single", "fast"):
        answer = classical.open(f"selective_search:strategies={strategies}")(scene.image)
        counts.append(len(answer))
        assert answer.shape[1] == 6 and answer.dtype == np.float32 and len(np.unique(answer[:, :4], axis=0)) == len(answer)
        assert (np.diff(answer[:, 5]) < 0).all() and (answer[:, 4] == 0).all()
        assert (answer[:, :2] >= 0).all() and (answer[:, 2:4] <= 64).all() and (answer[:, :2] < answer[:, 2:4]).all()
    assert counts[1] > 2 * counts[0]


def test_the_same_picture_gives_the_same_boxes_at_its_own_size() -> None:
    image = zoo.data.open("scenes_boxes:count=1,size=96x64", "test")[0].image
    search = classical.open("selective_search:strategies=single,most=9")
    np.testing.assert_array_equal(search(image), search(image))
    large = image.repeat(3, axis=0).repeat(3, axis=1)
    again = classical.open("selective_search:strategies=single,most=9,side=96")(large)
    np.testing.assert_allclose(again[:, :4], 3 * search(image)[:, :4], atol=1e-3)
    assert len(again) == 9


def test_it_finds_what_is_in_scenes() -> None:
    data = zoo.data.open("scenes_boxes:count=12,size=64x64", "test")
    scores = zoo.evaluate(classical.open("selective_search"), data, limit=12, progress=False).scores
    assert scores["recall_50"] >= 0.95 and scores["ar"] >= 0.85


def test_a_picture_of_one_colour_is_one_region() -> None:
    flat = np.full((40, 50, 3), 120, np.uint8)
    assert classical.open("selective_search:strategies=single")(flat)[:, :4].tolist() == [[0, 0, 50, 40]]


def test_bad_parameters_get_a_sentence() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    for text, said in (("strategies=slow", "fast, quality, single"), ("least=0", "least=0"), ("most=-1", "most=-1")):
        with pytest.raises(InputError, match=said):
            classical.open(f"selective_search:{text}")(image)
    with pytest.raises(InputError, match="for proposals"):
        zoo.evaluate(classical.open("selective_search"), zoo.data.open("scenes:count=1", "test"), progress=False)


def test_the_command_line_says_recall_by_number_of_proposals(tmp_path: Path, monkeypatch, capsys) -> None:
    data, path = "scenes_boxes:count=2,size=64x64", tmp_path / "a.json"
    status, said, _ = says(
        monkeypatch, capsys, "evaluate", "selective_search:strategies=single", "--data", data, "--limit", 2, "--out", path
    )
    assert status == 0 and "recall 50" in said
    facts = json.loads(path.read_text())
    assert facts["task"] == "proposals" and [row["proposals"] for row in facts["classes"]] == facts["counts"]


@pytest.mark.skipif("DENSEZOO_SHARED" not in os.environ, reason="needs DENSEZOO_SHARED, with data/coco")
def test_recall_on_photographs_grows_with_the_strategies() -> None:
    data = zoo.data.open(f"coco:{os.environ['DENSEZOO_SHARED']}/data/coco", "test")
    recalls = []
    for strategies in ("single", "fast"):
        search = classical.open(f"selective_search:strategies={strategies}")
        recalls.append(zoo.evaluate(search, data, limit=3, progress=False).scores["ar"])
    assert recalls[1] > recalls[0] + 0.05 and recalls[1] > 0.6, recalls
