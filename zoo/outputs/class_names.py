"""The classes of the data sets that papers' networks are published for, in the order of their releases."""

from __future__ import annotations

CAMVID = (  # the 11 of the SegNet split; colours in `zoo.outputs.palettes.CAMVID`
    "sky", "building", "pole", "road", "pavement", "tree", "sign_symbol", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
CIFAR_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CITYSCAPES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)  # fmt: skip
DIGITS = tuple("0123456789")
ISBI = ("membrane", "cell")
