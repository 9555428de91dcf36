"""Classical saliency: each method on pictures where it is known what stands out, bad input, the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import says
from PIL import Image

import zoo
import zoo.data
from zoo import classical
from zoo.errors import InputError

DATA, LARGE = "scenes_saliency:count=8,size=64", "scenes_saliency:count=8"
NAMES = [name for name in classical.names() if classical.get(name).task == "saliency"]


def odd_one_out(x: int, y: int) -> np.ndarray:
    """Dark disks in rows on grey, and among them a red one that is as dark."""
    rng = np.random.default_rng(0)
    image = np.clip(rng.normal(110, 4, (180, 240, 3)), 0, 255)
    rows, columns = np.indices(image.shape[:2])
    for middle in ((column, row) for row in range(20, 180, 36) for column in range(24, 240, 48)):
        inside = (columns - middle[0]) ** 2 + (rows - middle[1]) ** 2 < 8**2
        image[inside] = (180, 30, 30) if middle == (x, y) else (80, 80, 80)
    return image.astype(np.uint8)


def hottest(heat: np.ndarray) -> tuple[int, int]:
    row, column = np.unravel_index(heat[..., 0].argmax(), heat.shape[:2])
    return int(column), int(row)


def test_all_four_are_there() -> None:
    assert NAMES == ["centre_gaussian", "itti", "mean_map", "spectral_residual"]


def lying_among_standing(x: int, y: int) -> np.ndarray:
    """Bars that stand in rows, and one that lies."""
    image = np.full((320, 400, 3), 100, np.uint8)
    for middle in ((column, row) for row in range(48, 320, 72) for column in range(56, 400, 72)):
        across, down = (24, 7) if middle == (x, y) else (7, 24)
        image[middle[1] - down : middle[1] + down, middle[0] - across : middle[0] + across] = 190
    return image


@pytest.mark.parametrize(
    ("picture", "place"),
    [(odd_one_out, (72, 56)), (odd_one_out, (168, 128)), (lying_among_standing, (128, 120))],
)
def test_itti_sees_the_odd_one_out(picture, place: tuple[int, int]) -> None:
    heat = classical.open("itti")(picture(*place))
    assert np.hypot(*np.subtract(hottest(heat), place)) < 20


def test_the_spectral_residual_sees_a_thing_on_an_even_ground() -> None:
    image = np.clip(np.random.default_rng(0).normal(110, 4, (120, 160, 3)), 0, 255).astype(np.uint8)
    image[40:52, 100:112] = 220
    x, y = hottest(classical.open("spectral_residual")(image))
    assert 92 <= x < 120 and 32 <= y < 60


def test_the_middle_is_where_it_is_and_the_mean_is_the_datas() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    heat = classical.open("centre_gaussian:spread=0.1")(image)
    assert hottest(heat) in [(x, y) for x in (31, 32) for y in (31, 32)]
    assert heat[32, 38, 0] / heat[32, 32, 0] == pytest.approx(np.exp(-0.5 * ((6.5 / 6.4) ** 2 - (0.5 / 6.4) ** 2)), abs=1e-3)
    mean = classical.open(f"mean_map:data={LARGE}")(np.zeros((128, 128, 3), np.uint8))
    densities = [sample.target.density() for sample in zoo.data.open(LARGE, "train")]
    assert np.corrcoef(mean.ravel(), np.mean(densities, axis=0).ravel())[0, 1] > 0.999


@pytest.mark.parametrize("name", ["centre_gaussian", "itti", "spectral_residual", f"mean_map:data={LARGE}"])
def test_answers_are_heat_of_any_picture(name: str) -> None:
    gaze_map, image = classical.open(name), odd_one_out(24, 20)[:97, :131]
    heat = gaze_map(image)
    assert heat.shape == (97, 131, 1) and heat.dtype == np.float32 and (heat.min(), heat.max()) == (0, 1)
    np.testing.assert_array_equal(gaze_map(image), heat)
    assert np.isfinite(gaze_map(np.full((40, 50, 3), 120, np.uint8))).all()


@pytest.mark.parametrize(
    ("spec", "says_what"),
    [
        ("centre_gaussian:spread=0", "spread=0.0"),
        ("mean_map", "mean_map:data=osie:PATH"),
        ("mean_map:data=scenes:count=8", "holds no fixations but Mask"),
        ("itti:side=4", "give 16 pixels or more"),
    ],
)
def test_bad_parameters_are_refused(spec: str, says_what: str) -> None:
    name, _, rest = spec.partition(":")
    key, _, text = rest.partition("=")
    parameters = {key: classical.get(name).read(key, text)} if key else {}
    gaze_map = classical.get(name).runner(classical.get(name), **parameters)
    with pytest.raises(InputError, match=says_what):
        gaze_map(odd_one_out(24, 20))
    with pytest.raises(InputError, match="uint8"):
        gaze_map(np.zeros((40, 40), np.uint8))
    with pytest.raises(InputError, match="parameter of itti"):
        classical.get("itti").runner(classical.get("itti"), waves=3)


def test_they_are_scored_like_networks_and_drawn(tmp_path: Path, monkeypatch, capsys) -> None:
    result = zoo.evaluate(classical.open("centre_gaussian"), zoo.data.open(DATA, "test"), progress=False)
    assert result.headline.name == "nss" and result.task.name == "saliency" and result.images == 16
    with pytest.raises(InputError, match="is for saliency"):
        zoo.evaluate(classical.open("itti"), zoo.data.open("scenes:count=8,size=64", "test"), progress=False)
    status, text, _ = says(monkeypatch, capsys, "evaluate", "centre_gaussian", "--data", DATA, "--split", "test")
    assert status == 0 and f"{result.headline.value:.4g} σ" in text
    Image.fromarray(odd_one_out(24, 20)).save(tmp_path / "photo.png")
    status, text, _ = says(monkeypatch, capsys, "predict", "itti", tmp_path / "photo.png", "--out", tmp_path / "out")
    assert status == 0 and "hottest: 1.00 at" in text
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"photo_overlay.png", "photo_heat.png"}
    status, text, _ = says(monkeypatch, capsys, "card", "spectral_residual")
    assert status == 0 and "Hou, Zhang" in text
