"""Masks as users have them: black and white, smoothed, in stacks, in colours, and what is called ignored."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo.errors import InputError

Y, X = np.mgrid[:16, :20]
DISC = ((X - 9) ** 2 + (Y - 8) ** 2 < 30).astype(np.uint8)
WRITE = Callable[[np.ndarray, Path], None]


def save(values: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def folder(root: Path, masks: Sequence[np.ndarray], names: str | None) -> str:
    for index, mask in enumerate(masks):
        save(np.repeat(mask[..., None], 3, -1).astype(np.uint8), root / f"images/{index}.png")
        save(mask, root / f"masks/{index}.png")
    (root / "train.txt").write_text("\n".join(map(str, range(len(masks)))))
    if names is not None:
        (root / "classes.txt").write_text(names)
    return f"folder:{root}"


def voc(root: Path, masks: Sequence[np.ndarray], names: str | None) -> str:
    for index, mask in enumerate(masks):
        save(np.repeat(mask[..., None], 3, -1).astype(np.uint8), root / f"JPEGImages/{index}.png")
        save(mask, root / f"SegmentationClass/{index}.png")
    lists = root / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("\n".join(map(str, range(len(masks)))))
    if names is not None:
        (root / "classes.txt").write_text(names)
    return f"voc:{root}"


def camvid(root: Path, masks: Sequence[np.ndarray], names: str | None) -> str:
    for index, mask in enumerate(masks):
        save(np.repeat(mask[..., None], 3, -1).astype(np.uint8), root / f"train/{index}.png")
        save(mask, root / f"trainannot/{index}.png")
    if names is not None:
        (root / "classes.txt").write_text(names)
    return f"camvid:{root}"


LAYOUTS = (folder, voc, camvid)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("white", [255, 1])
def test_of_one_class_that_is_named_the_background_is_the_other(tmp_path: Path, layout: Callable, white: int):
    data = zoo.data.open(layout(tmp_path, [DISC * white] * 2, "person\n"))
    assert data.classes == ("background", "person") and len(data.palette) == 2
    np.testing.assert_array_equal(data[0].target.values, DISC)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_black_and_white_of_two_classes_in_every_layout(tmp_path: Path, layout: Callable):
    data = zoo.data.open(layout(tmp_path, [DISC * 255, DISC * 0], "rest\nthing\n"))
    assert data.classes == ("rest", "thing") and data.ignore is None
    np.testing.assert_array_equal(data[0].target.values, DISC)


@pytest.mark.parametrize(
    ("layout", "mask", "names"),
    [
        (folder, DISC * 255, "a\nb\nc\n"),
        (voc, DISC * 255, None),
        (camvid, DISC * 11, None),
        (camvid, DISC * 2, "a\nb\nvoid\n"),
        (folder, DISC * 0, "a\nb\n"),
        (folder, 1 + DISC * 254, None),
        (voc, DISC * 0 + 7, None),
    ],
)
def test_one_class_that_counts_is_refused(tmp_path: Path, layout: Callable, mask: np.ndarray, names: str | None):
    with pytest.raises(InputError, match=r"all pixels that count are of one class|the only one that is listed|class 0 only"):
        zoo.data.open(layout(tmp_path, [mask.astype(np.uint8)] * 2, names))


def test_camvid_ignores_the_value_after_the_last_class_only_where_that_is_said(tmp_path: Path):
    masks = [DISC * 2, DISC]
    with pytest.raises(InputError, match="mask value 2 is outside the 2 classes"):
        list(zoo.data.open(camvid(tmp_path / "silent", masks, "road\ncar\n")))
    data = zoo.data.open(camvid(tmp_path / "said", masks, "road\ncar\nvoid\n"))
    assert data.ignore == 2 and set(np.unique(data[0].target)) == {0, 2}


def smoothed(mask: np.ndarray) -> np.ndarray:
    one = Image.fromarray(mask * 255)
    return np.array(one.resize((10, 8), Image.BILINEAR).resize((20, 16), Image.BILINEAR))


@pytest.mark.parametrize("names", [None, "person\n", "background\nperson\n"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_smoothed_masks_are_refused(tmp_path: Path, layout: Callable, names: str | None):
    says = "between black and white, as smoothed|outside the|look like levels of grey"
    with pytest.raises(InputError, match=says):
        zoo.data.open(layout(tmp_path, [smoothed(DISC)] * 2, names))


def test_levels_are_no_classes_and_sparse_classes_are(tmp_path: Path):
    trimap = np.where(DISC > 0, 255, np.where(Y > 8, 128, 0)).astype(np.uint8)
    with pytest.raises(InputError, match="between black and white"):
        zoo.data.open(folder(tmp_path / "trimap", [trimap] * 2, None))
    with pytest.raises(InputError, match="levels of grey"):
        zoo.data.open(folder(tmp_path / "grey", [DISC * 90] * 2, None))
    assert len(zoo.data.open(folder(tmp_path / "sparse", [DISC * 15] * 2, None)).classes) == 16
    many = (np.arange(320).reshape(16, 20) % 151).astype(np.uint8)
    assert len(zoo.data.open(folder(tmp_path / "many", [many] * 2, None)).classes) == 151


def test_masks_drawn_in_two_ways_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="some masks hold 0 and 1, others 0 and 255"):
        zoo.data.open(folder(tmp_path, [DISC, DISC * 255], None))


# ---- Stacks, hidden files, names --------------------------------------------------------------------------------


def stack(path: Path, planes: Sequence[np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = map(Image.fromarray, planes)
    first.save(path, save_all=True, append_images=rest)


def test_a_stack_of_pages_is_as_many_samples(tmp_path: Path):
    planes = [np.roll(DISC, shift, axis=1) for shift in range(12)]
    stack(tmp_path / "images/cell.tif", [plane * 200 for plane in planes])
    stack(tmp_path / "masks/cell.tif", planes)
    save(DISC * 200, tmp_path / "images/one.tif")
    save(DISC, tmp_path / "masks/one.png")
    (tmp_path / "train.txt").write_text("cell\none\n")
    data = zoo.data.open(f"folder:{tmp_path}")
    assert [sample.name for sample in data] == [*(f"cell_{page:02d}" for page in range(12)), "one"]
    for shift in (0, 5, 11):
        np.testing.assert_array_equal(data[shift].target.values, planes[shift])
        np.testing.assert_array_equal(data[shift].image[..., 0], planes[shift] * 200)
    stack(tmp_path / "masks/cell.tif", planes[:5])
    with pytest.raises(InputError, match=r"masks/cell\.tif: holds 5 pages and its image cell\.tif 12"):
        zoo.data.open(f"folder:{tmp_path}")


def test_smaller_copies_in_a_tiff_are_no_pages(tmp_path: Path):
    from zoo.data.image_files import pages, read_rgb

    small = Image.fromarray(DISC[::2, ::2].copy())
    small.encoderinfo = {"tiffinfo": {254: 1}}
    Image.fromarray(DISC).save(tmp_path / "one.tif", save_all=True, append_images=[small])
    with Image.open(tmp_path / "one.tif") as picture:
        assert picture.n_frames == 2
    assert pages(tmp_path / "one.tif") == 1 and read_rgb(tmp_path / "one.tif").shape == (16, 20, 3)


def test_one_picture_is_asked_of_a_stack(tmp_path: Path):
    from zoo.data.image_files import read_mask, read_rgb

    stack(tmp_path / "two.tif", [DISC, 1 - DISC])
    stack(tmp_path / "two.png", [DISC, 1 - DISC])
    for read, name in ((read_rgb, "two.tif"), (read_mask, "two.tif"), (read_rgb, "two.png")):
        with pytest.raises(InputError, match=rf"{name}: holds 2 pages"):
            read(tmp_path / name)
    np.testing.assert_array_equal(read_mask(tmp_path / "two.tif", page=1), 1 - DISC)


@pytest.mark.parametrize("names", [None, "a\n", "a\nb\n", "a\nb\nc\n"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_hidden_files_are_no_pictures(tmp_path: Path, layout: Callable, names: str | None):
    spec = layout(tmp_path, [DISC] * 3, names)
    for path in [path for path in tmp_path.rglob("*") if path.is_dir()]:
        (path / "._0.png").write_bytes(b"\0\5\x16\7")
        (path / "Thumbs.db").write_bytes(b"\xd0\xcf")
        (path / ".DS_Store").write_bytes(b"\0")
    assert len(zoo.data.open(spec)) == 3


def test_names_with_accents_and_brackets_are_paired(tmp_path: Path):
    for stem in ("caf\u00e9", "cell [1]"):
        save(DISC, tmp_path / f"images/{unicodedata.normalize('NFD', stem)}.png")
        save(DISC, tmp_path / f"masks/{stem}.png")
    (tmp_path / "train.txt").write_text("caf\u00e9\ncell [1]\n", encoding="utf-8")
    assert len(zoo.data.open(f"folder:{tmp_path}")) == 2
    (tmp_path / "masks/cell [1].png").rename(tmp_path / "masks/cell [1].jpg")
    with pytest.raises(InputError, match=r"cell \[1\]\.jpg is not a lossless format"):
        zoo.data.open(f"folder:{tmp_path}")


# ---- Modes of masks ---------------------------------------------------------------------------------------------


def in_mode(values: np.ndarray, mode: str) -> Image.Image:
    grey = Image.fromarray(values)
    if mode in ("RGB", "RGBA", "LA"):
        return grey.convert(mode)
    deep = {"16 bits": values.astype(np.uint16) * 257, "floats": values / np.float32(255), "32 bits": values.astype(np.int32)}
    return Image.fromarray(deep[mode])


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "16 bits", "32 bits", "floats"])
def test_a_mask_of_another_mode_says_the_same(tmp_path: Path, mode: str):
    for index in range(2):
        save(DISC, tmp_path / f"images/{index}.png")
        (tmp_path / "masks").mkdir(exist_ok=True)
        in_mode(DISC * 255, mode).save(tmp_path / f"masks/{index}.tif")
    (tmp_path / "train.txt").write_text("0\n1\n")
    np.testing.assert_array_equal(zoo.data.open(f"folder:{tmp_path}")[0].target.values, DISC)


def test_masks_that_say_no_one_class_are_refused(tmp_path: Path):
    from zoo.data.image_files import read_mask

    swapped = Image.fromarray(1 - DISC)
    swapped.putpalette([255, 255, 255, 0, 0, 0])
    clear = np.dstack([DISC, DISC, DISC, DISC * 255])
    cases = {
        "palette.png": (swapped, "greys in another order"),
        "cut.png": (Image.fromarray(clear), "colour picture"),
        "soft.tif": (Image.fromarray(DISC * np.float32(0.4)), "these are fractions, as 0.4"),
        "nan.tif": (Image.fromarray(DISC * np.float32("nan")), "these are fractions"),
        "many.png": (Image.fromarray(DISC.astype(np.uint16) * 300), "these reach 300"),
    }
    for name, (mask, says) in cases.items():
        mask.save(tmp_path / name)
        with pytest.raises(InputError, match=rf"{name}: .*{says}"):
            read_mask(tmp_path / name)


def test_a_gif_of_greys_keeps_its_levels(tmp_path: Path):
    from zoo.data.image_files import read_mask

    values = np.where(Y > 12, 255, DISC).astype(np.uint8)
    save(values, tmp_path / "one.gif")  # whose palette then is 0, 1, 255
    np.testing.assert_array_equal(read_mask(tmp_path / "one.gif"), values)
