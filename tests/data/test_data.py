"""Readers of datasets on disk: what they read, and what they say of what cannot be read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo.data.cache import CachedDataset
from zoo.data.image_files import read_mask
from zoo.errors import InputError
from zoo.outputs.palettes import CAMVID, voc_palette

RNG = np.random.default_rng(0)


def picture(path: Path, size: tuple[int, int] = (8, 10), **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (*size, 3), np.uint8)).save(path, **options)
    return path


def mask(path: Path, size: tuple[int, int] = (8, 10), top: int = 2, mode: str = "L", values: object = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.arange(size[0] * size[1]).reshape(size) % (top + 1) if values is None else np.broadcast_to(values, size)
    one = Image.fromarray(values.astype(np.uint8))
    if mode == "P":
        one.putpalette(np.array(voc_palette(256), np.uint8).ravel().tolist())
    one.save(path)
    return path


def make_folder(root: Path, count: int = 5, classes: str | None = "a\nb\nc\n") -> Path:
    for index in range(count):
        picture(root / "images" / f"{index:02d}.jpg")
        mask(root / "masks" / f"{index:02d}.png")
    if classes:
        (root / "classes.txt").write_text(classes)
    return root


def make_voc(root: Path) -> Path:
    for stem in ("2007_000032", "2007_000039", "2008_000001"):
        picture(root / "JPEGImages" / f"{stem}.jpg")
        values = np.full((8, 10), 20)
        values[:, 5:], values[0] = 3, 255
        mask(root / "SegmentationClass" / f"{stem}.png", mode="P", values=values)
    picture(root / "JPEGImages" / "2009_000009.jpg")  # VOC has pictures without a mask: only lists count
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_000032\n2007_000039\n")
    (lists / "val.txt").write_text("2008_000001\n\n")
    return root


def make_camvid(root: Path, suffix: str = ".png") -> Path:
    for split, count in (("train", 3), ("val", 2), ("test", 1)):
        for index in range(count):
            picture(root / split / f"{split}{index}{suffix}")
            mask(root / f"{split}annot" / f"{split}{index}.png", top=11)
    return root


# ---- What is read -----------------------------------------------------------------------------------------------


def test_voc(tmp_path: Path):
    train, val = (
        zoo.data.open(f"voc:{make_voc(tmp_path) if split == 'train' else tmp_path}", split)
        for split in ("train", "val")
    )
    assert (len(train), len(val), train.ignore) == (2, 1, 255)
    assert len(train.classes) == len(train.palette) == 21 and train.classes[20] == "tvmonitor"
    image, mask, name = train[1]
    target = mask.values
    assert name == "2007_000039" and image.shape == (8, 10, 3) and image.dtype == target.dtype == np.uint8
    assert set(np.unique(target)) == {3, 20, 255} and (target[0] == 255).all()
    np.testing.assert_array_equal(image, np.array(Image.open(tmp_path / "JPEGImages" / "2007_000039.jpg")))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_camvid_layout(tmp_path: Path, suffix: str):
    make_camvid(tmp_path, suffix)
    sizes = {split: len(zoo.data.open(f"camvid:{tmp_path}", split)) for split in ("train", "val", "test", "trainval")}
    assert sizes == {"train": 3, "val": 2, "test": 1, "trainval": 5}
    dataset = zoo.data.open(f"camvid:{tmp_path}")
    assert dataset.classes[0] == "sky" and len(dataset.classes) == 11
    assert dataset.ignore == 11 and dataset.palette == CAMVID
    assert dataset[0].target.values.max() == 11


def test_folder_with_lists(tmp_path: Path):
    make_folder(tmp_path)
    (tmp_path / "train.txt").write_text("03\n01\n")
    (tmp_path / "val.txt").write_text("00\n")
    dataset = zoo.data.open(f"folder:{tmp_path}")
    assert [sample.name for sample in dataset] == ["03", "01"] and dataset.classes == ("a", "b", "c")
    assert [sample.name for sample in zoo.data.open(f"folder:{tmp_path}", "trainval")] == ["03", "01", "00"]


def test_folder_without_lists_is_split_once_and_for_all(tmp_path: Path):
    make_folder(tmp_path, 30)
    stems = {
        split: [one.name for one in zoo.data.open(f"folder:{tmp_path}", split)] for split in ("train", "val", "test")
    }
    assert [len(names) for names in stems.values()] == [24, 3, 3]
    assert sorted(stem for names in stems.values() for stem in names) == [f"{index:02d}" for index in range(30)]
    assert stems["val"] == ["03", "07", "08"], "by SHA-256 of the stem, so the same on every machine"


def test_folder_counts_its_classes_where_nobody_names_them(tmp_path: Path):
    dataset = zoo.data.open(f"folder:{make_folder(tmp_path, classes=None)}")
    assert dataset.classes == ("class0", "class1", "class2") and dataset.ignore == 255


@pytest.mark.parametrize("classes", [None, "rest\nthing\n"])
def test_folder_of_black_and_white_masks(tmp_path: Path, classes: str | None):
    make_folder(tmp_path, classes=classes)
    for path in (tmp_path / "masks").iterdir():
        mask(path, values=np.arange(10) % 2 * 255)
    dataset = zoo.data.open(f"folder:{tmp_path}")
    assert dataset.classes == (("rest", "thing") if classes else ("background", "foreground"))
    assert dataset.ignore is None and set(np.unique(dataset[0].target)) == {0, 1}


def test_two_classes_with_ignored_pixels_are_not_black_and_white(tmp_path: Path):
    make_folder(tmp_path, classes="rest\nthing\n")
    for path in (tmp_path / "masks").iterdir():
        mask(path, values=np.array([0, 1, 255, 0, 1, 255, 0, 1, 255, 0]))
    dataset = zoo.data.open(f"folder:{tmp_path}")
    assert dataset.ignore == 255 and set(np.unique(dataset[0].target)) == {0, 1, 255}


def test_kept_samples_are_read_once_and_only_within_the_limit(tmp_path: Path):
    make_folder(tmp_path, 12)
    size = 8 * 10 * 4
    dataset = zoo.data.open(f"folder:{tmp_path}", cache_bytes=3 * size)
    first = [dataset[index] for index in range(5)]
    assert isinstance(dataset, CachedDataset) and dataset.used == 3 * size
    again = [dataset[index] for index in range(5)]
    assert [one is two for one, two in zip(first, again, strict=True)] == [True] * 3 + [False] * 2
    with pytest.raises(ValueError, match="read-only"):
        first[0].image[:] = 0
    assert not isinstance(zoo.data.open(f"folder:{tmp_path}", cache_bytes=0), CachedDataset)


# ---- Real data --------------------------------------------------------------------------------------------------


def test_camvid_itself(shared: Path):
    path = shared / "data" / "camvid"
    if not path.is_dir():
        pytest.skip("no camvid in the shared data")
    sizes = {split: len(zoo.data.open(f"camvid:{path}", split)) for split in ("train", "val", "test")}
    assert sizes == {"train": 367, "val": 101, "test": 233}
    dataset = zoo.data.open(f"camvid:{path}", "test")
    assert dataset.classes[3] == "road" and len(dataset.classes) == 11 and dataset.ignore == 11
    for index in range(0, 233, 60):
        image, target, _ = dataset[index]
        assert image.shape == (360, 480, 3) and set(np.unique(target)) <= set(range(12))
    assert (dataset[0].target.values[-60:] == 3).mean() > 0.5, "the lowest rows of a street scene are road"


@pytest.mark.parametrize(("name", "classes", "sizes"), [("ccp", 59, (804, 100, 100)), ("nuclei", 3, (320, 40, 40))])
def test_real_folders(shared: Path, name: str, classes: int, sizes: tuple[int, ...]):
    path = shared / "data" / name
    if not path.is_dir():
        pytest.skip(f"no {name} in the shared data")
    for split, count in zip(("train", "val", "test"), sizes, strict=True):
        dataset = zoo.data.open(f"folder:{path}", split)
        assert len(dataset) == count and len(dataset.classes) == classes
        image, target, _ = dataset[count // 2]
        assert image.shape[:2] == target.shape and target.values.max() < classes


def test_isbi_itself(shared: Path):
    path = shared / "data" / "isbi_em"
    if not path.is_dir():
        pytest.skip("no isbi_em in the shared data")
    splits = {split: zoo.data.open(f"isbi:{path}", split) for split in ("train", "val", "test")}
    names = {split: [sample.name for sample in dataset] for split, dataset in splits.items()}
    assert {split: (found[0], found[-1], len(found)) for split, found in names.items()} == {
        "train": ("00", "19", 20),
        "val": ("20", "23", 4),
        "test": ("24", "29", 6),
    }
    image, mask, _ = splits["test"][0]
    target = mask.values
    assert image.shape == (512, 512, 3) and 0.7 < target.mean() < 0.85
    assert image[target == 0].mean() < image[target == 1].mean() - 30, "membranes are the dark lines"
    assert splits["test"].instances == 1


def test_nuclei_do_not_touch(shared: Path):
    from scipy.ndimage import label

    path = shared / "data" / "nuclei"
    if not path.is_dir():
        pytest.skip("no nuclei in the shared data")
    dataset = zoo.data.open(f"nuclei:{path}", "test")
    assert (len(dataset), dataset.classes, dataset.instances) == (40, ("background", "nucleus"), 1)
    parts = sum(label(sample.target.values == 1)[1] for sample in dataset)
    nuclei = sum(int(read_mask(path / "instances" / f"{sample.name}.png").max()) for sample in dataset)
    assert abs(parts - nuclei) < 0.03 * nuclei


def test_a_stack_of_another_length_is_refused(tmp_path: Path):
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / folder / "00.png")
    with pytest.raises(InputError, match="holds 1 slices; the labelled stack has 30"):
        zoo.data.open(f"isbi:{tmp_path}")
    with pytest.raises(InputError, match="unknown split of isbi 'tset'"):
        zoo.data.open(f"isbi:{tmp_path}", "tset")


# ---- Specs ------------------------------------------------------------------------------------------------------


def test_scenes_spec():
    dataset = zoo.data.open("scenes:seed=3,count=400,size=48x64")
    assert len(dataset) == 400 and dataset[0].image.shape == (48, 64, 3)
    assert len(zoo.data.open("scenes:count=400,size=48", "val")) == 40
    assert len(zoo.data.open("scenes")) == 2000 and zoo.data.open("scenes").classes[0] == "background"


def test_opening_data_needs_no_keras():
    code = "import sys, zoo.data; zoo.data.open('scenes')[0]; sys.exit('keras' in sys.modules or 'PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0


# ---- Bad input --------------------------------------------------------------------------------------------------


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


BAD_FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "image without mask": (
        lambda root: (root / "masks" / "01.png").unlink(),
        r"images/01\.jpg: this image has no mask",
    ),
    "mask without image": (
        lambda root: (root / "images" / "03.jpg").unlink(),
        r"masks/03\.png: this mask has no image",
    ),
    "sizes differ": (lambda root: mask(root / "masks" / "01.png", (9, 10)), r"masks/01\.png: the mask is 10×9.*10×8"),
    "value outside": (
        lambda root: mask(root / "masks" / "01.png", top=3),
        r"masks/01\.png: mask value 3 is outside the 3",
    ),
    "colour mask": (lambda root: picture(root / "masks" / "01.png"), r"masks/01\.png: a mask of class indices"),
    "colour mask with alpha": (
        lambda root: Image.new("RGBA", (10, 8)).save(root / "masks" / "01.png"),
        r"masks/01\.png: a mask of class indices.*RGBA",
    ),
    "16-bit mask": (
        lambda root: Image.fromarray(np.full((8, 10), 900, np.uint16)).save(root / "masks" / "01.png"),
        r"masks/01\.png: .*these reach 900",
    ),
    "lossy mask": (
        lambda root: (root / "masks" / "01.png").rename(root / "masks" / "01.jpg"),
        r"images/01\.jpg: .*01\.jpg is not a lossless",
    ),
    "truncated image": (lambda root: cut_short(root / "images" / "01.jpg"), r"images/01\.jpg: cannot be read"),
    "truncated mask": (lambda root: cut_short(root / "masks" / "01.png"), r"masks/01\.png: cannot be read"),
    "empty file": (lambda root: (root / "images" / "01.jpg").write_bytes(b""), r"images/01\.jpg: cannot be read"),
    "not a picture": (
        lambda root: (root / "images" / "01.jpg").write_text("hello"),
        r"images/01\.jpg: .*not a picture",
    ),
    "float image": (
        lambda root: (
            (root / "images" / "01.jpg").unlink(),
            Image.fromarray(np.ones((8, 10), np.float32)).save(root / "images" / "01.tif"),
        ),
        r"images/01\.tif: pixels are floats",
    ),
    "two images of a stem": (lambda root: picture(root / "images" / "01.png"), r"01\.png: 01\.jpg has the same stem"),
    "empty list": (lambda root: (root / "train.txt").write_text("\n"), "train: the split is empty"),
    "listed but missing": (lambda root: (root / "train.txt").write_text("77\n"), r"train\.txt: lists '77'"),
    "no list of this split": (lambda root: (root / "val.txt").write_text("01\n"), "train: the split is empty"),
    "list is no text": (lambda root: (root / "train.txt").write_bytes(b"\xff\xfe\x00"), r"train\.txt: is not a text"),
    "no masks folder": (lambda root: (root / "masks").rename(root / "labels"), "masks should be in .*does not exist"),
    "no images folder": (lambda root: (root / "images").rename(root / "pics"), "images should be in .*does not exist"),
    "classes.txt too short": (lambda root: (root / "classes.txt").write_text("a\n"), "outside the 1 classes"),
    "classes.txt empty": (lambda root: (root / "classes.txt").write_text(""), "0 classes"),
}


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_a_bad_folder(tmp_path: Path, case: str):
    spoil, says = BAD_FOLDERS[case]
    make_folder(tmp_path)
    (tmp_path / "train.txt").write_text("00\n01\n")
    if case == "no list of this split":
        (tmp_path / "train.txt").unlink()
    spoil(tmp_path)
    with pytest.raises(InputError, match=says):
        list(zoo.data.open(f"folder:{tmp_path}"))


def test_the_undamaged_folder_is_fine(tmp_path: Path):
    (make_folder(tmp_path) / "train.txt").write_text("00\n01\n")
    assert len(list(zoo.data.open(f"folder:{tmp_path}"))) == 2


def test_masks_of_nothing_but_background(tmp_path: Path):
    make_folder(tmp_path, classes=None)
    for path in (tmp_path / "masks").iterdir():
        mask(path, top=0)
    with pytest.raises(InputError, match="class 0 only"):
        zoo.data.open(f"folder:{tmp_path}")


@pytest.mark.parametrize(
    ("spec", "split", "says"),
    [
        ("", "train", "give one of scenes"),
        ("imagenet", "train", "known: scenes.*camvid:PATH.*folder:PATH"),
        ("Scenes", "train", "unknown data spec 'Scenes'"),
        (".", "train", r"is folder:\."),
        ("camvid:", "train", "write camvid:PATH"),
        ("camvid:nowhere", "train", "nowhere, which does not exist"),
        ("isbi:nowhere", "train", "nowhere, which does not exist"),
        ("nuclei:nowhere", "train", "nowhere, which does not exist"),
        ("voc:nowhere", "train", "nowhere, which does not exist"),
        ("folder:nowhere", "train", "nowhere, which does not exist"),
        ("scenes", "trian", "unknown split.*train"),
        ("scenes:colour=3", "train", "option of scenes 'colour'"),
        ("scenes:count=many", "train", "should be count=NUMBER"),
        ("scenes:count=0", "train", "count=0"),
        ("scenes:count=0", "val", "count=0"),
        ("scenes:size=8", "train", "too small"),
        ("scenes:size=64,size=96", "train", "twice"),
        ("scenes:seed=99999999999", "train", "seed"),
    ],
)
def test_a_bad_spec(spec: str, split: str, says: str):
    with pytest.raises(InputError, match=says):
        zoo.data.open(spec, split)


def test_bad_layouts(tmp_path: Path):
    make_voc(tmp_path / "VOCdevkit" / "VOC2012")
    make_camvid(tmp_path / "camvid")
    (tmp_path / "file").write_text("")
    cases = [
        (f"voc:{tmp_path / 'VOCdevkit'}", "train", "year's own folder.*VOC2012"),
        (f"voc:{tmp_path / 'VOCdevkit' / 'VOC2012'}", "test", "split of voc 'test'.*train"),
        (f"camvid:{tmp_path / 'camvid'}", "tests", "split of camvid 'tests'"),
        (f"camvid:{tmp_path / 'file'}", "train", "is a file, not a folder"),
        (f"camvid:{tmp_path / 'VOCdevkit'}", "train", "images should be in .*train, which does not exist"),
    ]
    for spec, split, says in cases:
        with pytest.raises(InputError, match=says):
            zoo.data.open(spec, split)
    for path in (tmp_path / "camvid" / "val").iterdir():
        path.unlink()
    for path in (tmp_path / "camvid" / "valannot").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="camvid/val: the split is empty"):
        zoo.data.open(f"camvid:{tmp_path / 'camvid'}", "val")
