"""Picture files of every mode as arrays, and class maps in colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data.image_files import read_image, read_mask, read_rgb
from zoo.errors import InputError
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


# ---- More than 8 bits, other numbers of channels ----------------------------------------------------------------


def deep_png(path: Path, values: np.ndarray) -> Path:
    """16 bits a channel, which Pillow cannot write in colour: uint16 H×W×C of C = 2 (grey, alpha), 3 or 4."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


DEEP = np.random.default_rng(0).integers(0, 65536, (9, 11, 4), np.uint16)


def rounded(values: np.ndarray, white: int = 65535) -> np.ndarray:
    return np.rint(values * (255 / white)).astype(np.uint8)


def test_16_bits_of_colour_are_rounded_as_those_of_grey_are(tmp_path: Path):
    colours = DEEP[..., :3].copy()
    read = read_rgb(deep_png(tmp_path / "one.png", colours))
    np.testing.assert_array_equal(read, rounded(colours))
    Image.fromarray(colours[..., 0].copy()).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_rgb(tmp_path / "grey.png")[..., 1], read[..., 0])
    four = DEEP.copy()
    np.testing.assert_array_equal(read_image(deep_png(tmp_path / "four.png", four), 4), rounded(four))
    four[..., 3] = 65535
    np.testing.assert_array_equal(read_rgb(deep_png(tmp_path / "opaque.png", four)), rounded(colours))
    with_alpha = np.dstack([colours[..., 0], np.full((9, 11), 65535, np.uint16)])
    np.testing.assert_array_equal(read_image(deep_png(tmp_path / "grey.png", with_alpha), 1)[..., 0], read[..., 0])


def test_16_bits_of_colour_in_a_tiff(tmp_path: Path):
    cv2 = pytest.importorskip("cv2")
    colours = DEEP[..., :3].copy()
    for compression in (1, 5, 8):
        cv2.imwrite(str(tmp_path / "one.tif"), colours[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, compression])
        np.testing.assert_array_equal(read_rgb(tmp_path / "one.tif"), rounded(colours), err_msg=str(compression))


@pytest.mark.parametrize("white", [4095, 255])
@pytest.mark.parametrize("colour", [False, True])
def test_a_cameras_bits_in_16_are_told_and_scaled(tmp_path: Path, white: int, colour: bool):
    values = (DEEP[..., :3].astype(np.int64) * white // 65535).astype(np.uint16)
    values[0, 0] = white
    path = tmp_path / "one.png"
    if colour:
        deep_png(path, values)
    else:
        Image.fromarray(values[..., 0].copy()).save(path)
    expected = values if colour else values[..., :1].repeat(3, -1)
    with pytest.warns(UserWarning, match=f"reach no more than {white} are read as ones of"):
        np.testing.assert_array_equal(read_rgb(path), rounded(expected, white))
    np.testing.assert_array_equal(read_image(path, bits=16), rounded(expected))
    np.testing.assert_array_equal(read_image(path, bits=14), rounded(expected, 2**14 - 1))
    with pytest.raises(InputError, match=rf"one\.png: pixels reach {white}, and bits=7 hold 127"):
        read_image(path, bits=7)


def test_eight_bits_are_eight_whatever_is_said_of_sixteen(tmp_path: Path):
    Image.fromarray(np.full((4, 4, 3), 9, np.uint8)).save(tmp_path / "one.png")
    assert (read_image(tmp_path / "one.png", bits=12) == 9).all()


def test_grey_and_four_channels(tmp_path: Path):
    values = DEEP.astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "four.png")
    Image.fromarray(values[..., :3].copy()).save(tmp_path / "three.png")
    np.testing.assert_array_equal(read_image(tmp_path / "four.png", 4), values)
    luma = np.array(Image.fromarray(values[..., :3].copy()).convert("L"))
    np.testing.assert_array_equal(read_image(tmp_path / "three.png", 1), luma[..., None])
    with pytest.raises(InputError, match=r"three\.png: has 3 channels .*channels=4 needs a fourth"):
        read_image(tmp_path / "three.png", 4)
    with pytest.raises(InputError, match="channels=2"):
        read_image(tmp_path / "three.png", 2)
    with pytest.raises(InputError, match="is a folder; give the pictures in it"):
        read_image(tmp_path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_is_turned_upright_with_its_picture(tmp_path: Path, orientation: int):
    values = (np.arange(400, dtype=np.uint8).reshape(20, 20) * 7) % 3
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(values).save(tmp_path / "mask.png", exif=exif)
    in_palette(values).save(tmp_path / "palette.png", exif=exif)
    Image.fromarray(values).convert("RGB").save(tmp_path / "picture.png", exif=exif)
    Image.fromarray(values.astype(np.uint16) * 257).save(tmp_path / "deep.png", exif=exif)
    upright = read_rgb(tmp_path / "picture.png")[..., 0]
    for name in ("mask.png", "palette.png"):
        np.testing.assert_array_equal(read_mask(tmp_path / name), upright)
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png", bits=16)[..., 0], upright)


def test_the_old_place_still_reads():
    import importlib

    old = importlib.import_module("zoo.data.images")
    with pytest.warns(DeprecationWarning, match="zoo.data.image_files"):
        assert old.read_mask is read_mask


def test_what_pillow_reads_wrongly_is_mended_or_refused(tmp_path: Path):
    tifffile = pytest.importorskip("tifffile")
    planes = DEEP[..., :3].transpose(2, 0, 1).copy()
    grey = DEEP[..., 0].copy()
    tifffile.imwrite(tmp_path / "white.tif", grey, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "white.tif", 1)[..., 0], rounded(65535 - grey.astype(int)))
    bytes_apart = planes.astype(np.uint8)
    tifffile.imwrite(tmp_path / "bytes.tif", bytes_apart, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_rgb(tmp_path / "bytes.tif"), bytes_apart.transpose(1, 2, 0))
    tifffile.imwrite(tmp_path / "planes.tif", planes, photometric="rgb", planarconfig="separate")
    tifffile.imwrite(tmp_path / "signed.tif", np.full((8, 8), -5, np.int8))
    for name, says in (("planes.tif", "16 bits, a plane for each channel"), ("signed.tif", "8 bits, signed")):
        with pytest.raises(InputError, match=rf"{name}: pixels of a form that Pillow reads wrongly .*{says}"):
            read_rgb(tmp_path / name)
