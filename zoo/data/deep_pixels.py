"""Deep pixels: those of more than 8 bits a channel, whole and rounded to 8. Pillow gives colours of 16 bits cut off to 8."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

DEEPEST = 16
_DEEP = ("PNG", "TIFF")  # formats that may hold them
_SMALLER = (8, 12)  # bits that 16-bit files hold where their writer did not scale: bytes, and a camera's
# How Pillow names the layout of pixels that it keeps the upper bytes of → the layout under which it keeps the lower ones.
_LOWER = {
    **{f"{mode};16B": f"{mode};16L" for mode in ("RGB", "RGBA", "RGBX")},
    **{f"{mode};16L": f"{mode};16B" for mode in ("RGB", "RGBA", "RGBX")},
}
_BITS, _PHOTOMETRIC, _PLANES, _SAMPLE_FORMAT = 258, 262, 284, 339  # TIFF's tags
_WHITE_IS_ZERO, _APART, _SIGNED, _BYTE = 0, 2, 2, 8
_GREY_WITH_ALPHA = "LA;16B"  # PNG's


def values(picture: Image.Image, reopen: Callable[[], Image.Image], path: Path) -> np.ndarray | None:
    """The pixels of a picture of more than 8 bits a channel, int64 H×W or H×W×C; None for any other picture.

    Args:
        picture: decoded.
        reopen: opens the same page again, not decoded.
        path: for messages.

    Raises:
        InputError: for what Pillow (13.0) reads wrongly without a word, planes of 16 bits one after another and signed bytes,
            and for an order of colours of 16 bits that is not known here.
    """
    if picture.format not in _DEEP:
        return None
    if picture.mode.startswith("I"):
        pixels = np.array(picture).astype(np.int64)
        inverted = _tag(picture, _PHOTOMETRIC) == _WHITE_IS_ZERO and _tag(picture, _BITS) == DEEPEST
        return 2**DEEPEST - 1 - pixels if inverted else pixels  # Pillow inverts those of 8 bits only
    apart = _tag(picture, _BITS) > _BYTE and _tag(picture, _PLANES) == _APART
    if picture.mode != "F" and (apart or _tag(picture, _SAMPLE_FORMAT) == _SIGNED):
        raise InputError(f"{path}: pixels of a form that Pillow reads wrongly ({_form(picture)}); save it as a PNG")
    again = reopen()
    layouts = {_layout(tile.args) for tile in getattr(again, "tile", ())}
    if not any(";16" in layout for layout in layouts):
        again.close()
        return None
    if layouts == {_GREY_WITH_ALPHA}:
        again._mode, again.tile = "RGBA", [tile._replace(args="RGBA") for tile in again.tile]  # both bytes of both channels
        parts = np.array(again).astype(np.int64)
        grey, alpha = 256 * parts[..., 0] + parts[..., 1], 256 * parts[..., 2] + parts[..., 3]
        return np.stack([grey, grey, grey, alpha], axis=-1)
    if not layouts <= _LOWER.keys():
        raise InputError(f"{path}: 16 bits a channel in the order {min(layouts - _LOWER.keys())}; save it as a PNG")
    again.tile = [tile._replace(args=_lower(tile.args)) for tile in again.tile]
    return 256 * np.array(picture).astype(np.int64) + np.array(again)


def rounded(pixels: np.ndarray, bits: int | None, path: Path) -> np.ndarray:
    """Pixels of up to 16 bits as uint8.

    Args:
        pixels: int64.
        bits: that white has; None for 16, or fewer, with a warning, where the pixels look like it.
        path: for messages.

    Raises:
        InputError: for pixels of more than `bits`, or bits that are no number from 1 to 16.
    """
    low, high = int(pixels.min()), int(pixels.max())
    if bits is not None and not 1 <= bits <= DEEPEST:
        raise InputError(f"bits={bits}; expected those of a channel, 1 to {DEEPEST}")
    if low < 0 or high >= 2**DEEPEST:
        raise InputError(f"{path}: 32-bit pixels from {low} to {high}; save it with 8 or 16 bits a channel")
    if bits is not None and high >= 2**bits:
        raise InputError(f"{path}: pixels reach {high}, and bits={bits} hold {2**bits - 1} at most")
    if bits is None:
        bits = next((fewer for fewer in _SMALLER if 0 < high < 2**fewer), DEEPEST)
        if bits != DEEPEST:
            warnings.warn(
                f"{path.parent}: pictures of 16 bits that reach no more than {2**bits - 1} are read as ones of {bits}; if they "
                f"are dark ones of 16, or of another depth, say so: bits={DEEPEST} (behind a data set's path: ,bits={DEEPEST})",
                stacklevel=4,
            )
    return np.rint(pixels * (255 / (2**bits - 1))).astype(np.uint8)


def _tag(picture: Image.Image, number: int) -> int:
    """A TIFF's tag, the greatest of its values; −1 where there is none."""
    value = getattr(picture, "tag_v2", {}).get(number, -1)
    return max(map(int, value)) if isinstance(value, tuple) else int(value)


def _form(picture: Image.Image) -> str:
    planes = ", a plane for each channel" if _tag(picture, _PLANES) == _APART else ""
    signed = ", signed" if _tag(picture, _SAMPLE_FORMAT) == _SIGNED else ""
    return f"TIFF of {_tag(picture, _BITS)} bits{planes}{signed}"


def _layout(arguments: object) -> str:
    """The name of a tile's layout, which a TIFF's has in front of other arguments."""
    name = str(arguments[0] if isinstance(arguments, tuple) else arguments)
    return name.replace(";16N", ";16L" if sys.byteorder == "little" else ";16B")


def _lower(arguments: object) -> object:
    lower = _LOWER[_layout(arguments)]
    return (lower, *arguments[1:]) if isinstance(arguments, tuple) else lower
