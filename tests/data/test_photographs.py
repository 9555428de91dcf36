"""Photographs to be enlarged or freed of noise, and films: against published figures where the pictures are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
import zoo.data
from zoo.data.datasets.photographs import FOLDERS
from zoo.data.resamplers import RESAMPLERS, matlab, opencv, pillow
from zoo.data.targets import TargetImage
from zoo.data.transforms.crops import Crops
from zoo.errors import InputError
from zoo.metrics.luma_quality import LumaQuality, luma, without_border

SIDES = {"train": [(41, 60), (50, 33)], "val": [(48, 64)], "test": [(37, 45)]}


def painted(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture of waves, with detail to lose."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((height, width))
    waves = [np.sin(x * rng.uniform(0.2, 1.5) + y * rng.uniform(0.2, 1.5) + rng.uniform(0, 6)) for _ in range(3)]
    return (127 + 90 * np.stack(waves, -1)).astype(np.uint8)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sr")
    for split, sizes in SIDES.items():
        (folder / FOLDERS[split]).mkdir()
        for number, size in enumerate(sizes):
            Image.fromarray(painted(*size, seed=number)).save(folder / FOLDERS[split] / f"p{number}.png")
    Image.fromarray(painted(37, 45)[..., 0]).save(folder / "Set14" / "p1.png")  # one of Set14 is grey
    return folder


@pytest.mark.parametrize("resampler", RESAMPLERS)
@pytest.mark.parametrize("scale", [2, 3])
def test_enlargements_are_cut_and_shrunk(photographs: Path, resampler: str, scale: int) -> None:
    data = zoo.data.open(f"sr:{photographs},scale={scale},resampler={resampler}", "test")
    assert data.task == "super_resolution" and len(data) == 2
    for sample in data:
        assert sample.image.shape == (37 // scale, 45 // scale, 3) and sample.target.scale == scale
        assert sample.target.shape == (37 // scale * scale, 45 // scale * scale, 3)
    np.testing.assert_array_equal(sample.target.values, np.repeat(sample.target.values[..., :1], 3, axis=-1))


def test_a_resampler_that_smooths_does_not_alias() -> None:
    """Stripes of one pixel are grey from afar, unless somebody picks every other one of them."""
    stripes = np.zeros((24, 24, 3), np.uint8)
    stripes[:, ::3] = 255
    grey = {name: resampler(stripes, (8, 8))[2:-2, 2:-2].astype(float) for name, resampler in RESAMPLERS.items()}
    assert abs(grey["pillow"].mean() - 85) < 8 and abs(grey["matlab"].mean() - 85) < 8
    assert abs(grey["opencv"].mean() - 85) > 30
    away = np.abs(pillow(painted(24, 36), (12, 18)).astype(int) - matlab(painted(24, 36), (12, 18)))
    assert away[3:-3, 3:-3].max() <= 1 < away.max(), "one kernel; Pillow cuts it at the edge, MATLAB mirrors the picture"
    assert opencv(stripes, (9, 8)).shape == (9, 8, 3)


def test_train_is_shown_again_and_the_others_are_not(photographs: Path) -> None:
    data = {split: zoo.data.open(f"sr:{photographs},repeat=3", split) for split in FOLDERS}
    assert [len(each) for each in data.values()] == [6, 1, 2]
    np.testing.assert_array_equal(data["train"][0].image, data["train"][4].image)
    assert data["train"].name == "sr ×2/train"


def test_noise_is_of_its_strength_and_everybodys(photographs: Path) -> None:
    val, train = (zoo.data.open(f"noise:{photographs},repeat=2", split) for split in ("val", "train"))
    assert [sample.name for sample in val] == ["p0-10", "p0-25", "p0-50"] and len(train) == 4
    flat = zoo.data.datasets.photographs.with_noise(np.full((99, 99, 3), 127, np.uint8), 25, np.random.default_rng(0))
    assert flat.astype(float).std() == pytest.approx(25, rel=0.02)
    np.testing.assert_array_equal(val[1].image, zoo.data.open(f"noise:{photographs}", "val")[1].image)
    assert (train[0].image != train[2].image).mean() > 0.5 and train[0].image.shape == (20, 30, 3)  # half its size
    np.testing.assert_array_equal(train[0].target.values, train[2].target.values)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("sr:{},scale=1", "scale=1; expected 2"),
        ("sr:{},resampler=area", "unknown resampler of sr 'area'"),
        ("sr:{},scale=50", "too few for scale=50"),
        ("sr:{},repeat=0", "repeat=0"),
        ("sr:{}/T91", "should be in"),
        ("frames:{}/nothing", "there is none"),
        ("frames:{}/Set5", "1 frames; 3 in a row"),
        ("frames:{}/Set14,frames=2", "3 in a row|frames=2"),
    ],
)
def test_what_is_wrong_is_said(photographs: Path, spec: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        zoo.data.open(spec.format(photographs), "train")[0]


# ---- Films ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    for number in range(20):
        Image.fromarray(np.full((20, 30, 3), 10 * number, np.uint8)).save(folder / f"frame{number}.png")
    return folder


def test_a_film_goes_in_order_and_is_split_by_time(film: Path) -> None:
    parts = {split: zoo.data.open(f"frames:{film}", split) for split in ("train", "val", "test")}
    assert [len(part) for part in parts.values()] == [12, 1, 1] and parts["train"].task == "video_super_resolution"
    sample = parts["train"][9]  # frame10 follows frame9
    assert sample.image.shape == (10, 15, 9) and sample.target.shape == (20, 30, 3) and sample.name == "frame00010"
    assert sample.image[0, 0, ::3].tolist() == [90, 100, 110] and sample.target.values.max() == 100
    alone = zoo.data.open(f"frames:{film},frames=1", "train")[9]
    np.testing.assert_array_equal(alone.image, sample.image[..., 3:6])
    np.testing.assert_array_equal(alone.target.values, sample.target.values)


def test_a_video_file_is_a_film(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (32, 24))
    for number in range(12):
        writer.write(np.full((24, 32, 3), (0, 0, 20 * number), np.uint8))  # BGR: ever redder
    writer.release()
    sample = zoo.data.open(f"frames:{path}", "train")[3]
    np.testing.assert_allclose(sample.image[4, 4, [0, 3, 6]].astype(int), [60, 80, 100], atol=8)
    assert sample.target.values[..., 1:].max() < 12
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(InputError, match="cannot be read as a video"):
        zoo.data.open(f"frames:{tmp_path / 'text.mp4'}", "train")


def test_scenes_go_on_moving() -> None:
    """The flow of the scene's own first step is that of its second, so that the third moment is where it leads."""
    from zoo.data.datasets.scenes.films import going_on

    data = zoo.data.open("scenes_film:count=16,size=48", "train", cache_bytes=0)
    sample, one = data[0], data.scene(0)
    assert sample.image.shape == (48, 48, 9) and sample.target.shape == (96, 96, 3)
    for layer in going_on(one.composition).layers:
        first, second, third = layer.poses
        assert third.x - second.x == pytest.approx(second.x - first.x)
        assert third.scale / second.scale == pytest.approx(second.scale / first.scale)
    frames = np.split(sample.image.astype(float), 3, axis=-1)
    assert np.abs(frames[0] - frames[2]).mean() > np.abs(frames[0] - frames[1]).mean() > 0.5


# ---- Crops ------------------------------------------------------------------------------------------------------


def test_crops_are_whole_pixels_and_noise_is_on_the_input_alone() -> None:
    large = painted(60, 80)
    small, target = large.reshape(30, 2, 40, 2, 3)[:, 0, :, 0], TargetImage(large, 2)
    for seed in range(6):
        image, cut = Crops(size=(12, 16))(small, target, np.random.default_rng(seed))
        assert image.shape == (12, 16, 3) and cut.shape == (24, 32, 3)
        # The small picture has one pixel of each block of the large one: which, depends on how both were mirrored.
        assert any(np.array_equal(image, cut.values[row::2, column::2]) for row in (0, 1) for column in (0, 1))
        noisy, same = Crops(size=(12, 16), noise=(20, 20))(small, target, np.random.default_rng(seed))
        np.testing.assert_array_equal(same.values, cut.values)
        assert 12 < np.std(noisy.astype(float) - image) < 25
    image, cut = Crops(size=(40, 50), flip=0, flip_vertical=0)(small, target, np.random.default_rng(0))
    np.testing.assert_array_equal(image[:30, :40], small)  # what is too small is padded
    np.testing.assert_array_equal(cut.values[:60, :80], large)
    with pytest.raises(InputError, match="noise"):
        Crops(noise=(3, 1))


# ---- Measures ---------------------------------------------------------------------------------------------------


def test_luma_and_its_scores_are_scikit_images() -> None:
    metrics, color = pytest.importorskip("skimage.metrics"), pytest.importorskip("skimage.color")
    truth = painted(40, 52)
    answer = np.clip(truth.astype(int) + np.random.default_rng(0).integers(-9, 10, truth.shape), 0, 255).astype(np.uint8)
    np.testing.assert_allclose(luma(truth), color.rgb2ycbcr(truth)[..., 0], atol=1e-9)
    ours, theirs = (without_border(color.rgb2ycbcr(each)[..., 0], 2) for each in (answer, truth))
    metric = LumaQuality()
    metric.update(TargetImage(truth, 2), answer)
    found = {score.name: score.value for score in metric.scores()}
    assert found["psnr"] == pytest.approx(metrics.peak_signal_noise_ratio(theirs, ours, data_range=255), abs=1e-9)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "full": True}
    # Theirs is padded beyond the edges; the paper's mean is of where the whole window lies inside.
    map_of_theirs = metrics.structural_similarity(theirs, ours, **settings)[1]
    assert found["ssim"] == pytest.approx(without_border(map_of_theirs, 5).mean(), abs=1e-6)
    with pytest.raises(InputError, match="score a network that enlarges by 2"):
        metric.update(TargetImage(truth, 2), answer[:20, :26])


@pytest.mark.parametrize(("split", "scale"), [("val", 2), ("val", 3)])
def test_bicubic_scores_what_is_published(shared: Path, split: str, scale: int) -> None:
    """Set5's figures of every table since SRCNN, 33.66 and 30.39 dB, within what rounding the small picture costs."""
    scores = {}
    for resampler in ("matlab", "opencv"):
        data = zoo.data.open(f"sr:{shared / 'data' / 'sr'},scale={scale},resampler={resampler}", split)
        metric = LumaQuality()
        for sample in data:
            metric.update(sample.target, RESAMPLERS["matlab"](sample.image, sample.target.shape[:2]))
        scores[resampler] = [score.value for score in metric.scores()]
    expected = {2: (33.66, 0.9299), 3: (30.39, 0.8682)}[scale]
    assert scores["matlab"] == pytest.approx(expected, abs=0.02)
    assert abs(scores["opencv"][0] - expected[0]) > 0.2, "pictures that alias are another question"
