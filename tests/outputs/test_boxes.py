"""Boxes: codings by their definitions, selection against plain loops, ties, words, drawing, files and the comparison of two."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zoo import outputs
from zoo.errors import InputError
from zoo.outputs import OutputSpec, Tolerance
from zoo.outputs.box_codings import candidates, exponential
from zoo.outputs.box_selection import intersection_over_union, select
from zoo.outputs.boxes import box_output

KIND = outputs.get("boxes")
SPEC = box_output(("cell", 'a "platelet"'), ((255, 0, 0), (0, 0, 255)), {"coding": "points"})
SIZE = (60, 80)


def rows_of(*things: tuple[tuple[int, int], tuple[float, ...]], grid: tuple[int, int] = (6, 8)) -> np.ndarray:
    """Points that say nothing but those at (row, column): left, top, right, bottom in cells, and log-odds."""
    rows = np.full((*grid, 6), -9.0, np.float32)
    for place, (left, top, right, bottom, *scores) in things:
        rows[place] = [*np.log([left, top, right, bottom]), *scores]
    return rows


def test_the_exponential_is_one() -> None:
    values = np.concatenate([np.linspace(-80, 80, 4001), [0.0, -0.0]])
    np.testing.assert_allclose(exponential(values), np.exp(values), rtol=4e-15)
    assert exponential(np.array([0.0, -1e9, 1e9])).tolist() == [1, exponential(-80.0), exponential(80.0)]
    assert np.isnan(exponential(np.array([np.nan])))


def test_points_say_how_far_the_edges_are() -> None:
    answer = KIND.decode(rows_of(((2, 3), (1, 0.5, 2, 1.5, 3, -9))), SPEC, SIZE)
    middle = np.array([3.5, 2.5]) * 10
    np.testing.assert_allclose(answer[0, :4], [middle[0] - 10, middle[1] - 5, middle[0] + 20, middle[1] + 15], rtol=1e-6)
    assert answer.shape == (1, 6) and answer[0, 4] == 0 and answer[0, 5] == pytest.approx(1 / (1 + math.exp(-3)))
    larger = KIND.decode(rows_of(((2, 3), (1, 0.5, 2, 1.5, 3, -9))), SPEC, (90, 240))
    np.testing.assert_allclose(larger[0, :4], answer[0, :4] * (3, 1.5, 3, 1.5), rtol=1e-6)


def test_levels_follow_each_other() -> None:
    fine, coarse = rows_of(((2, 3), (1, 1, 1, 1, 4, -9))), rows_of(((1, 1), (1, 1, 1, 1, -9, 5)), grid=(3, 4))
    flat = np.concatenate([level.reshape(-1, 6) for level in (fine, coarse)])
    spec = replace(SPEC, options={"coding": "points", "grids": [[6, 8], [3, 4]]})
    answer = KIND.decode(flat, spec, SIZE)
    np.testing.assert_allclose(answer[:, :4], [[10, 10, 50, 50], [25, 15, 45, 35]], atol=1e-4)
    assert answer[:, 4].tolist() == [1, 0]
    with pytest.raises(InputError, match="fixed input_shape"):
        KIND.decode(flat, SPEC, SIZE)
    with pytest.raises(InputError, match="have 60 rows"):
        KIND.decode(flat[:-1], spec, SIZE)


def test_anchors_are_moved_and_stretched() -> None:
    anchors, variances = [[[0.2, 0.3], [0.5, 0.4]], [[0.9, 0.8]]], (0.1, 0.1, 0.2, 0.2)
    options = {"coding": "anchors", "scores": "softmax", "grids": [[2, 3], [1, 1]], "anchors": anchors, "variances": variances}
    rows = np.random.default_rng(0).normal(size=(13, 4 + 3)).astype(np.float32)
    boxes, scores = candidates(rows, options)
    expected = []
    for level, (height, width) in enumerate(options["grids"]):
        for y in range(height):
            for x in range(width):
                for across, down in anchors[level]:
                    tx, ty, tw, th = rows[len(expected), :4].astype(float) * variances
                    cx, cy = (x + 0.5) / width + tx * across, (y + 0.5) / height + ty * down
                    w, h = across * math.exp(tw), down * math.exp(th)
                    expected.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    np.testing.assert_allclose(boxes, expected, rtol=1e-12)
    powers = np.exp(rows[:, 4:].astype(float))
    np.testing.assert_allclose(scores, (powers / powers.sum(axis=1, keepdims=True))[:, 1:], rtol=1e-12)
    with pytest.raises(InputError, match="1 levels and 2 grids"):
        candidates(rows, {**options, "anchors": anchors[:1]})


def test_cells_have_several_boxes_and_share_their_classes() -> None:
    options = {"coding": "cells", "boxes": 2, "grids": [[2, 2]]}
    rows = np.random.default_rng(0).uniform(0, 1, (2, 2, 2 * 5 + 3)).astype(np.float32)
    boxes, scores = candidates(rows.reshape(-1), options)  # as a fully connected layer gives them
    for y, x, which in np.ndindex(2, 2, 2):
        cx, cy, w, h, sure = rows[y, x, which * 5 : which * 5 + 5].astype(float)
        place, centre = (y * 2 + x) * 2 + which, ((x + cx) / 2, (y + cy) / 2)
        sides = (w**2, h**2)
        low, high = ([c + sign * side / 2 for c, side in zip(centre, sides, strict=True)] for sign in (-1, 1))
        np.testing.assert_allclose(boxes[place], [*low, *high], rtol=1e-12)
        np.testing.assert_allclose(scores[place], sure * rows[y, x, 10:].astype(float), rtol=1e-12)


def test_corners_are_taken_as_they_are() -> None:
    options = {"coding": "corners", "scores": "shares"}
    rows = np.array([[0.1, 0.2, 0.5, 0.6, 0.9, 0.0], [-1, 0.5, 9, 0.4, 1, 1]], np.float32)
    answer = KIND.decode(rows, box_output("ab", (), options), SIZE)
    np.testing.assert_allclose(answer, [[8, 12, 40, 36, 0, 0.9]], rtol=1e-6)
    for unknown in ({"coding": "polar"}, {"coding": "corners", "scores": "loud"}):
        with pytest.raises(InputError, match=r"polar|loud"):
            candidates(np.zeros((1, 6)), unknown)


def crowd(count: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Boxes over each other, whose scores are of a few values and so tie."""
    random = np.random.default_rng(seed)
    low = random.integers(0, 12, (count, 2)) / 16
    return np.concatenate([low, low + random.integers(1, 5, (count, 2)) / 16], axis=1), random.integers(0, 8, (count, 2)) / 8


def plain(boxes: np.ndarray, scores: np.ndarray, threshold: float, overlap: float) -> list[tuple[int, int]]:
    """Greedy suppression by its definition: (row, class) of what stays."""
    pairs = [(row, label) for row in range(len(boxes)) for label in range(2) if scores[row, label] >= threshold]
    pairs.sort(key=lambda pair: -scores[pair])  # stable: the first of equals stays first
    chosen: list[tuple[int, int]] = []
    for row, label in pairs:
        rivals = [other for other, kind in chosen if kind == label]
        if all(intersection_over_union(boxes[row], boxes[other]) <= overlap for other in rivals):
            chosen.append((row, label))
    return chosen


@pytest.mark.parametrize("seed", range(4))
def test_selection_is_greedy_and_of_equals_takes_the_first(seed: int) -> None:
    boxes, scores = crowd(seed=seed)
    result = select(boxes, scores, {"threshold": 0.3, "overlap": 0.4})
    assert list(zip(result.rows.tolist(), result.labels.tolist(), strict=True)) == plain(boxes, scores, 0.3, 0.4)
    first = select(boxes, scores, {"threshold": 0.3, "overlap": 0.4, "most": 5})
    assert first.rows.tolist() == result.rows[:5].tolist()
    few = select(boxes, scores, {"threshold": 0.3, "candidates": 1})
    best = np.unravel_index(scores.argmax(), scores.shape)
    assert (few.rows.tolist(), few.labels.tolist()) == ([best[0]], [best[1]])


def test_soft_suppression_lowers_scores() -> None:
    boxes = np.array([[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.4], [0.6, 0.6, 0.9, 0.9]])
    scores = np.array([[0.9, 0], [0.8, 0], [0.5, 0]])
    result = select(boxes, scores, {"soft": 0.5, "threshold": 0.1})
    fallen = 0.8 * math.exp(-(0.8**2) / 0.5)
    assert result.rows.tolist() == [0, 2, 1]
    np.testing.assert_allclose(result.scores, [0.9, 0.5, fallen], rtol=1e-12)
    assert select(boxes, scores, {"soft": 0.5, "threshold": 0.3}).rows.tolist() == [0, 2]


def test_what_is_no_number_is_no_box() -> None:
    rows = rows_of(((2, 3), (1, 1, 1, 1, 3, -9)), ((4, 4), (1, 1, 1, 1, 3, -9)))
    rows[4, 4, 4], rows[0, 0] = np.nan, -np.inf
    assert KIND.decode(rows, SPEC, SIZE)[:, 4].tolist() == [0]
    rows[0, 0] = np.inf
    assert np.isfinite(KIND.decode(rows, SPEC, SIZE)).all()
    assert KIND.decode(rows_of(), SPEC, SIZE).shape == (0, 6)


def test_it_tells_draws_and_writes(tmp_path: Path) -> None:
    rows = rows_of(((1, 1), (1, 1, 1, 1, 3, -9)), ((3, 5), (1, 1, 1, 1, -9, 2)), ((1, 5), (1, 1, 1, 1, -9, 1)))
    answer = KIND.decode(rows, SPEC, SIZE)
    assert KIND.describe(answer, SPEC) == '2 a "platelet", 1 cell'
    assert KIND.describe(answer[:0], SPEC) == "nothing found"
    drawn = KIND.draw(np.full((*SIZE, 3), 100, np.uint8), answer, SPEC)
    assert drawn[24, 6].tolist() == [255, 0, 0] and drawn[44, 46].tolist() == [0, 0, 255]
    assert drawn[20, 20].tolist() == [100, 100, 100]
    table = list(csv.reader(KIND.write(answer, SPEC, tmp_path / "photo").read_text().splitlines()))
    assert table[0] == ["class", "score", "x0", "y0", "x1", "y1"]
    assert [row[0] for row in table[1:]] == ["cell", 'a "platelet"', 'a "platelet"']
    np.testing.assert_allclose([[float(value) for value in row[2:]] for row in table[1:]], answer[:, :4], atol=0.006)


def test_two_answers_are_compared_by_their_boxes() -> None:
    rows = np.stack([rows_of(((1, 1), (1, 1, 1, 1, 3, -9)), ((3, 5), (1.5, 1, 1, 1, -9, 2)))] * 2)
    tolerance = Tolerance({"relative": 0.5, "matched_boxes": 0.9})
    same = KIND.compare(rows, rows + np.float32(1e-3), SPEC, tolerance)
    assert same.passed and same.measures["matched_boxes"] == 1
    moved = KIND.compare(rows, np.roll(rows, 3, axis=2), SPEC, tolerance)
    assert moved.passed is False and moved.measures["matched_boxes"] == 0
    lost = rows.copy()
    lost[0, 3, 5, 5] = -9
    result = KIND.compare(rows, lost, SPEC, tolerance)
    assert result.measures["matched_boxes"] == 0.75 and "matched boxes" in result.reason
    silent = KIND.compare(np.stack([rows_of()]), np.stack([rows_of()]) + np.float32(1e-3), SPEC, tolerance)
    assert "matched_boxes" not in silent.measures


def test_another_choice_between_equals_is_not_held_against_an_answer() -> None:
    """Two candidates of one thing, of nearly one score, that overlap each other by 0.65."""
    one = rows_of(((2, 3), (1, 1, 1, 1, 3.001, -9)), ((2, 4), (1.6, 1, 0.4, 1, 3.0, -9)))[None]
    other = rows_of(((2, 3), (1, 1, 1, 1, 3.0, -9)), ((2, 4), (1.6, 1, 0.4, 1, 3.001, -9)))[None]
    result = KIND.compare(one, other, SPEC, Tolerance({"matched_boxes": 1.0}))
    assert result.passed and result.chosen_otherwise == 1


def test_views_are_not_averaged_and_options_survive() -> None:
    raw = rows_of()[None]
    for put_together in (lambda: KIND.mirror(raw, SPEC), lambda: KIND.resize(raw, SIZE), lambda: KIND.poolable(raw, SPEC)):
        with pytest.raises(InputError, match="not put together"):
            put_together()
    again = OutputSpec.from_dict(SPEC.to_dict())
    assert again == SPEC and hash(again) == hash(SPEC) and again.options == {"coding": "points"}
