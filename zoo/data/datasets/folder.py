"""Folder: images/ and masks/ of your own."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.data.dataset import ImageMaskDataset
from zoo.data.folders import PARTS, check_pairs, files_by_stem, mask_pages, need_folder, pair_up, read_lines
from zoo.data.image_files import IMAGE_SUFFIXES
from zoo.data.mask_values import labelled
from zoo.data.registry import dataset
from zoo.errors import InputError, unknown


@dataset("folder", spec="folder:PATH", help="images/ and masks/, the split in train.txt, val.txt, test.txt")
def folder(path: Path, split: str) -> ImageMaskDataset:
    """A plain folder: images/ and masks/ with files of the same stems; masks grey or palette, 255 ignored.

    classes.txt: a name a line, line i (from 0) is mask value i. Without it every mask is read once to find the greatest
    value, and classes are called class0, class1, …
    Masks of two classes may also be drawn in black and white (0 and 255 only): 255 is then class 1 and nothing is
    ignored. One line in classes.txt is the name of what is looked for; the background is class 0 beside it.
    A stack of n pages (TIFF), with the stack of its masks, is n samples.

    train.txt, val.txt, test.txt: the stems of each split (`trainval` is the first two). Without any of them the split
    is drawn by the stems' SHA-256: the lowest tenth is val, the next tenth test (one each at least), the rest train;
    so it is the same on every machine. Neighbouring frames of a film fall apart that way: list the splits for those.
    """
    need_folder(path, "folder")
    images = need_folder(path / "images", "folder", "the images")
    masks = need_folder(path / "masks", "folder", "the masks")
    if split not in PARTS:
        raise unknown("split of a folder", split, PARTS)
    pairs = []
    for part, (stems, source) in parts_of(path, images).items():
        if part in PARTS[split]:
            pairs += pair_up(images, masks, stems, source)
    if not pairs:
        raise InputError(f"{path.resolve().name}/{split}: the split is empty; {_reason(path, images, split)}")
    check_pairs(images, masks)  # also what is in no split: a stray file is found now and not after the training
    listed = read_lines(path / "classes.txt") if (path / "classes.txt").is_file() else None
    return labelled(f"{path.resolve().name}/{split}", pairs, listed, mask_pages(masks))


def _reason(path: Path, images: Path, split: str) -> str:
    """The reason why a split holds nothing, and what to do."""
    lists = [f"{part}.txt" for part in PARTS[split]]
    if any((path / name).is_file() for name in lists):
        return f"{' and '.join(str(path / name) for name in lists)} should list its images' stems, a line each"
    others = sorted(entry.name for entry in path.glob("*.txt") if entry.stem in PARTS)
    if others:
        return f"its images' stems belong into {' and '.join(lists)} in {path}, where there is but {', '.join(others)}"
    count = len(files_by_stem(images, IMAGE_SUFFIXES))
    return f"{images} holds {count}, and each of train, val and test needs one image with its mask at least"


def parts_of(path: Path, images: Path) -> dict[str, tuple[list[str], Path]]:
    """The stems of each split of a folder, and the file they come from."""
    lists = {part: path / f"{part}.txt" for part in ("train", "val", "test")}
    if any(entry.is_file() for entry in lists.values()):
        return {part: (read_lines(entry), entry) for part, entry in lists.items() if entry.is_file()}
    stems = sorted(files_by_stem(images, IMAGE_SUFFIXES), key=lambda stem: hashlib.sha256(stem.encode()).digest())
    tenth = max(1, len(stems) // 10)
    drawn = {"val": stems[:tenth], "test": stems[tenth : 2 * tenth], "train": stems[2 * tenth :]}
    return {part: (sorted(chosen), path) for part, chosen in drawn.items()}
