"""Mask values: the classes that the masks of a folder hold, looked at before any value is called ignored.

Masks come in black and white, smoothed, and with or without the background among the names of their classes. Every layout of
images and masks opens its own through `labelled`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.data.dataset import ImageMaskDataset, Palette
from zoo.data.folders import UNLABELLED, Pair
from zoo.data.image_files import read_mask
from zoo.errors import InputError

Masks = Sequence[tuple[Path, int | None]]  # files, and pages of those that hold several
BLACK, WHITE = 0, 255
BACKGROUNDS = ("background", "null", "void", "unlabelled", "unlabeled")  # names that no foreground has
FEW = 2  # classes at most, by whose number a mask of black and white cannot be told from one of indices
_MOST_UNNAMED = 200  # classes of data that nobody names; more are levels of grey
_GAPS = 32  # values from which on more holes than values are no numbering of classes


def labelled(
    name: str,
    pairs: Sequence[Pair],
    classes: Sequence[str] | None,
    masks: Masks,
    palette: Palette | None = None,
    ignore: int | None = UNLABELLED,
) -> ImageMaskDataset:
    """The data set of these pairs, by what its masks hold.

    Masks of up to two classes may be drawn in black and white (0 and 255 only): 255 is then class 1 and nothing is ignored. Of
    one class that is named, the background is the other: 0, before it.

    Args:
        name: for tables and messages.
        pairs: of the split.
        classes: the names that are listed; None for as many classes as the masks show.
        masks: of all splits. They are read here, all of them, where up to two classes are listed or none.
        palette: one (r, g, b) in 0–255 a class, if it fits their number.
        ignore: the value that is ignored where it is no class, or None.

    Raises:
        InputError: for values that are no classes (levels between black and white), masks of several ways of drawing, and an
            empty split.
    """
    if not pairs:
        raise InputError(f"{name}: the split is empty; it needs one image with its mask at least")
    if classes is not None and not 1 <= len(classes) <= FEW:
        return ImageMaskDataset(name, pairs, classes, _fitting(palette, classes), ignore=ignore)
    by_file = [set(np.unique(read_mask(*mask)).tolist()) for mask in masks]
    values, where = set().union(*by_file), masks[0][0].parent
    _refuse_levels(values, where)
    if values == {BLACK, WHITE}:
        two = _with_background(classes or ("foreground",), where)
        return ImageMaskDataset(name, pairs, two, _fitting(palette, two), values={BLACK: 0, WHITE: 1})
    _refuse_two_ways(by_file, where)
    if classes is None:
        classes = _numbered(values, where)
    elif len(classes) == 1 and values <= {0, 1, UNLABELLED}:
        classes = _with_background(classes, where)
        ignore = None if ignore is None else max(ignore, len(classes))
    return ImageMaskDataset(name, pairs, classes, _fitting(palette, classes), ignore=ignore)


def _with_background(classes: Sequence[str], where: Path) -> tuple[str, ...]:
    """Two names: those of two classes, or of one and the background before it."""
    if len(classes) == FEW:
        return tuple(classes)
    if classes[0].casefold() in BACKGROUNDS:
        raise InputError(
            f"{where}: the masks show two classes, and {classes[0]!r} is the only one that is listed; list the other too"
        )
    return ("background", *classes)


def _numbered(values: set[int], where: Path) -> list[str]:
    """As many classes as the masks show, by number."""
    top = max(values - {UNLABELLED}, default=0)
    if top == 0:
        raise InputError(f"{where}: every mask is of class 0 only; masks hold the class index of each pixel")
    holes = top + 1 - len(values - {UNLABELLED})
    if top >= _MOST_UNNAMED or (top > _GAPS and holes > (top + 1) / 2):
        some = ", ".join(map(str, sorted(values)[:6]))
        raise InputError(
            f"{where}: the masks hold {len(values)} values up to {top} ({some}, …), which look like levels of grey and "
            "not like classes counted from 0 on; give each pixel its class's index, or name all classes in classes.txt"
        )
    return [f"class{index}" for index in range(top + 1)]


def _refuse_levels(values: set[int], where: Path) -> None:
    """Refuses black, white and much in between: what smoothing, or JPEG, makes of black and white."""
    between = sorted(values - {BLACK, 1, WHITE})
    if not {BLACK, WHITE} <= values or not between:
        return
    if between[-1] >= _MOST_UNNAMED or (between[-1] > _GAPS and len(between) < between[-1] / 2):
        raise InputError(
            f"{where}: the masks hold {len(between)} values {between[0]}–{between[-1]} between black and white, as smoothed or "
            "JPEG-compressed masks do; resize masks by the nearest neighbour, or cut them at 128, and save them as PNG"
        )


def _refuse_two_ways(by_file: Sequence[set[int]], where: Path) -> None:
    """Refuses some masks of 0 and 1 beside others of 0 and 255, none of which holds all three: one foreground, two values."""
    ways = {BLACK, 1} in by_file and {BLACK, WHITE} in by_file
    if ways and set().union(*by_file) == {BLACK, 1, WHITE} and not any({1, WHITE} <= values for values in by_file):
        raise InputError(
            f"{where}: some masks hold 0 and 1, others 0 and 255, and none all three; is 255 the foreground or ignored? Save "
            "all of them in one way"
        )


def _fitting(palette: Palette | None, classes: Sequence[str]) -> Palette | None:
    return palette if palette is not None and len(palette) == len(classes) else None
