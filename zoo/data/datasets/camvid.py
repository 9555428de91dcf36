"""CamVid: streets seen from a car, as SegNet's authors laid them out."""

from __future__ import annotations

from pathlib import Path

from zoo.data.dataset import ImageMaskDataset
from zoo.data.folders import PARTS, need_folder, pair_up, read_lines
from zoo.data.registry import dataset
from zoo.errors import unknown
from zoo.outputs import class_names, palettes


@dataset("camvid", spec="camvid:PATH", help="SegNet's layout of CamVid")
def camvid(path: Path, split: str) -> ImageMaskDataset:
    """CamVid in SegNet's layout: train/, trainannot/, val/, valannot/, test/, testannot/; PNG or JPEG images.

    Masks are 8-bit with the class index; the value after the last class (11 of the usual 11 classes) is void and
    ignored. classes.txt, where there is one, names the classes line by line; a last line `void` is the ignored value.
    Splits: train, val, test, trainval.
    """
    need_folder(path, "camvid")
    if split not in PARTS:
        raise unknown("split of camvid", split, PARTS)
    names = read_lines(path / "classes.txt") if (path / "classes.txt").is_file() else list(class_names.CAMVID)
    if names[-1:] in (["void"], ["unlabelled"]):
        names = names[:-1]
    pairs = []
    for part in PARTS[split]:
        images = need_folder(path / part, "camvid", "the images")
        pairs += pair_up(images, need_folder(path / f"{part}annot", "camvid", "the masks"))
    palette = palettes.CAMVID if len(names) == len(palettes.CAMVID) else palettes.voc_palette(len(names))
    return ImageMaskDataset(f"camvid/{split}", pairs, names, palette, ignore=len(names))
