"""Flow files against OpenCV's reader, published layouts, the figures of real pairs; and motion made of photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import zoo.data
from zoo import classical, tasks
from zoo.data import Augment, Batches, FlowField
from zoo.data.flow_files import read_flow, write_flow
from zoo.errors import InputError

RNG = np.random.default_rng(0)
# Of ../shared/data/flow: known pixels in %, the longest vector, and the mean length of the known ones.
REAL = {
    "middlebury/Dimetrodon": (95.3, 4.7, 2.06),
    "middlebury/RubberWhale": (98.4, 4.6, 1.26),
    "middlebury/Urban2": (100, 22.2, 8.39),
    "middlebury/Venus": (100, 9.4, 3.80),
    "flyingchairs/0000000": (100, 77.9, 6.05),
}


def field(height: int = 6, width: int = 9) -> FlowField:
    valid = RNG.uniform(size=(height, width)) < 0.8
    valid[0, 0], valid[-1, -1] = True, False
    return FlowField(RNG.normal(0, 30, (height, width, 2)), valid)


def pictures(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (6, 9, 3), np.uint8)).save(folder / name)


@pytest.mark.parametrize(("ending", "step"), [(".flo", 0), (".png", 1 / 128)])
def test_flow_comes_back_as_it_was_written(tmp_path: Path, ending: str, step: float) -> None:
    flow = field()
    write_flow(tmp_path / f"flow{ending}", flow)
    again = read_flow(tmp_path / f"flow{ending}")
    np.testing.assert_array_equal(again.valid, flow.valid)
    assert np.abs(again.values - flow.values)[flow.valid].max() <= step


def test_opencv_reads_what_is_written(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    flow = field()
    write_flow(tmp_path / "flow.flo", flow)
    read = cv2.readOpticalFlow(str(tmp_path / "flow.flo"))
    np.testing.assert_array_equal(read[flow.valid], flow.values[flow.valid])
    assert (np.abs(read[~flow.valid]) > 1e9).all()
    write_flow(tmp_path / "flow.png", flow)
    pixels = cv2.imread(str(tmp_path / "flow.png"), cv2.IMREAD_UNCHANGED)[..., ::-1].astype(float)  # OpenCV's is B, G, R
    np.testing.assert_array_equal(pixels[..., 2] > 0, flow.valid)
    assert np.abs((pixels[..., :2] - 2**15) / 64 - flow.values)[flow.valid].max() <= 1 / 128


def test_files_that_are_no_flow_are_named(tmp_path: Path) -> None:
    flow = field()
    with pytest.raises(InputError, match=r"\*\.flo or \*\.png"):
        write_flow(tmp_path / "flow.tif", flow)
    with pytest.raises(InputError, match="up to 512"):
        write_flow(tmp_path / "flow.png", FlowField(np.full((2, 2, 2), 600.0)))
    with pytest.raises(InputError, match="NaN"):
        write_flow(tmp_path / "flow.flo", FlowField(np.full((2, 2, 2), np.nan)))
    write_flow(tmp_path / "flow.flo", flow)
    whole = (tmp_path / "flow.flo").read_bytes()
    for data, message in ((whole[:-1], "says 9×6"), (b"JUNK" + whole[4:], "PIEH"), (b"", "PIEH")):
        (tmp_path / "broken.flo").write_bytes(data)
        with pytest.raises(InputError, match=message):
            read_flow(tmp_path / "broken.flo")
    pictures(tmp_path, "grey.png")
    with pytest.raises(InputError, match="16 bits"):
        read_flow(tmp_path / "grey.png")
    for name in ("none.flo", "none.png"):
        with pytest.raises(InputError, match="no such file"):
            read_flow(tmp_path / name)


def test_published_layouts_are_found(tmp_path: Path) -> None:
    pictures(tmp_path, "a/frame10.png", "a/frame11.png", "other-data/b/frame10.png", "other-data/b/frame11.png")
    pictures(tmp_path, "k/image_2/000001_10.png", "k/image_2/000001_11.png")
    pictures(tmp_path, "c/00001_img1.ppm", "c/00001_img2.ppm", "c/7-img0.png", "c/7-img1.png")
    flows = ("a/flow10.png", "other-gt-flow/b/flow10.flo", "k/flow_occ/000001_10.png", "c/00001_flow.flo", "c/7-gt.flo")
    for name in flows:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_flow(tmp_path / name, field())
    data = zoo.data.open(f"flow:{tmp_path}", "test")
    names = ["a", "c/00001", "c/7", "k/flow_occ/000001", "other-gt-flow/b"]
    assert [sample.name for sample in data] == names
    assert all(sample.image.shape == (6, 9, 6) and sample.target.size == (6, 9) for sample in data)
    assert tasks.get(data.task).channels(data) == 6, "what a network is given, and not a picture's"
    with pytest.raises(InputError, match=r"without lists every pair is `test`"):
        zoo.data.open(f"flow:{tmp_path}", "train")
    (tmp_path / "train.txt").write_text("k/flow_occ/000001\n")
    assert [sample.name for sample in zoo.data.open(f"flow:{tmp_path}", "train")] == ["k/flow_occ/000001"]
    (tmp_path / "a" / "frame11.png").unlink()
    with pytest.raises(InputError, match=r"no picture frame11\.\*"):
        zoo.data.open(f"flow:{tmp_path}", "test")


def test_real_pairs_have_their_published_figures(shared: Path) -> None:
    data = zoo.data.open(f"flow:{shared / 'data' / 'flow'}", "test")
    assert len(data) == 8
    scored = {sample.name: sample for sample in data}
    for name, (known, longest, mean) in REAL.items():
        flow = scored[name].target
        lengths = np.hypot(*np.moveaxis(flow.values, -1, 0))
        assert 100 * flow.valid.mean() == pytest.approx(known, abs=0.06)
        assert lengths[flow.valid].max() == pytest.approx(longest, abs=0.05)
        assert lengths[flow.valid].mean() == pytest.approx(mean, abs=0.006)
    assert residual(scored["middlebury/Venus"]) == pytest.approx(4.3, abs=0.15)


def residual(sample: zoo.data.Sample) -> float:
    """The mean difference of levels between a frame and the next one fetched by the flow."""
    first, second = (np.moveaxis(sample.image[..., 3 * i : 3 * i + 3].astype(float), -1, 0) for i in range(2))
    rows, columns = np.indices(first.shape[1:])
    down, across = rows + sample.target.values[..., 1], columns + sample.target.values[..., 0]
    fetched = np.stack([ndimage.map_coordinates(colour, [down, across], order=1) for colour in second])
    there = (down >= 0) & (down <= rows[-1, -1]) & (across >= 0) & (across <= columns[-1, -1])
    return float(np.abs(fetched - first)[:, there & sample.target.valid].mean())


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Smooth noise in colours, so that neighbours within a pixel are alike."""
    folder = tmp_path_factory.mktemp("photographs")
    for index in range(24):
        pixels = ndimage.gaussian_filter(RNG.normal(size=(120, 160, 3)), (3, 3, 0))
        Image.fromarray((128 + 40 * pixels / pixels.std()).clip(0, 255).astype(np.uint8)).save(folder / f"{index}.png")
    return folder


def test_warped_photographs_move_as_their_flow_says(photographs: Path) -> None:
    data = zoo.data.open(f"warp:{photographs},count=6,size=96x128", "train")
    for sample in data:
        first, second = sample.image[..., :3].mean(axis=-1), sample.image[..., 3:].mean(axis=-1)
        assert sample.image.shape == (96, 128, 6) and sample.target.values.std() > 0
        # What is hidden in the second frame, light and noise are left over; vectors that are wrong would leave more.
        right = residual(sample)
        turned = residual(zoo.data.Sample(sample.image, FlowField(-sample.target.values), ""))
        assert right < 16 and (right < turned or np.abs(first - second).mean() < 8)
    again = zoo.data.open(f"warp:{photographs},count=6,size=96x128", "train")
    np.testing.assert_array_equal(again[5].image, data[5].image)
    other = zoo.data.open(f"warp:{photographs},count=6,size=96x128,seed=1", "train")
    assert (other[5].image != data[5].image).any()


def test_a_warp_is_exact_where_one_layer_moves(photographs: Path) -> None:
    """The ground alone, without light and noise: what the flow fetches is what was there, but for two resamplings."""
    from zoo.data.datasets.warp import _drawn, _motion, warp

    source = warp(photographs, "train", count=1, size=(96, 128))
    ground = source._layers(np.random.default_rng(3))[:1]
    frames = np.concatenate([_drawn(ground, frame, (96, 128)) for frame in range(2)], axis=-1)
    sample = zoo.data.Sample(np.rint(frames).astype(np.uint8), FlowField(_motion(ground, (96, 128))), "")
    assert residual(sample) < 1


def test_things_move_as_far_as_they_are_told(photographs: Path) -> None:
    lengths = {}
    for farthest in (1, 64):
        data = zoo.data.open(f"warp:{photographs},count=8,size=64,farthest={farthest}", "train")
        lengths[farthest] = max(np.hypot(*np.moveaxis(sample.target.values, -1, 0)).min() for sample in data)
    assert lengths[1] < 0.25 + 1e-3 and lengths[64] > 2  # a quarter, of a frame of 64
    with pytest.raises(InputError, match="farthest=0"):
        zoo.data.open(f"warp:{photographs},farthest=0", "train")


def test_splits_of_a_warp_share_no_photograph(photographs: Path) -> None:
    from zoo.data.datasets.warp import warp

    parts = [set(warp(photographs, split).photographs) for split in ("train", "val", "test")]
    assert all(parts) and sum(map(len, parts)) == len(set.union(*parts)) == 24
    with pytest.raises(InputError, match="sides of 32 or more"):
        zoo.data.open(f"warp:{photographs},size=16", "train")


def test_augmentation_moves_the_vectors_with_the_frames(photographs: Path) -> None:
    data = zoo.data.open(f"warp:{photographs},count=4,size=96x128", "train")
    still = {"flip": 0.0, "scale": (1, 1), "brightness": 0, "contrast": 0, "saturation": 0}
    for change in ({"flip": 1.0}, {"flip_vertical": 1.0}, {"scale": (1.6, 1.6)}):
        batch, targets = Batches(data, 4, augment=Augment(**{**still, **change}), shuffle=False).batch(0, 0)
        for sample, frames, target in zip(data, batch, targets, strict=True):
            moved = zoo.data.Sample(frames.astype(np.uint8), FlowField(target[..., :2], target[..., 2] > 0), "")
            assert residual(moved) < 1.5 * residual(sample) + 2


def test_classical_methods_find_a_shift() -> None:
    pytest.importorskip("cv2")
    texture = ndimage.gaussian_filter(RNG.normal(size=(120, 160, 3)), (2, 2, 0))
    texture = (128 + 40 * texture / texture.std()).clip(0, 255).astype(np.uint8)
    frames = np.concatenate([texture[10:90, 10:130], texture[8:88, 13:133]], axis=-1)  # by (−3, 2)
    for name in ("farneback", "dis", "dis:preset=1"):
        vectors = classical.open(name)(frames)
        assert vectors.shape == (80, 120, 2) and vectors.dtype == np.float32
        np.testing.assert_allclose(np.median(vectors[12:-12, 12:-12], axis=(0, 1)), (-3, 2), atol=0.2)
    assert not classical.open("zero_flow")(frames).any()
    with pytest.raises(InputError, match="2 RGB frames"):
        classical.open("dis")(texture)
    data = zoo.data.open("scenes_flow:size=32,count=16", "test")
    evaluation = zoo.evaluate(classical.open("zero_flow"), data, progress=False)
    assert [score.name for score in evaluation.results] == ["end_point_error", "outliers", "angular_error"]
