"""Optical flow of others: pairs of pictures with the true motion between them, in the layouts that they are published in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.flow_files import READERS, read_flow
from zoo.data.folders import PARTS, need_folder, read_lines
from zoo.data.image_files import IMAGE_SUFFIXES, read_rgb
from zoo.data.registry import dataset
from zoo.data.sample import Sample
from zoo.data.targets import FlowField
from zoo.errors import InputError, unknown

PICTURES = (*IMAGE_SUFFIXES, ".ppm")
CHAIRS_LIST, CHAIRS_PARTS = "FlyingChairs_train_val.txt", {"1": "train", "2": "val"}  # a number a pair, in the pairs' order


@dataclass(frozen=True)
class Layout:
    """How a data set lies on disk.

    Attributes:
        flow: what the file of a flow ends in, behind the name of the pair.
        frames: what its two pictures end in, likewise, or lie in beside the flow's folder; without their ending.
        named_by_folder: whether the pair's name is that of the folder, and not a part of the files' names.
    """

    flow: tuple[str, ...]
    frames: tuple[str, str]
    named_by_folder: bool = False


LAYOUTS = {
    "Middlebury": Layout(("flow10.flo", "flow10.png"), ("frame10", "frame11"), named_by_folder=True),
    "KITTI": Layout(("_10.png",), ("_10", "_11")),
    "FlyingChairs": Layout(("_flow.flo",), ("_img1", "_img2")),
    "FlyingChairs' examples": Layout(("-gt.flo",), ("-img0", "-img1")),
}
# A folder of flows → folders beside it that may hold its pictures.
FOLDERS = {"flow_occ": ("image_2", "colored_0", "image_0"), "other-gt-flow": ("other-data", "other-color-twoframes")}


@dataclass(frozen=True)
class FlowPair:
    """Two pictures and the flow from the first to the second."""

    name: str
    first: Path
    second: Path
    flow: Path


class FlowFolder(Dataset):
    """Pairs of pictures, uint8 H×W×6, and the flow of every pixel where it is known.

    `dataset[i]` raises InputError naming the file that cannot be read, and for pictures and flow of different sizes.
    """

    task = "optical_flow"
    target = FlowField

    def __init__(self, name: str, pairs: list[FlowPair]) -> None:
        self.name, self.pairs = name, tuple(pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        pair = self.pairs[self.position(index)]
        first, second, flow = read_rgb(pair.first), read_rgb(pair.second), read_flow(pair.flow)
        for path, size in ((pair.second, second.shape[:2]), (pair.flow, flow.size)):
            if size != first.shape[:2]:
                sizes = " and ".join("×".join(map(str, each)) for each in (first.shape[:2], size))
                raise InputError(f"{pair.first.name} and {path} differ in size: {sizes} (H×W)")
        return Sample(np.concatenate([first, second], axis=-1), flow, pair.name)


@dataset("flow", spec="flow:PATH", help="optical flow as Middlebury, KITTI and FlyingChairs lie on disk")
def flow(path: Path, split: str) -> FlowFolder:
    """Every pair below a folder, in any of these layouts, whose flows are .flo or KITTI's PNG:

    - Middlebury: NAME/frame10.png, NAME/frame11.png and NAME/flow10.flo, or other-data/NAME/ and other-gt-flow/NAME/;
    - KITTI: image_2/N_10.png, image_2/N_11.png and flow_occ/N_10.png;
    - FlyingChairs: N_img1.ppm, N_img2.ppm and N_flow.flo, or N-img0.png, N-img1.png and N-gt.flo.

    train.txt, val.txt, test.txt list the names of a split's pairs, a line each: the flow file's path in the folder without what
    all have in common (`middlebury/Venus`, `flow_occ/000007`). FlyingChairs's own list parts it into train and val, and test is
    its val, as in its paper. Without a list all pairs are `test`: these sets are small, and what is trained on is no test.
    """
    need_folder(path, "flow")
    if split not in PARTS:
        raise unknown("split of flow", split, PARTS)
    pairs = list(_pairs(path))
    if not pairs:
        raise InputError(f"{path}: holds no flow in a layout that is known: {', '.join(LAYOUTS)}")
    chosen = _split(path, pairs, split)
    if not chosen:
        raise InputError(
            f"flow/{split}: the split is empty; without lists every pair is `test`: list the names of those to train on, "
            f"a line each, in {path / 'train.txt'} and {path / 'val.txt'}, as {pairs[0].name}"
        )
    return FlowFolder(f"{path.resolve().name}/{split}", chosen)


def _split(path: Path, pairs: list[FlowPair], split: str) -> list[FlowPair]:
    """The pairs of a split, by the folder's lists or FlyingChairs's own."""
    own = path / CHAIRS_LIST
    if own.is_file():
        parts = [CHAIRS_PARTS.get(line) for line in read_lines(own)]
        if None in parts or len(parts) != len(pairs):
            raise InputError(f"{own}: {len(parts)} lines for {len(pairs)} pairs; expected 1 (train) or 2 (val) for each")
        wanted = ("val",) if split == "test" else PARTS[split]
        return [pair for pair, part in zip(pairs, parts, strict=True) if part in wanted]
    lists = [path / f"{part}.txt" for part in PARTS[split]]
    if not any((path / f"{part}.txt").is_file() for part in ("train", "val", "test")):
        return pairs if split == "test" else []
    by_name = {pair.name: pair for pair in pairs}
    chosen = []
    for source in (source for source in lists if source.is_file()):
        for name in read_lines(source):
            if name not in by_name:
                raise InputError(f"{source}: lists {name!r}, and there is no such pair; there is {pairs[0].name!r}")
            chosen.append(by_name[name])
    return chosen


def _pairs(path: Path) -> Iterator[FlowPair]:
    """The pairs below a folder, by the path of their flow."""
    for source in sorted(path.rglob("*")):
        layout = next((each for each in LAYOUTS.values() if source.name.endswith(each.flow)), None)
        if layout is None or source.suffix not in READERS:
            continue
        ending = next(each for each in layout.flow if source.name.endswith(each))
        stem = source.name.removesuffix(ending)
        if layout.named_by_folder and stem:
            continue
        folders = _picture_folders(source.parent, path)
        if source.parent in folders and stem + layout.frames[0] == source.stem:
            continue  # KITTI's pictures are called as its flows are, in another folder
        frames = [_picture(folders, stem + frame, source) for frame in layout.frames]
        relative = source.parent.relative_to(path)
        yield FlowPair((relative if layout.named_by_folder else relative / stem).as_posix(), *frames, source)


def _picture_folders(folder: Path, root: Path) -> list[Path]:
    """The folders that may hold the pictures of a folder's flows: itself, or those beside the one that is for flows alone."""
    parts = folder.relative_to(root.parent).parts
    for level, part in enumerate(parts):
        if part in FOLDERS:
            top = Path(root.parent, *parts[:level])
            return [Path(top, other, *parts[level + 1 :]) for other in FOLDERS[part]]
    return [folder]


def _picture(folders: list[Path], stem: str, flow: Path) -> Path:
    paths = [folder / f"{stem}{ending}" for folder in folders for ending in PICTURES]
    picture = next((path for path in paths if path.is_file()), None)
    if picture is None:
        raise InputError(f"{flow}: this flow has no picture {stem}.* in {' or '.join(map(str, folders))}")
    return picture
