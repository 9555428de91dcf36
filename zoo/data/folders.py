"""Folders of picture files: images and masks found and paired by stem, with an error that names the file that is amiss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from zoo.data.image_files import IMAGE_SUFFIXES, MASK_SUFFIXES
from zoo.errors import InputError

Pair = tuple[str, Path, Path]  # stem, image, mask
UNLABELLED = 255  # VOC's value for outlines and what is too hard to tell; folders follow it
# Split → the parts of a layout that it is made of.
PARTS = {"train": ("train",), "val": ("val",), "test": ("test",), "trainval": ("train", "val")}


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
        if path.stem in by_stem:
            raise InputError(
                f"{path}: {by_stem[path.stem].name} has the same stem, so one mask would serve both; rename one"
            )
        by_stem[path.stem] = path
    return by_stem


def pair_up(images: Path, masks: Path, stems: Sequence[str] | None = None, source: Path | None = None) -> list[Pair]:
    """Images and masks of the same stem: all there are, or those of `stems` in their order (as listed in `source`).

    Raises InputError for an image without a mask, a mask without an image, and a stem listed that has no image.
    """
    image_files, mask_files = files_by_stem(images, IMAGE_SUFFIXES), files_by_stem(masks, MASK_SUFFIXES)
    if stems is None:
        for stem, path in mask_files.items():
            if stem not in image_files:
                raise InputError(f"{path}: this mask has no image {stem}.* in {images}")
        stems = list(image_files)
    pairs = []
    for stem in stems:
        if stem not in image_files:
            raise InputError(f"{source}: lists {stem!r}, and there is no image {stem}.* in {images}")
        if stem not in mask_files:
            lossy = [path.name for path in sorted(masks.glob(f"{stem}.*")) if path.suffix.lower() in IMAGE_SUFFIXES]
            hint = f" ({lossy[0]} is not a lossless format that keeps indices; use PNG)" if lossy else ""
            raise InputError(f"{image_files[stem]}: this image has no mask {stem}.png in {masks}{hint}")
        pairs.append((stem, image_files[stem], mask_files[stem]))
    return pairs


def read_lines(path: Path) -> list[str]:
    """The lines of a text file that are not blank, stripped. Raises InputError where it is missing or not UTF-8."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a text file in UTF-8") from error
    return [line.strip() for line in text.splitlines() if line.strip()]
