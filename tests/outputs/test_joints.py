"""Joints: decoding of maps and of coordinates, words, drawing, files, mirroring and the comparison of two."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zoo import outputs
from zoo.errors import InputError
from zoo.outputs import OutputSpec, Tolerance
from zoo.outputs.joints import COLOURS, bones, joint_output
from zoo.outputs.sides import opposites
from zoo.tasks.landmarks import JOINTS

KIND = outputs.get("joints")
LABELS = ("nose", "left wrist", "right wrist", "left elbow", "left shoulder")
SPEC = joint_output(LABELS)
SIZE = (96, 128)  # of the picture: four times the maps' sides
TOLERANCE = Tolerance({"matched_joints": 0.9})
PLACES = np.array([[10.3, 8.2], [25.8, 4.1], [3.4, 19.6], [16.0, 12.5], [20.1, 20.9]])  # in cells


def maps(places: np.ndarray = PLACES, deviation: float = 2.0, height: float = 0.9) -> np.ndarray:
    rows, columns = np.indices((24, 32)) + 0.5
    squares = [(columns - x) ** 2 + (rows - y) ** 2 for x, y in places]
    return (height * np.exp(-np.stack(squares, axis=-1) / (2 * deviation**2))).astype(np.float32)


@pytest.mark.parametrize(("decode", "within"), [("argmax", 0.5), ("quarter", 0.25), ("soft_argmax", 0.1)])
def test_a_hill_is_found_as_nearly_as_its_decoding_can(decode: str, within: float) -> None:
    """In cells, along each side; and by less than that a plain argmax would not do."""
    spec = joint_output(LABELS, decode=decode)
    answer = KIND.decode(maps(), spec, SIZE)
    off = np.abs(answer[:, :2] / 4 - PLACES)
    assert answer.dtype == np.float32 and off.max() <= within + 1e-5
    np.testing.assert_allclose(answer[:, 2], 0.9, atol=0.06)
    larger = KIND.decode(maps(), spec, (192, 128))
    np.testing.assert_allclose(larger, answer * (1, 2, 1), rtol=1e-6)


def test_ties_edges_and_heat_beyond_its_range() -> None:
    values = np.zeros((3, 4, 2), np.float32)
    values[1, 1:3, 0] = 2.0  # two cells as hot: the first, and a quarter towards the second
    values[0, 3, 1] = -0.5
    values[..., 1] -= 1
    spec = joint_output(("a", "b"))
    answer = KIND.decode(values, spec, (3, 4))
    assert answer[0].tolist() == [1.75, 1.5, 1.0]
    values[..., 1] = np.arange(12).reshape(3, 4) / -100
    assert KIND.decode(values, spec, (3, 4))[1].tolist() == [0.5, 0.5, 0.0], "at an edge nothing is shifted"
    values[..., 1] = np.nan
    assert np.isfinite(KIND.decode(values, spec, (3, 4))[1, :2]).all()


def test_coordinates_are_shares_from_the_middle() -> None:
    raw = np.array([0, 0, -0.5, 0.5, 0.25, -0.25, 0, 0, 0, 0], np.float32)
    answer = KIND.decode(raw, SPEC, SIZE)
    assert answer[:3].tolist() == [[64, 48, 1], [0, 96, 1], [96, 24, 1]]
    assert KIND.resize(raw[None], SIZE).shape == (1, 10)


def test_it_tells_draws_and_writes(tmp_path: Path) -> None:
    answer = KIND.decode(maps(), SPEC, SIZE)
    answer[2, 2] = 0.1
    assert KIND.describe(answer, SPEC).startswith("4 of 5 joints: ") and "right wrist" not in KIND.describe(answer, SPEC)
    assert KIND.describe(answer * (1, 1, 0), SPEC) == "no joint found"
    drawn = KIND.draw(np.zeros((*SIZE, 3), np.uint8), answer, SPEC)
    nose, wrist, hidden, elbow = (tuple(np.rint(answer[place, 1::-1]).astype(int)) for place in range(4))
    assert tuple(drawn[nose]) == COLOURS[""] and tuple(drawn[wrist]) == COLOURS["left"] and not drawn[hidden].any()
    middle = tuple((np.array(wrist) + elbow) // 2)
    assert drawn[middle].any() and not drawn[tuple((np.array(nose) + elbow) // 2)].any(), "bones join what is joined"
    path = KIND.write(answer, joint_output(('a "b"', *LABELS[1:])), tmp_path / "photo")
    rows = list(csv.reader(path.read_text().splitlines()))
    assert path.name == "photo_joints.csv" and rows[0] == ["name", "x", "y", "score"] and rows[1][0] == 'a "b"'
    np.testing.assert_allclose(np.array([row[1:] for row in rows[1:]], float), answer, atol=0.006)


def test_bones_and_sides_come_of_names() -> None:
    assert bones(LABELS) == [(4, 0), (1, 3), (3, 4)] and SPEC.options["bones"] == [[4, 0], [1, 3], [3, 4]]
    assert bones([joint.replace(" ", "_") for joint in JOINTS]) == bones(JOINTS)
    assert {place for bone in bones(JOINTS) for place in bone} == set(range(17)), "no joint of a body hangs alone"
    assert bones(("corner 1", "corner 2")) == []
    assert opposites(("nose", "Left_eye", "Right_eye", "knee right", "knee left", "left", "leftover")) == (0, 2, 1, 4, 3, 5, 6)
    odd = replace(SPEC, options={"bones": [[0, 1], [0, 99]]})
    assert KIND.draw(np.zeros((*SIZE, 3), np.uint8), KIND.decode(maps(), SPEC, SIZE), odd).any()


def test_a_mirrored_picture_exchanges_sides() -> None:
    mirrored = PLACES * (-1, 1) + (32, 0)
    there = maps(mirrored[list(opposites(LABELS))])
    np.testing.assert_allclose(KIND.mirror(there[None], SPEC)[0], maps(), atol=1e-6)
    raw = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 5, 2)).astype(np.float32)
    turned = KIND.mirror(raw.reshape(1, 10), SPEC).reshape(1, 5, 2)
    np.testing.assert_array_equal(turned[0, 1], raw[0, 2] * (-1, 1))
    np.testing.assert_array_equal(KIND.mirror(turned.reshape(1, 10), SPEC), raw.reshape(1, 10))


def test_two_answers_are_compared_by_their_peaks() -> None:
    expected = maps()[None]
    same = KIND.compare(expected, expected, SPEC, TOLERANCE)
    assert same.passed and same.measures["peak_shift"] == 0 and same.measures["matched_joints"] == 1
    moved = KIND.compare(expected, np.roll(expected, 3, axis=2), SPEC, TOLERANCE)
    assert not moved.passed and moved.measures["matched_joints"] == 0
    assert moved.measures["peak_shift"] == pytest.approx(3, abs=0.5)
    cells = np.floor(PLACES) + 0.5
    two = maps(cells, height=0.9) + maps(cells[::-1], height=0.89)  # a second hill, as high but for a hundredth
    other = maps(cells, height=0.89) + maps(cells[::-1], height=0.9)
    tied = KIND.compare(two[None], other[None], SPEC, TOLERANCE)
    assert tied.passed and tied.chosen_otherwise == 4, "the middle joint is its own counterpart"
    unsure = KIND.compare(0.2 * expected, 0.1 * expected, SPEC, TOLERANCE)
    assert "matched_joints" not in unsure.measures
    raw = np.random.default_rng(0).uniform(-0.4, 0.4, (3, 10)).astype(np.float32)
    assert KIND.compare(raw, raw + 0.005, SPEC, TOLERANCE).measures["peak_shift"] == pytest.approx(0.32 * 2**0.5, rel=1e-3)
    assert not KIND.compare(raw, raw + 0.05, SPEC, TOLERANCE).passed


@pytest.mark.parametrize(
    ("raw", "spec", "says"),
    [
        (np.zeros((4, 5, 3)), SPEC, r"\(4, 5, 3\), 3 joints; there are 5 labels"),
        (np.zeros(6), SPEC, "3 joints; there are 5 labels"),
        (np.zeros(5), SPEC, "joints are maps h×w×K, or 2K coordinates"),
        (np.zeros((4, 5)), SPEC, "joints are maps"),
        (np.zeros((4, 5, 5)), replace(SPEC, options={"decode": "mean"}), "'mean'.*quarter"),
    ],
)
def test_bad_input(raw: np.ndarray, spec: OutputSpec, says: str) -> None:
    with pytest.raises(InputError, match=says):
        KIND.decode(raw, spec, SIZE)
