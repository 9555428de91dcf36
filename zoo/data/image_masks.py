"""A dataset of picture files, each with a mask file of the same stem. Every layout on disk becomes one of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.data.dataset import Dataset, Palette, Sample
from zoo.data.image_files import IMAGE_SUFFIXES, MASK_SUFFIXES, read_mask, read_rgb
from zoo.errors import InputError
from zoo.outputs.palettes import voc_palette

Pair = tuple[str, Path, Path]  # stem, image, mask


class ImageMaskDataset(Dataset):
    """Images with masks. Files are checked for being there at once, for what is in them when they are read.

    name: for tables and messages. pairs: (stem, image, mask) each. classes: label names. palette: VOC's colour map if
    None. ignore: the value of unlabelled pixels in a target, or None. values: what a mask file's values mean (file
    value → class index) where they are not the indices themselves.

    `dataset[i]` raises InputError naming the file for an unreadable image or mask, differing sizes, and a mask value
    that is neither a class nor the ignore value.
    """

    def __init__(
        self,
        name: str,
        pairs: Sequence[Pair],
        classes: Sequence[str],
        palette: Palette | None = None,
        ignore: int | None = None,
        values: Mapping[int, int] | None = None,
    ) -> None:
        if not pairs:
            raise InputError(f"{name}: the split is empty; it needs one image with its mask at least")
        if not 1 <= len(classes) <= 255:
            raise InputError(f"{name}: {len(classes)} classes; masks of 8 bits hold 1 to 255")
        self.name, self.pairs, self.classes, self.ignore = name, tuple(pairs), tuple(classes), ignore
        self.palette = palette or voc_palette(len(classes))
        # One look-up turns file values into targets and finds the strays: −1 is "no such class".
        self._table = np.full(256, -1, np.int16)
        for value, index in (values or {index: index for index in range(len(classes))}).items():
            self._table[value] = index
        if ignore is not None:
            self._table[ignore] = ignore

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        stem, image_path, mask_path = self.pairs[self.position(index)]
        image, mask = read_rgb(image_path), read_mask(mask_path)
        if image.shape[:2] != mask.shape:
            raise InputError(
                f"{mask_path}: the mask is {mask.shape[1]}×{mask.shape[0]} (W×H) and its image {image_path.name} is "
                f"{image.shape[1]}×{image.shape[0]}, upright; they must be of one size"
            )
        target = self._table[mask]
        if target.min() < 0:
            strays = ", ".join(str(value) for value in np.unique(mask[target < 0])[:5])
            count, spare = len(self.classes), "" if self.ignore is None else f" (or {self.ignore}, ignored)"
            raise InputError(f"{mask_path}: mask value {strays} is outside the {count} classes 0–{count - 1}{spare}")
        return Sample(image, target.astype(np.uint8), stem)


def need_folder(path: Path, layout: str, what: str = "the data") -> Path:
    """The path, if it is a folder; InputError saying what was expected there if not."""
    if path.is_dir():
        return path
    state = "is a file, not a folder" if path.exists() else "does not exist"
    raise InputError(f"{layout}: {what} should be in {path}, which {state}")


def files_by_stem(folder: Path, suffixes: Iterable[str]) -> dict[str, Path]:
    """The picture files of a folder by stem, sorted. Raises InputError where two files share a stem."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        if path.stem in found:
            raise InputError(
                f"{path}: {found[path.stem].name} has the same stem, so one mask would serve both; rename one"
            )
        found[path.stem] = path
    return found


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
