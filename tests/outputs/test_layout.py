"""Layouts and bounds: what a shape and the last operations say of an output, and what they do not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zoo import outputs
from zoo.errors import InputError
from zoo.outputs import InputSpec, OutputSpec, layout
from zoo.outputs.bounds import FREE, POSITIVE, SHARES, UNIT, Bounds, united

MAP = np.arange(2 * 3 * 4, dtype=np.float32).reshape(1, 2, 3, 4)  # N×H×W×C


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("", MAP),
        ("NHWC", MAP),
        ("NCHW", MAP.transpose(0, 3, 1, 2)),
        ("HWC", MAP[0]),
        ("CHW", MAP[0].transpose(2, 0, 1)),
        ("NPC", MAP.reshape(1, 6, 4)),
        ("NCP", MAP.reshape(1, 6, 4).transpose(0, 2, 1)),
        ("NHW1C", MAP[:, :, :, None]),
    ],
)
def test_every_layout_becomes_the_same_map(name: str, values: np.ndarray) -> None:
    np.testing.assert_array_equal(layout.arranged(values, name, (4, 6)), MAP)


def test_what_has_one_channel_or_none() -> None:
    plane = MAP[..., 0]
    np.testing.assert_array_equal(layout.arranged(plane, "NHWc"), plane[..., None])
    np.testing.assert_array_equal(layout.arranged(plane[0], "HW"), plane)
    np.testing.assert_array_equal(layout.arranged(plane[..., None], "NHW1"), plane)
    np.testing.assert_array_equal(layout.arranged(plane.reshape(1, 6), "NP", (2, 3)), plane)
    assert layout.arranged(np.float32(3), "").shape == (1,)
    with pytest.raises(InputError, match="no rows and columns"):
        layout.arranged(MAP.reshape(1, 6, 4), "NPC", (5, 5))


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((1, 32, 48, 4), (32, 48), ["NHWC"]),
        ((1, 4, 32, 48), (32, 48), ["NCHW"]),
        ((1, 9, 9, 21), (257, 257), ["NHWC"]),  # 257 / 32, rounded up
        ((1, 1, 17, 3), (192, 192), []),  # keypoints
        ((1, 1, 1, 1000), (224, 224), ["N11C"]),
        ((1, 10, 4), (300, 300), []),  # boxes
        ((1, 100, 4), (320, 320), []),  # as many boxes as ten by ten
        ((1, 1917, 91), (300, 300), []),
        ((1, 1536, 4), (32, 48), ["NPC"]),
        ((1, 4, 1536), (32, 48), ["NCP"]),
        ((1, 32, 48), (32, 48), ["NHWc"]),
        ((1, 1001), (224, 224), ["NC"]),
        ((1, 1024), (32, 32), ["NC", "NPc"]),  # a class a pixel, or as many classes as pixels
        ((1, -1, -1, 4), None, ["NHWC"]),
        ((1, 4, -1, -1), None, ["NCHW"]),
        ((-1, -1, -1, -1), None, []),
    ],
)
def test_layouts_of_scores(shape: tuple, size: tuple | None, expected: list) -> None:
    assert layout.of_scores(shape, size) == expected


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((1, 32, 48), (32, 48), ["NHW"]),
        ((1, 32, 48, 1), (32, 48), ["NHW1"]),
        ((1, 1, 32, 48), (32, 48), ["N1HW"]),
        ((32, 48), (32, 48), ["HW"]),
        ((1, 1536), (32, 48), ["NP"]),
        ((1,), (32, 48), ["N"]),
        ((1, 48, 17), (32, 48), []),
        ((1, -1, -1), None, ["NHW"]),
    ],
)
def test_layouts_of_indices(shape: tuple, size: tuple | None, expected: list) -> None:
    assert layout.of_indices(shape, size) == expected


def test_bounds_say_the_activation() -> None:
    assert FREE.activation(4) == "linear" and FREE.scaled(0.4).activation(1) == "linear"
    assert UNIT.activation(1) == "sigmoid" and UNIT.activation(4) == "sigmoid"
    assert SHARES.activation(4) == "softmax" and SHARES.activation(1) == "sigmoid"
    assert SHARES.plus(SHARES).scaled(0.5).activation(4) == "softmax"
    assert SHARES.mixed().activation(4) == "sigmoid" and UNIT.scaled(-1, 1).activation(1) == "sigmoid"
    assert Bounds(0, 6).scaled(1 / 6).activation(1) == "sigmoid"
    assert FREE.times(UNIT).free and united([UNIT, UNIT]).activation(2) == "sigmoid"
    for unclear in (POSITIVE, UNIT.scaled(255), UNIT.scaled(2, -1), UNIT.scaled(0.5), UNIT.plus(UNIT), FREE.cut(0, math.inf)):
        assert unclear.activation(1) is None and unclear.activation(4) is None


def test_layouts_survive_saving() -> None:
    image, spec = InputSpec(layout="NCHW"), OutputSpec("class_scores", layout="NPC")
    assert InputSpec.from_dict(image.to_dict()) == image and OutputSpec.from_dict(spec.to_dict()) == spec
    assert "layout" not in InputSpec().to_dict() | OutputSpec("class_map").to_dict()


def test_class_maps_refuse_what_is_no_class(tmp_path) -> None:
    kind, spec = outputs.get("class_map"), OutputSpec("class_map", activation="argmax")
    assert kind.decode(np.float32([[0, 3]]), spec, (1, 2)).tolist() == [[0, 3]]
    for values, message in ((np.float32([[0.5]]), "fractions"), (np.int64([[300]]), "300"), (np.int32([[-1]]), "-1")):
        with pytest.raises(InputError, match=message):
            kind.decode(values, spec, (1, 1))
    answer = np.uint8([[0, 7]])  # of a map without names
    assert kind.describe(answer, spec) == "class 0 50.0 %, class 7 50.0 %"
    assert kind.draw(np.zeros((1, 2, 3), np.uint8), answer, spec).any()
    assert kind.write(answer, spec, tmp_path / "a").exists()


def test_numbers_are_no_answer() -> None:
    with pytest.raises(InputError, match=r"output=.*labels= and input_range= \(--output"):
        outputs.get("numbers").decode(np.zeros((3, 4)), OutputSpec("numbers"), (3, 4))


@pytest.mark.parametrize(
    ("values", "activation", "message"),
    [
        ([[0.2, 0.8], [0.7, 0.3]], "linear", "add up to 1"),
        ([[0.2, 0.9]], "softmax", "do not add up"),
        ([[0.2, 1.9]], "sigmoid", "from 0.2 to 1.9"),
        ([[0.2, 0.8]], "softmax", ""),
        ([[0.2, 1.9]], "linear", ""),
    ],
)
def test_values_that_contradict_their_name(values: list, activation: str, message: str) -> None:
    spec = OutputSpec("class_scores", channels=2, activation=activation)
    assert message in outputs.kind(spec).contradiction(np.float32(values), spec)
    assert bool(outputs.kind(spec).contradiction(np.float32(values), spec)) == bool(message)
