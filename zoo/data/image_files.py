"""Picture files as arrays: RGB images and masks of class indices, whatever the file's own mode."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import InputError

if TYPE_CHECKING:  # imported where a file is read: scenes, and lists of files, do without Pillow
    from PIL import Image

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif")  # lossless ones: a class index must not be "about 7"
# Whatever Pillow's decoders raise on files that are not, or no longer, what they claim to be; and its own bomb error.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


def read_rgb(path: str | Path) -> np.ndarray:
    """A picture file as uint8 H×W×3 RGB, upright (the EXIF orientation is applied).

    Grey, palette, CMYK and 1-bit pictures are converted; 16-bit grey is scaled from 0–65535; transparency is laid over
    white. Raises InputError naming the file where it is missing, unreadable, truncated, or holds floats or 32-bit
    integers.
    """
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(_load(Path(path)))
    mode = picture.mode
    if mode.startswith("I;16") or mode == "I":
        return _from_16_bits(picture, Path(path))
    if mode == "F":
        raise InputError(f"{path}: pixels are floats; save it with 8 bits a channel (0–255)")
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"))


def read_mask(path: str | Path) -> np.ndarray:
    """A mask file as uint8 H×W: the values of a grey mask, the indices of a palette one, 0 and 1 of a 1-bit one.

    Raises InputError naming the file where it is missing, unreadable or truncated, holds colours instead of indices, or
    values above 255.
    """
    mask = _load(Path(path))
    if mask.mode in ("L", "P", "1"):
        return np.array(mask).astype(np.uint8)
    if mask.mode.startswith("I"):
        values = np.array(mask)
        if values.min() >= 0 and values.max() <= 255:
            return values.astype(np.uint8)
        raise InputError(f"{path}: a mask's values must be class indices 0–255; these reach {int(values.max())}")
    raise InputError(
        f"{path}: a mask of class indices was expected (8-bit grey or palette), and this is a colour picture "
        f"(mode {mask.mode}); save it with one index per pixel"
    )


def _load(path: Path) -> Image.Image:
    """The file decoded whole. Pillow decodes late, so a truncated file fails here and not at open."""
    from PIL import Image

    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture
    except (*_BROKEN, Image.DecompressionBombError) as error:
        reason = "not a picture" if isinstance(error, Image.UnidentifiedImageError) else error
        raise InputError(f"{path}: cannot be read as a picture ({reason}); replace or remove it") from error


def _from_16_bits(picture: Image.Image, path: Path) -> np.ndarray:
    values = np.array(picture).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise InputError(
            f"{path}: 32-bit pixels from {values.min()} to {values.max()}; save it with 8 or 16 bits a channel"
        )
    grey = np.rint(values / 257).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)
