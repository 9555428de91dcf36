"""Picture files as arrays: pictures of one, three or four channels and masks of class indices, whatever the file's own mode."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import InputError

if TYPE_CHECKING:  # imported where a file is read: scenes, and lists of files, do without Pillow
    from PIL import Image

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif")  # lossless ones: a class index must not be "about 7"
STACK_SUFFIXES = (".tif", ".tiff", ".gif")  # of files that may hold several pages
CHANNELS = (1, 3, 4)  # that a picture can be read with: grey, RGB, and RGB with a fourth
# Whatever Pillow's decoders raise on files that are not, or no longer, what they claim to be; and its own bomb error.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
_PAGED = ("TIFF", "GIF", "PNG", "WEBP")  # not MPO: the second picture in a telephone's JPEG is no page
_SUBFILE = 254  # TIFF's tag for what a page is; 1 in its bits is a reduced copy of another page, 4 a transparency mask
_COPY = 1 | 4
_ORIENTATION = 0x112  # EXIF's tag
_COLOURS = {"RGB": 3, "RGBA": 3, "LA": 1}  # modes of what may be a grey mask in colours → how many, before the alpha
_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")


def read_rgb(path: str | Path) -> np.ndarray:
    """A picture file as uint8 H×W×3 RGB, upright; see `read_image`."""
    return read_image(path)


def read_image(path: str | Path, channels: int = 3, bits: int | None = None, page: int | None = None) -> np.ndarray:
    """A picture file as uint8 H×W×`channels`, upright (the EXIF orientation is applied).

    Grey, palette, CMYK and 1-bit pictures are converted; transparency is laid over white, unless it is the fourth channel
    that is asked for. More than 8 bits a channel are rounded to 8.

    Args:
        path: of the file.
        channels: 1 for grey, 3 for RGB, 4 for RGB and the file's own fourth channel (alpha, near infrared) as it is.
        bits: of a channel that count in files of 16 bits: 65535 is white by default. Where no pixel is above 4095, as a
            12-bit camera leaves them, or 255, that is taken for white instead, with a warning; say `bits` to have it so for
            every file alike, the dark ones too.
        page: of a file with several, from 0.

    Raises:
        InputError: naming the file where it is missing, unreadable, truncated, holds floats or 32-bit integers, values of
            more than `bits`, no fourth channel where one is asked for, or several pages where none is named.
    """
    from zoo.data import deep_pixels

    path = Path(path)
    picture = _load(path, page)
    if picture.mode == "F":
        raise InputError(f"{path}: pixels are floats; save it with 8 bits a channel (0–255)")
    deep = deep_pixels.values(picture, lambda: _opened(path, page), path)
    if deep is not None:
        picture = _with_orientation_of(picture, deep_pixels.rounded(deep, bits, path))
    return _in_channels(_upright(picture), channels, path)


def read_mask(path: str | Path, page: int | None = None) -> np.ndarray:
    """A mask file as uint8 H×W, upright as its picture is.

    The values of a grey mask (one that was saved in colours but is grey counts as such, floats that are whole numbers too),
    the indices of a palette one, 0 and 1 of a 1-bit one; 0 and 65535 of 16 bits are 0 and 255.

    Args:
        path: of the file.
        page: of a file with several, from 0.

    Raises:
        InputError: naming the file where it is missing, unreadable or truncated, has several pages and none is named, holds
            colours instead of indices, or values above 255; and for a palette of greys in another order than that of their
            levels, where an index may be meant or a level.
    """
    path = Path(path)
    mask = _upright(_load(path, page))
    if mask.mode in ("L", "1"):
        return np.array(mask).astype(np.uint8)
    if mask.mode == "P":
        return _indices(mask, path)
    if mask.mode.startswith("I") or mask.mode == "F":
        return _whole(np.array(mask), path)
    levels, colours = np.array(mask), _COLOURS.get(mask.mode, 0)
    if colours and (levels[..., :colours] == levels[..., :1]).all() and (levels[..., colours:] == 255).all():
        return np.ascontiguousarray(levels[..., 0])
    raise InputError(
        f"{path}: a mask of class indices was expected (8-bit grey or palette), and this is a colour picture "
        f"(mode {mask.mode}); save it with one index per pixel"
    )


def sides_of(path: Path) -> tuple[int, int]:
    """The shorter and the longer side of a picture or mask, from the head of its file alone, which may not say how it lies.

    Raises:
        InputError: for a file that is missing or no picture.
    """
    from PIL import Image

    with _naming(path), Image.open(path) as picture:
        return min(picture.size), max(picture.size)


def pages(path: Path) -> int:
    """The number of pictures in a file: the pages of a TIFF or GIF, without smaller copies of others; 1 for all else.

    Raises:
        InputError: for a file that cannot be read.
    """
    if path.suffix.lower() not in STACK_SUFFIXES:
        return 1
    from PIL import Image

    with _naming(path), Image.open(path) as picture:
        return len(_frames(picture))


def as_rgb(image: np.ndarray) -> np.ndarray:
    """An image uint8 H×W×C to look at: its first three channels, or its first one as grey."""
    return np.ascontiguousarray(image[..., :3] if image.shape[-1] >= 3 else image[..., :1].repeat(3, axis=-1))


def _load(path: Path, page: int | None) -> Image.Image:
    """A page decoded whole. Pillow decodes late, so a truncated file fails here and not at open."""
    with _naming(path), _opened(path, page) as picture:
        picture.load()
        return picture


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Says of whatever a decoder raises inside which file it is."""
    from PIL import Image

    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the pictures in it, as {path}/*.png")
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        yield
    except InputError:
        raise
    except (*_BROKEN, Image.DecompressionBombError) as error:
        reason = "not a picture" if isinstance(error, Image.UnidentifiedImageError) else error
        raise InputError(f"{path}: cannot be read as a picture ({reason}); replace or remove it") from error


def _opened(path: Path, page: int | None) -> Image.Image:
    """A page that is not decoded yet."""
    from PIL import Image

    picture = Image.open(path)
    frames = _frames(picture)
    if page is None and len(frames) > 1:
        raise InputError(f"{path}: holds {len(frames)} pages, and one picture is expected; save each page as a file")
    if page is not None and not 0 <= page < len(frames):
        raise InputError(f"{path}: has no page {page}; it holds {len(frames)}, counted from 0")
    if frames[page or 0]:
        picture.seek(frames[page or 0])
    return picture


def _frames(picture: Image.Image) -> list[int]:
    """The places in a file of what are pictures of their own."""
    count = getattr(picture, "n_frames", 1) if picture.format in _PAGED else 1
    if count == 1 or picture.format != "TIFF":
        return list(range(count))
    frames = []
    for index in range(count):
        picture.seek(index)
        if not int(picture.tag_v2.get(_SUBFILE, 0)) & _COPY:
            frames.append(index)
    picture.seek(0)
    return frames or [0]


def _upright(picture: Image.Image) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(picture)


def _with_orientation_of(picture: Image.Image, values: np.ndarray) -> Image.Image:
    """Other pixels, uint8, of a picture that is to be turned upright yet."""
    from PIL import Image

    result = Image.fromarray(values)
    result.getexif()[_ORIENTATION] = picture.getexif().get(_ORIENTATION, 1)
    return result


def _in_channels(picture: Image.Image, channels: int, path: Path) -> np.ndarray:
    from PIL import Image

    if channels not in CHANNELS:
        raise InputError(f"channels={channels}; a picture is read with 1 (grey), 3 (RGB) or 4 (RGB and a fourth)")
    transparent = picture.mode in _WITH_ALPHA or "transparency" in picture.info
    if channels == 4:
        if not transparent and picture.mode != "RGBX":
            raise InputError(f"{path}: has {len(picture.getbands())} channels (mode {picture.mode}); channels=4 needs a fourth")
        return np.array(picture if picture.mode == "RGBX" else picture.convert("RGBA"))
    if transparent:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("L"))[..., None] if channels == 1 else np.array(picture.convert("RGB"))


def _indices(mask: Image.Image, path: Path) -> np.ndarray:
    """The values of a palette mask: indices, unless its palette is one of greys, which a writer of GIFs orders as it likes."""
    indices = np.array(mask)
    colours = np.frombuffer(bytes(mask.getpalette("RGB") or ()), np.uint8).reshape(-1, 3)
    if not len(colours) or int(indices.max()) >= len(colours) or (colours != colours[:, :1]).any():
        return indices.astype(np.uint8)
    levels = colours[:, 0][indices]
    if path.suffix.lower() == ".gif":
        return levels
    plain = len(colours) == 2 and colours[:, 0].tolist() == [0, 255]  # 0 and 1, or black and white: the same classes
    if plain or (levels == indices).all():
        return indices.astype(np.uint8)
    raise InputError(
        f"{path}: its palette holds greys in another order than their levels ({', '.join(map(str, colours[:4, 0]))}, …), so "
        "that a pixel's index and its grey say different classes; save it as 8-bit grey"
    )


def _whole(values: np.ndarray, path: Path) -> np.ndarray:
    """Numbers of more than 8 bits as class indices."""
    if not np.isfinite(values).all() or (values != np.rint(values)).any():
        raise InputError(f"{path}: a mask's values must be class indices 0–255; these are fractions, as {values.max():g}")
    if np.isin(values, (0, 65535)).all() and values.any():
        return np.where(values, 255, 0).astype(np.uint8)
    if values.min() < 0 or values.max() > 255:
        farthest = int(values.min() if values.min() < 0 else values.max())
        raise InputError(f"{path}: a mask's values must be class indices 0–255; these reach {farthest}")
    return values.astype(np.uint8)
