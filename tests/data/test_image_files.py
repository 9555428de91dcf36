"""Picture files of every mode as arrays, and class maps in colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data.image_files import read_mask, read_rgb
from zoo.outputs import kind
from zoo.outputs.class_scores import class_output
from zoo.outputs.palettes import colourise, voc_palette


def in_palette(values: np.ndarray) -> Image.Image:
    one = Image.fromarray(values)
    one.putpalette(np.array(voc_palette(256), np.uint8).ravel().tolist())
    return one


def test_every_mode_becomes_rgb(tmp_path: Path):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    colours = np.stack([grey, grey.T, 255 - grey], axis=-1)
    expected = {
        "L": np.repeat(grey[..., None], 3, -1),
        "RGB": colours,
        "I;16": np.repeat(grey[..., None], 3, -1),
        "1": np.where(grey[..., None] > 127, 255, 0) * np.ones(3),
        "RGBA": colours,
        "LA": np.repeat(grey[..., None], 3, -1),
    }
    for mode, wanted in expected.items():
        if mode == "I;16":
            one = Image.fromarray(grey.astype(np.uint16) * 257)
        elif mode == "1":
            one = Image.fromarray(grey).point(lambda value: 255 * (value > 127)).convert("1")
        else:
            one = Image.fromarray(colours if "RGB" in mode else grey).convert(mode)
        one.save(tmp_path / "one.png")
        np.testing.assert_array_equal(read_rgb(tmp_path / "one.png"), wanted, err_msg=mode)


def test_transparency_is_laid_over_white(tmp_path: Path):
    values = np.zeros((4, 4, 4), np.uint8)
    values[:, 2:, 3] = 255
    Image.fromarray(values).save(tmp_path / "one.png")
    read = read_rgb(tmp_path / "one.png")
    assert (read[:, :2] == 255).all() and (read[:, 2:] == 0).all()


def test_exif_orientation_is_applied(tmp_path: Path):
    values = np.zeros((4, 6, 3), np.uint8)
    values[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise by a quarter
    Image.fromarray(values).save(tmp_path / "one.png", exif=exif)
    read = read_rgb(tmp_path / "one.png")
    assert read.shape == (6, 4, 3) and (read[:, 3] == 255).all() and (read[:, :3] == 0).all()


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16"])
def test_masks_keep_their_indices(tmp_path: Path, mode: str):
    values = np.arange(16, dtype=np.uint8).reshape(4, 4) % (2 if mode == "1" else 16)
    one = {
        "L": lambda: Image.fromarray(values),
        "P": lambda: in_palette(values),
        "1": lambda: Image.fromarray(values * 255).convert("1"),
        "I;16": lambda: Image.fromarray(values.astype(np.uint16)),
    }[mode]()
    one.save(tmp_path / "one.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "one.png"), values)


def test_voc_palette_is_vocs():
    palette = voc_palette()
    assert palette[:8] == (
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128), (128, 128, 128)
    )  # fmt: skip
    assert palette[15] == (192, 128, 128) and palette[20] == (0, 64, 128) and palette[255] == (224, 224, 192)
    assert len(set(palette)) == 256


def test_colourise_and_draw():
    labels = np.array([[0, 1], [2, 255]])
    palette = ((10, 20, 30), (0, 200, 0), (0, 0, 100))
    assert colourise(labels, palette).tolist() == [[[10, 20, 30], [0, 200, 0]], [[0, 0, 100], [0, 0, 0]]]
    assert colourise(np.array([[-1, 300]]), palette).tolist() == [[[0, 0, 0], [0, 0, 0]]]
    image = np.full((2, 2, 3), 100, np.uint8)
    spec = class_output(("earth", "grass", "sea"), palette)
    drawn = kind(spec).draw(image, labels, spec)
    assert drawn.tolist() == [[[55, 60, 65], [50, 150, 50]], [[50, 50, 100], [100, 100, 100]]]  # the ignored is clear
