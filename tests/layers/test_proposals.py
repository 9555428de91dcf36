"""Proposals against plain loops over numbers, and torchvision's anchors, boxes and choices."""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.errors import InputError
from zoo.layers import Proposals
from zoo.layers.proposals import greedy, grid_anchors, moved

GRIDS, STRIDES, PICTURE = [(3, 4), (2, 2)], (8, 16), (24, 32)
SIDES = [[(8, 8), (12, 6)], [(20, 16)]]


@pytest.fixture(scope="module")
def torchvision() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "torchvision.npz") as file:
        return dict(file)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    width, height = (min(one[2 + axis], other[2 + axis]) - max(one[axis], other[axis]) for axis in (0, 1))
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / max(sum(areas) - shared, 1e-9)


def proposals(maps: list[np.ndarray], picture: int, count: int, before: int, least: float) -> np.ndarray:
    """Section 3.1 of the paper for one picture, a box at a time."""
    survivors = []
    for level, ((rows, columns), stride, sides) in enumerate(zip(GRIDS, STRIDES, SIDES, strict=True)):
        candidates = []
        for row, column, (index, (width, height)) in (
            (r, c, a) for r in range(rows) for c in range(columns) for a in enumerate(sides)
        ):
            score = maps[2 * level][picture, row, column, index]
            dx, dy, dw, dh = maps[2 * level + 1][picture, row, column, 4 * index : 4 * index + 4]
            x, y = (column + 0.5) * stride + dx * width, (row + 0.5) * stride + dy * height
            w, h = width * math.exp(dw), height * math.exp(dh)
            box = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]).clip(0, [32, 24, 32, 24])
            candidates.append((score, box))
        candidates = sorted(candidates, key=lambda each: -each[0])[:before]
        chosen = []
        for score, box in candidates:
            if min(box[2] - box[0], box[3] - box[1]) >= least and all(overlap(box, other) <= 0.5 for _, other in chosen):
                chosen.append((score, box))
        survivors += chosen[:count]
    best = [box for _, box in sorted(survivors, key=lambda each: -each[0])[:count]]
    return np.concatenate([np.reshape(best, (-1, 4)), np.zeros((count - len(best), 4))])


@pytest.mark.parametrize(("count", "before", "least"), [(5, 10, 2.0), (40, 100, 4.0)])
def test_they_are_the_definition(count: int, before: int, least: float) -> None:
    """Scores tie, so that the order of anchors counts."""
    generator = np.random.default_rng(0)
    maps = []
    for (rows, columns), sides in zip(GRIDS, SIDES, strict=True):
        maps.append(generator.integers(0, 6, (2, rows, columns, len(sides))).astype("float32"))
        maps.append(generator.normal(0, 0.4, (2, rows, columns, 4 * len(sides))).astype("float32"))
    layer = Proposals(SIDES, STRIDES, PICTURE, count, before, overlap=0.5, least=least)
    found = keras.ops.convert_to_numpy(layer(maps))
    expected = [proposals(maps, picture, count, before, least) for picture in (0, 1)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    again = Proposals.from_config(layer.get_config())
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again(maps)), found)


def test_anchors_boxes_and_choices_are_torchvisions(torchvision) -> None:
    # torchvision rounds the corners, half a side each.
    sides = [[(2 * round(s / math.sqrt(r) / 2), 2 * round(s * math.sqrt(r) / 2)) for r in (0.5, 1, 2) for s in (64, 128, 256)]]
    np.testing.assert_array_equal(grid_anchors([(3, 4)], [16], sides, 0.0), torchvision["rpn_anchors"])
    boxes, scores = torchvision["nms_boxes"], torchvision["nms_scores"]
    tensor = keras.ops.convert_to_tensor
    found = keras.ops.convert_to_numpy(moved(tensor(boxes[:20]), tensor(torchvision["offsets"])))
    np.testing.assert_allclose(found, torchvision["decoded"], rtol=1e-5, atol=1e-3)
    expected = np.append(torchvision["nms_keep"], [60] * 9)
    stay = greedy(tensor(boxes[None]), tensor(scores[None]), 0.5, 60)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(stay)[0], expected)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="a stride a level"):
        Proposals(SIDES, (8,), PICTURE)
    with pytest.raises(InputError, match="level 0 has 2 anchors"):
        Proposals(SIDES[:1], (8,), PICTURE)([keras.Input((3, 4, 3)), keras.Input((3, 4, 8))])
