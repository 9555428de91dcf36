"""Detectors in two stages: what they have in common, and the parts that one comes apart into.

A network of two stages answers rows (`zoo.layers.TwoStageBoxes`) of regions N×R×4 in pixels, which its layer `PROPOSALS`
gives, and of what its second stage says of them once its layer `REGIONS` has cut them from the maps. It becomes one file,
proposals and all, of operations that an accelerator takes. So do its two dense parts, `first_stage` and `region_heads`, for
whoever chooses proposals and cuts their regions elsewhere; `second_stage` is the latter with the cutting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.encoders import features as encoder_features

PROPOSALS, REGIONS = "proposals", "regions"  # the layers that the parts meet at
STRIDE = 16  # of VGG16's last map


def vgg_map(image: Any, width: float) -> Any:
    """VGG16's conv5_3, without the pooling behind it."""
    return encoder_features("vgg16", image, width=width).taps["s32"]


def region_head(x: Any, classes: int, count: int, units: int, dropout: float = 0.0) -> tuple[Any, Any]:
    """fc6 and fc7 of each region, and from them the scores of the background and the classes, and a box for each."""
    x = keras.layers.Flatten(name="flatten")(x)
    for number in (6, 7):
        x = keras.layers.Dense(units, activation="relu", name=f"fc{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"dropout{number}")(x)
    small, smaller = (keras.initializers.RandomNormal(stddev=spread) for spread in (0.01, 0.001))
    scores = keras.layers.Dense(1 + classes, kernel_initializer=small, name="region_scores")(x)
    boxes = keras.layers.Dense(4 * (1 + classes), kernel_initializer=smaller, name="region_offsets")(x)
    return per_picture(scores, count, "scores"), per_picture(boxes, count, "boxes")


def first_stage(model: keras.Model) -> keras.Model:
    """From a picture to the maps that regions are cut from and what is said of each anchor; a dict of named outputs."""
    *maps, _ = model.get_layer(REGIONS).input
    said = keras.tree.flatten(model.get_layer(PROPOSALS).input)
    outputs = {**_numbered("features", maps), **_numbered("objectness", said[::2]), **_numbered("offsets", said[1::2])}
    return keras.Model(model.inputs[0], outputs, name=f"{model.name}_first_stage")


def second_stage(model: keras.Model) -> keras.Model:
    """From [map, …, regions N×R×4], as many as proposals, to a dict of what is said of each: scores, boxes and masks."""
    names = {layer.name for layer in model.layers}
    ends = {name: model.get_layer(name).output for name in ("scores", "boxes", "masks") if name in names}
    return keras.Model(model.get_layer(REGIONS).input, ends, name=f"{model.name}_second_stage")


def region_heads(model: keras.Model) -> keras.Model:
    """From regions of one size, M×h×w×C, to a dict of the scores and boxes of each, M×(1 + K) and M×4·(1 + K)."""
    ends = {"scores": model.get_layer("region_scores").output, "boxes": model.get_layer("region_offsets").output}
    return keras.Model(model.get_layer(REGIONS).output, ends, name=f"{model.name}_region_heads")


def per_picture(x: Any, count: int, name: str) -> Any:
    """What is said of all regions in a row, N·R×C, given back to their pictures."""
    return layers.RegionsOfPictures(count, name=name)(x)


def ratio_sides(scales: Sequence[float], ratios: Sequence[float]) -> list[tuple[float, float]]:
    """(width, height) in pixels of anchors of areas scale² and of heights over widths, ratio after ratio."""
    return [(scale / ratio**0.5, scale * ratio**0.5) for ratio in ratios for scale in scales]


def _numbered(name: str, tensors: Sequence[Any]) -> dict[str, Any]:
    return {name: tensors[0]} if len(tensors) == 1 else {f"{name}_{level}": x for level, x in enumerate(tensors, start=1)}
