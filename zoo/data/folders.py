"""Folders of picture files: images and masks found and paired by stem, with an error that names the file that is amiss."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.data.image_files import IMAGE_SUFFIXES, MASK_SUFFIXES, pages
from zoo.errors import InputError

UNLABELLED = 255  # VOC's value for outlines and what is too hard to tell; folders follow it
# Split → the parts of a layout that it is made of.
PARTS = {"train": ("train",), "val": ("val",), "test": ("test",), "trainval": ("train", "val")}


class Pair(NamedTuple):
    """A picture and its mask: two files, or a page of two stacks.

    Attributes:
        name: of the sample.
        image, mask: the files.
        page: of both, from 0, where they hold several.
    """

    name: str
    image: Path
    mask: Path
    page: int | None = None


def need_folder(path: Path, layout: str, what: str = "the data") -> Path:
    """The path, if it is a folder.

    Raises:
        InputError: if not, saying what was expected there.
    """
    if path.is_dir():
        return path
    state = "is a file, not a folder" if path.exists() else "does not exist"
    raise InputError(f"{layout}: {what} should be in {path}, which {state}")


def files_by_stem(folder: Path, suffixes: Iterable[str]) -> dict[str, Path]:
    """The picture files of a folder by stem, sorted. Raises InputError where two files share a stem."""
    by_stem: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        stem = _composed(path.stem)
        if stem in by_stem:
            raise InputError(f"{path}: {by_stem[stem].name} has the same stem, so one mask would serve both; rename one")
        by_stem[stem] = path
    return by_stem


def pair_up(images: Path, masks: Path, stems: Sequence[str] | None = None, source: Path | None = None) -> list[Pair]:
    """Images and masks of the same stem: all there are, or those of `stems` in their order (as listed in `source`).

    A stack of n pages (TIFF) and the stack of its masks are n pairs.

    Raises InputError for an image without a mask, a mask without an image, a stem listed that has no image, and stacks of
    different lengths.
    """
    pairs = _pairs_of_files(images, masks, stems, source)
    return [page for pair in pairs for page in _by_page(pair)]


def check_pairs(images: Path, masks: Path) -> None:
    """Refuses an image without a mask and a mask without an image, whatever is to be read of them.

    Raises:
        InputError: naming the file.
    """
    _pairs_of_files(images, masks, None, None)


def mask_pages(masks: Path) -> list[tuple[Path, int | None]]:
    """Every mask of a folder: its file, and its page where that holds several."""
    files = files_by_stem(masks, MASK_SUFFIXES).values()
    return [(path, page) for path in files for page in _numbers(pages(path))]


def _pairs_of_files(images: Path, masks: Path, stems: Sequence[str] | None, source: Path | None) -> list[Pair]:
    image_files, mask_files = files_by_stem(images, IMAGE_SUFFIXES), files_by_stem(masks, MASK_SUFFIXES)
    if stems is None:
        for stem, path in mask_files.items():
            if stem not in image_files:
                raise InputError(f"{path}: this mask has no image {stem}.* in {images}")
        stems = list(image_files)
    pairs = []
    for stem in map(_composed, stems):
        if stem not in image_files:
            raise InputError(f"{source}: lists {stem!r}, and there is no image {stem}.* in {images}")
        if stem not in mask_files:
            lossy = [path.name for path in files_by_stem(masks, IMAGE_SUFFIXES).values() if _composed(path.stem) == stem]
            hint = f" ({lossy[0]} is not a lossless format that keeps indices; use PNG)" if lossy else ""
            raise InputError(f"{image_files[stem]}: this image has no mask {stem}.png in {masks}{hint}")
        pairs.append(Pair(stem, image_files[stem], mask_files[stem]))
    return pairs


def _by_page(pair: Pair) -> list[Pair]:
    count = pages(pair.image)
    if pages(pair.mask) != count:
        raise InputError(
            f"{pair.mask}: holds {pages(pair.mask)} pages and its image {pair.image.name} {count}; they go together page by "
            "page"
        )
    if count == 1:
        return [pair]
    width = len(str(count - 1))
    return [pair._replace(name=f"{pair.name}_{page:0{width}}", page=page) for page in range(count)]


def _numbers(count: int) -> Iterable[int | None]:
    """Numbers of the pages of a file; None of the only one."""
    return range(count) if count > 1 else (None,)


def _composed(stem: str) -> str:
    """A stem with its accents as one letter each, which macOS writes as two."""
    return unicodedata.normalize("NFC", stem)


def read_lines(path: Path) -> list[str]:
    """The lines of a text file that are not blank, stripped. Raises InputError where it is missing or not UTF-8."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a text file in UTF-8") from error
    return [line.strip() for line in text.splitlines() if line.strip()]
