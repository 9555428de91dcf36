"""Mask R-CNN: Faster R-CNN over a feature pyramid, with regions cut by interpolation and a mask for each.

He, Gkioxari, Dollár & Girshick, "Mask R-CNN", ICCV 2017; Lin et al., "Feature Pyramid Networks for Object Detection", CVPR
2017.

Faithful to torchvision's `maskrcnn_resnet50_fpn`: ResNet-50 whose batch normalisation is frozen, a pyramid of 256 channels at
strides 4 to 64, three anchors a place and one scale a level (32 to 512 pixels), 7×7 RoIAlign and two fully connected layers,
14×14 RoIAlign, four convolutions, a transposed one and a mask for each class; 44,401,393 parameters with COCO's 90 classes and
the background.
Different: masks are told of all proposals, not of the boxes that were chosen, so that the model is one graph; proposals are
`count` of each picture, torchvision's 1,000 of each level and of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.errors import InputError
from zoo.lazy import keras
from zoo.models.blocks.two_stage import PROPOSALS, REGIONS, per_picture, ratio_sides
from zoo.models.encoders import features as encoder_features
from zoo.paper import Paper

PAPER = Paper("Mask R-CNN", "He, Gkioxari, Dollár & Girshick", 2017, "https://arxiv.org/abs/1703.06870")
STRIDES = (4, 8, 16, 32)
SCALES, RATIOS = (32, 64, 128, 256, 512), (0.5, 1.0, 2.0)  # a scale a level, of which the coarsest is for proposals alone
BOX_SIZE, MASK_SIZE = (7, 7), (14, 14)


def pyramid(features: list[Any], channels: int) -> list[Any]:
    """FPN: from the deepest feature down, each enlarged and added to a 1×1 convolution of the next; 3×3 of every sum."""
    x, maps = None, []
    for level in reversed(range(len(features))):
        lateral = keras.layers.Conv2D(channels, 1, name=f"fpn_lateral{level + 2}")(features[level])
        if x is not None:
            x = layers.ResizeLike("nearest", name=f"fpn_up{level + 2}")([x, lateral])
            lateral = keras.layers.Add(name=f"fpn_add{level + 2}")([lateral, x])
        x = lateral
        maps.insert(0, keras.layers.Conv2D(channels, 3, padding="same", name=f"fpn_p{level + 2}")(x))
    return maps


def proposal_heads(maps: list[Any], channels: int) -> list[Any]:
    """Objectness and offsets of every level, one after the other, by one set of weights."""
    start = {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.01)}
    shared = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name="rpn_conv", **start)
    objectness = keras.layers.Conv2D(len(RATIOS), 1, name="objectness", **start)
    offsets = keras.layers.Conv2D(4 * len(RATIOS), 1, name="offsets", **start)
    return [head(x) for x in map(shared, maps) for head in (objectness, offsets)]


def box_head(x: Any, classes: int, count: int, units: int) -> tuple[Any, Any]:
    """Two fully connected layers, scores and boxes."""
    x = keras.layers.Flatten(name="flatten")(x)
    for number in (6, 7):
        x = keras.layers.Dense(units, activation="relu", name=f"fc{number}")(x)
    scores = keras.layers.Dense(1 + classes, name="region_scores")(x)
    boxes = keras.layers.Dense(4 * (1 + classes), name="region_offsets")(x)
    return per_picture(scores, count, "scores"), per_picture(boxes, count, "boxes")


def mask_head(x: Any, classes: int, count: int, channels: int) -> Any:
    """Four 3×3 convolutions, one to twice the side, and a mask for the background and each class."""
    for number in range(1, 5):
        x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"mask_conv{number}")(x)
    x = keras.layers.Conv2DTranspose(channels, 2, 2, activation="relu", name="mask_up")(x)
    return per_picture(keras.layers.Conv2D(1 + classes, 1, name="mask_logits")(x), count, "masks")


def mask_rcnn(
    input_shape: tuple[int, int, int] = (800, 1088, 3),
    classes: int = 90,
    *,
    proposals: int = 300,
    candidates: int = 1000,
    encoder: str = "resnet50",
    encoder_options: Mapping[str, Any] | None = None,
    channels: int = 256,
    units: int = 1024,
) -> keras.Model:
    """An image to the dict of outputs that `zoo.models.blocks.two_stage` says, masks N×R×28×28×(1 + classes) among them.

    Args:
        input_shape: (H, W, channels) of the picture, 0–255.
        classes: without the background.
        proposals: that the heads look at, of each picture.
        candidates: of each level before suppression.
        encoder: any encoder with strides 4 to 32; its batch normalisation is frozen.
        encoder_options: options of that encoder.
        channels: of the pyramid and the heads.
        units: of the box head.

    Raises:
        zoo.errors.InputError: for a picture of unknown sides, or an encoder without these strides.
    """
    if None in input_shape:
        raise InputError(f"mask_rcnn(input_shape={input_shape}): regions are cut from maps of known sides; give all three")
    image = keras.Input(input_shape, name="image")
    features = encoder_features(encoder, image, **(encoder_options or {})).at(*STRIDES)
    maps = pyramid(features, channels)
    coarsest = keras.layers.MaxPooling2D(1, 2, name="fpn_p6")(maps[-1])
    said = proposal_heads([*maps, coarsest], channels)
    sides = [ratio_sides([scale], RATIOS) for scale in SCALES]
    strides = [*STRIDES, 2 * STRIDES[-1]]
    chosen = {"count": proposals, "before": candidates, "least": 1.0, "offset": 0.0}
    boxes = layers.Proposals(sides, strides, input_shape[:2], **chosen, name=PROPOSALS)(said)
    regions = layers.PyramidRoIAlign(BOX_SIZE, STRIDES, name=REGIONS)([*maps, boxes])
    scores, moves = box_head(regions, classes, proposals, units)
    regions = layers.PyramidRoIAlign(MASK_SIZE, STRIDES, name="mask_regions")([*maps, boxes])
    masks = mask_head(regions, classes, proposals, channels)
    levels = [f"s{stride}" for stride in strides]
    outputs = {f"objectness_{level}": x for level, x in zip(levels, said[::2], strict=True)}
    outputs |= {f"offsets_{level}": x for level, x in zip(levels, said[1::2], strict=True)}
    outputs |= {"proposals": boxes, "scores": scores, "boxes": moves, "masks": masks}
    model = keras.Model(image, outputs, name="mask_rcnn")
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    return model
