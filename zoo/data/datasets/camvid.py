"""CamVid: streets seen from a car, as SegNet's authors laid them out."""

from __future__ import annotations

from pathlib import Path

from zoo.data.dataset import ImageMaskDataset
from zoo.data.folders import PARTS, mask_pages, need_folder, pair_up, read_lines
from zoo.data.mask_values import labelled
from zoo.data.registry import dataset
from zoo.errors import unknown
from zoo.outputs import class_names, palettes


@dataset("camvid", spec="camvid:PATH", help="SegNet's layout of CamVid")
def camvid(path: Path, split: str) -> ImageMaskDataset:
    """CamVid in SegNet's layout: train/, trainannot/, val/, valannot/, test/, testannot/; PNG or JPEG images.

    Masks are 8-bit with the class index; the value after the last class (11 of the usual 11 classes) is void and
    ignored. classes.txt, where there is one, names the classes line by line; a last line `void` is the ignored value, and of
    another number of classes than 11 nothing is ignored without that line. One class or two may be drawn in black and white.
    Splits: train, val, test, trainval.
    """
    need_folder(path, "camvid")
    if split not in PARTS:
        raise unknown("split of camvid", split, PARTS)
    names = read_lines(path / "classes.txt") if (path / "classes.txt").is_file() else list(class_names.CAMVID)
    void = names[-1:] in (["void"], ["unlabelled"])
    names = names[:-1] if void else names
    pairs = []
    for part in PARTS[split]:
        images = need_folder(path / part, "camvid", "the images")
        pairs += pair_up(images, need_folder(path / f"{part}annot", "camvid", "the masks"))
    ignore = len(names) if void or len(names) == len(class_names.CAMVID) else None
    masks = [mask for folder in sorted(path.glob("*annot")) for mask in mask_pages(folder)]
    return labelled(f"camvid/{split}", pairs, names, masks, palettes.CAMVID, ignore)
