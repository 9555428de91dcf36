"""PSNR, SSIM and end-point error: against scikit-image and against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.data.targets import FlowField
from zoo.errors import InputError
from zoo.metrics.angular_error import AngularError
from zoo.metrics.endpoint_error import EndpointError
from zoo.metrics.psnr_ssim import PictureQuality, psnr, ssim

RNG = np.random.default_rng(0)


def pair(height: int = 40, width: int = 53, noise: float = 20) -> tuple[np.ndarray, np.ndarray]:
    coarse = np.kron(RNG.uniform(0, 255, (-(-height // 8), -(-width // 8), 3)), np.ones((8, 8, 1)))[:height, :width]
    return tuple(np.clip(coarse + RNG.normal(0, noise, coarse.shape), 0, 255).astype(np.uint8) for _ in "ab")


@pytest.mark.parametrize("noise", [0.5, 5, 40])
def test_psnr_and_ssim_are_scikit_images(noise: float) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    clean, noisy = pair(noise=noise)
    assert psnr(clean, noisy) == pytest.approx(metrics.peak_signal_noise_ratio(clean, noisy, data_range=255), rel=1e-12)
    paper = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "channel_axis": -1}
    assert ssim(clean, noisy) == pytest.approx(metrics.structural_similarity(clean, noisy, **paper), abs=1e-9)


def test_quality_is_the_mean_over_pictures() -> None:
    pairs = [pair(noise=noise) for noise in (3, 30)]
    whole, first, second = PictureQuality(), PictureQuality(), PictureQuality()
    for part, both in zip((first, second), pairs, strict=True):
        whole.update(*both)
        part.update(*both)
    merged = first.merge(second).scores()
    assert merged == whole.scores()
    assert merged[0].value == pytest.approx(np.mean([psnr(*both) for both in pairs])) and merged[0].unit == "dB"
    assert merged[1].value == pytest.approx(np.mean([ssim(*both) for both in pairs]))


def test_the_same_picture_is_the_best() -> None:
    clean, _ = pair()
    assert (psnr(clean, clean), ssim(clean, clean)) == (100, pytest.approx(1))
    nearly = clean.copy()
    nearly[0, 0, 0] ^= 1
    assert psnr(clean, nearly) < 100


def test_end_point_error_by_hand() -> None:
    """Of four vectors one is exact, one off by 5 px, one by 4 px of 100, and one does not count."""
    target = np.array([[(1, 0), (0, 0)], [(100, 0), (np.nan, 0)]], np.float32)
    answer = np.array([[(1, 0), (3, 4)], [(104, 0), (7, 7)]], np.float32)
    metric = EndpointError()
    metric.update(FlowField(target, np.array([[True, True], [True, False]])), answer)
    error, outliers = metric.scores()
    assert (error.value, outliers.value) == (pytest.approx(3), pytest.approx(1 / 3))  # 4 of 100 px are less than 5 %
    assert error.unit == "px" and not error.higher_is_better and not outliers.higher_is_better
    assert error.better_than(3.5) and not error.better_than(2.5)


def test_end_point_error_is_over_pixels_not_pictures() -> None:
    fields = [RNG.normal(0, 3, (size, 5, 2)).astype(np.float32) for size in (2, 9)]
    whole, first, second = EndpointError(), EndpointError(), EndpointError()
    for part, field in zip((first, second), fields, strict=True):
        whole.update(field, np.zeros_like(field))
        part.update(field, np.zeros_like(field))
    lengths = np.concatenate([np.hypot(*np.moveaxis(field, -1, 0)).ravel() for field in fields])
    assert whole.scores()[0].value == pytest.approx(lengths.mean())
    assert whole.scores()[1].value == pytest.approx((lengths > 3).mean())
    assert [score.value for score in first.merge(second).scores()] == pytest.approx([s.value for s in whole.scores()])


def test_nothing_counted_is_no_number() -> None:
    assert all(np.isnan(score.value) for metric in (EndpointError(), PictureQuality()) for score in metric.scores())


@pytest.mark.parametrize(
    ("metric", "target", "answer", "message"),
    [
        (PictureQuality(), np.zeros((16, 16, 3)), np.zeros((16, 15, 3)), "the target is of shape"),
        (PictureQuality(), np.zeros((8, 16, 3)), np.zeros((8, 16, 3)), "a window of 11×11 pixels"),
        (EndpointError(), np.zeros((4, 4, 2)), np.zeros((4, 4, 3)), "both are H×W×2"),
    ],
)
def test_what_cannot_be_compared_is_refused(metric, target, answer, message: str) -> None:
    with pytest.raises(InputError, match=message):
        metric.update(target, answer)


def test_angular_error_is_baker_and_others_equation() -> None:
    truth, answer = RNG.normal(0, 3, (2, 7, 9, 2))
    valid = RNG.uniform(size=(7, 9)) < 0.7
    metric, first, second = AngularError(), AngularError(), AngularError()
    metric.update(FlowField(truth, valid), answer)
    product = 1 + (truth * answer).sum(axis=-1)
    lengths = np.sqrt(1 + (truth**2).sum(axis=-1)) * np.sqrt(1 + (answer**2).sum(axis=-1))
    (score,) = metric.scores()
    assert score.value == pytest.approx(np.degrees(np.arccos(product / lengths))[valid].mean(), rel=1e-5)
    assert score.unit == "°" and not score.higher_is_better
    still, moved = np.zeros((1, 1, 2)), np.array([[[1.0, 0.0]]])
    first.update(still, moved)
    second.update(moved, moved)
    assert first.scores()[0].value == pytest.approx(45) and second.scores()[0].value == 0
    assert first.merge(second).scores()[0].value == pytest.approx(22.5)
    with pytest.raises(InputError, match="H×W×2"):
        metric.update(still, np.zeros((2, 1, 2)))
