"""Heat maps: decoding, places, drawing, files and the comparison of two; one map, and one a name."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import outputs
from zoo.errors import InputError
from zoo.outputs import OutputSpec, Tolerance
from zoo.outputs.heatmap import heat_output

KIND = outputs.get("heatmap")
ONE = heat_output()
JOINTS = heat_output(("nose", 'left "hand"'), ((255, 0, 0), (0, 0, 255)))
PICTURE = np.full((30, 40, 3), 100, np.uint8)


def hill(x: float, y: float, top: float = 4.0, size: tuple[int, int] = (30, 40)) -> np.ndarray:
    """Log-odds with one peak."""
    rows, columns = np.indices(size)
    return top - ((columns - x) ** 2 + (rows - y) ** 2) / 20


def test_log_odds_become_heat_at_the_pictures_size() -> None:
    raw = hill(12, 7)[..., None].astype(np.float32)
    answer = KIND.decode(raw, ONE, (30, 40))
    np.testing.assert_allclose(answer, 1 / (1 + np.exp(-raw.astype(np.float64))), atol=1e-6)
    assert KIND.decode(raw, ONE, (61, 83)).shape == (61, 83, 1)
    behind_sigmoid = replace(ONE, activation="sigmoid")
    np.testing.assert_array_equal(KIND.decode(answer, behind_sigmoid, (30, 40)), answer)
    extremes = KIND.decode(np.array([[[-1e4], [0], [1e4]]], np.float32), ONE, (1, 3))
    assert extremes.ravel().tolist() == [0, 0.5, 1]


def test_it_tells_draws_and_writes_one_map(tmp_path: Path) -> None:
    answer = KIND.decode(hill(12, 7)[..., None], ONE, (30, 40))
    assert KIND.describe(answer, ONE) == "hottest: 0.98 at 12, 7"
    drawn = KIND.draw(PICTURE, answer, ONE).astype(int)
    assert np.abs(drawn[7, 12] - (0.15 * 100 + 0.85 * np.array([252, 255, 164]))).max() <= 1
    assert (drawn[29, 39] == 100).all(), "what is cold is clear"
    path = KIND.write(answer, ONE, tmp_path / "photo")
    assert path.name == "photo_heat.png"
    grey = np.asarray(Image.open(path))
    np.testing.assert_allclose(grey / 255, answer[..., 0] / answer.max(), atol=0.002)
    assert not KIND.draw(PICTURE, np.zeros((30, 40, 1), np.float32), ONE).std()


def test_named_maps_have_places_and_colours_of_their_own(tmp_path: Path) -> None:
    raw = np.dstack([hill(12, 7, 2), hill(30, 20)])
    answer = KIND.decode(raw, JOINTS, (30, 40))
    assert KIND.describe(answer, JOINTS) == 'hottest: left "hand" 0.98 at 30, 20; nose 0.88 at 12, 7'
    drawn = KIND.draw(np.zeros_like(PICTURE), answer, JOINTS)
    assert drawn[7, 12, 0] > 180 > 20 > drawn[7, 12, 2] and drawn[20, 30, 2] > 200 > 20 > drawn[20, 30, 0]
    rows = list(csv.reader(KIND.write(answer, JOINTS, tmp_path / "photo").read_text().splitlines()))
    assert [row[:3] for row in rows] == [["name", "x", "y"], ["nose", "12", "7"], ['left "hand"', "30", "20"]]
    with pytest.raises(InputError, match="h×w×2, one map a label"):
        KIND.decode(raw[..., :1], JOINTS, (30, 40))


def test_two_maps_are_compared_by_correlation() -> None:
    one, other = (np.stack([hill(x, 7)[..., None]] * 2) for x in (12, 14))
    tolerance = Tolerance({"relative": 0.1, "correlation": 0.99})
    same = KIND.compare(one, one + 1e-3, ONE, tolerance)
    assert same.passed and same.measures["correlation"] > 0.9999
    heat = [1 / (1 + np.exp(-values[0, ..., 0])) for values in (one, other)]
    moved = KIND.compare(one, other, ONE, tolerance)
    assert moved.measures["correlation"] == pytest.approx(np.corrcoef(heat[0].ravel(), heat[1].ravel())[0, 1], abs=1e-6)
    assert moved.passed is False and "correlation" in moved.reason
    flat = np.zeros_like(one)
    assert KIND.compare(flat, flat, ONE, tolerance).passed is None, "a constant answer proves little"


def test_views_are_averaged_as_heat() -> None:
    raw = hill(12, 7)[None, ..., None]
    pooled = KIND.pooled_spec(ONE)
    assert pooled.activation == "sigmoid" and pooled == OutputSpec.from_dict(pooled.to_dict())
    np.testing.assert_allclose(KIND.decode(KIND.poolable(raw, ONE)[0], pooled, (30, 40)), KIND.decode(raw[0], ONE, (30, 40)))
    np.testing.assert_array_equal(KIND.mirror(raw, ONE), raw[:, :, ::-1])
