"""Clothing Co-Parsing (Yang, Luo & Lin, CVPR 2014): street-fashion photographs, as published or with classes merged."""

from __future__ import annotations

from pathlib import Path

from zoo.data.dataset import ImageMaskDataset
from zoo.data.datasets.folder import folder
from zoo.data.folders import read_lines
from zoo.data.registry import dataset
from zoo.errors import InputError

BACKGROUND = "null"  # the published name of class 0
PERSON = ((0, 0, 0), (192, 128, 128))  # as in VOC's palette
# fmt: off
CLOTHING: dict[str, tuple[str, ...]] = {  # merged class → the published ones
    "background": (BACKGROUND,),
    "skin": ("skin",),
    "hair": ("hair",),
    "headwear": ("hat",),
    "eyewear": ("glasses", "sunglasses"),
    "top": (
        "blouse", "bodysuit", "bra", "cardigan", "hoodie", "jumper", "shirt", "sweater", "sweatshirt", "t-shirt", "top",
        "vest", "intimate", "swimwear",
    ),
    "outerwear": ("blazer", "cape", "coat", "jacket", "suit"),
    "dress": ("dress", "romper"),
    "trousers": ("jeans", "leggings", "panties", "pants", "shorts", "stockings", "tights"),
    "skirt": ("skirt",),
    "shoes": ("boots", "clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes", "sneakers", "wedges", "socks"),
    "bags and accessories": (
        "accessories", "bag", "belt", "bracelet", "earrings", "gloves", "necklace", "purse", "ring", "scarf", "tie",
        "wallet", "watch",
    ),
}
# fmt: on
CLOTHING_PALETTE = (
    (0, 0, 0), (244, 194, 160), (120, 72, 40), (230, 190, 60), (40, 200, 220), (66, 133, 244),
    (30, 70, 150), (219, 68, 110), (60, 160, 90), (170, 110, 220), (230, 110, 40), (150, 150, 150),
)  # fmt: skip


@dataset("ccp", spec="ccp:PATH", help="Clothing Co-Parsing, its 59 classes as published")
def ccp(path: Path, split: str) -> ImageMaskDataset:
    """The 59 classes as published: images/, masks/, classes.txt and a list of stems for each split."""
    return folder(path, split)


@dataset("ccp_person", spec="ccp_person:PATH", help="Clothing Co-Parsing: background and person")
def ccp_person(path: Path, split: str) -> ImageMaskDataset:
    """Background and person: whatever is worn or carried (every class but `null`) belongs to who wears it."""
    published = _published(path)
    groups = {"background": (BACKGROUND,), "person": tuple(name for name in published if name != BACKGROUND)}
    return _merged(path, split, published, groups, PERSON)


@dataset("ccp_clothing", spec="ccp_clothing:PATH", help="Clothing Co-Parsing: twelve merged classes")
def ccp_clothing(path: Path, split: str) -> ImageMaskDataset:
    """The classes of `CLOTHING`: what a photograph shows plainly, where the 59 split hairs (jumper or sweater)."""
    return _merged(path, split, _published(path), CLOTHING, CLOTHING_PALETTE)


def _published(path: Path) -> list[str]:
    names = read_lines(path / "classes.txt")
    if names[:1] != [BACKGROUND]:
        raise InputError(f"{path / 'classes.txt'}: the first of CCP's classes is {BACKGROUND!r}, this starts with {names[:1]}")
    return names


def _merged(
    path: Path, split: str, published: list[str], groups: dict[str, tuple[str, ...]], palette: tuple
) -> ImageMaskDataset:
    """The dataset with every published class under the group that names it."""
    group_of = {name: index for index, members in enumerate(groups.values()) for name in members}
    strays = [name for name in published if name not in group_of]
    if strays:
        raise InputError(f"{path / 'classes.txt'}: {', '.join(strays[:3])} is none of CCP's 59 classes")
    whole = folder(path, split)
    values = {value: group_of[name] for value, name in enumerate(published)}
    return ImageMaskDataset(whole.name, whole.pairs, tuple(groups), palette, values=values)
