"""Mask R-CNN: Faster R-CNN over a feature pyramid, with regions cut by interpolation and a mask for each.

He, Gkioxari, Dollár & Girshick, "Mask R-CNN", ICCV 2017; Lin et al., "Feature Pyramid Networks for Object Detection", CVPR
2017.

Faithful to torchvision's `maskrcnn_resnet50_fpn`: ResNet-50 whose batch normalisation is frozen, a pyramid of 256 channels at
strides 4 to 64, three anchors a place and one scale a level (32 to 512 pixels), 7×7 RoIAlign and two fully connected layers,
14×14 RoIAlign, four convolutions, a transposed one and a mask for each class; 44,401,393 parameters with COCO's 90 classes and
the background.
Different: masks are told of all proposals, not of the boxes that were chosen, so that the model is one graph, and of every
class, since who chooses the box chooses the class; proposals are `count` of each picture, torchvision's 1,000 of each level.
Both stages and the masks learn at once (`zoo.layers.TwoStageMasks`), from as many regions as are looked at in answering.

A file holds everything but the choice among the rows, which is the kind's (`zoo.outputs.instance_regions`). With COCO's classes
an answer is 24 million numbers: build it with fewer classes or proposals for a device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.two_stage import PROPOSALS, REGIONS, ratio_sides, region_head
from zoo.models.encoders import features as encoder_features
from zoo.outputs.instances import OTHERS
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper("Mask R-CNN", "He, Gkioxari, Dollár & Girshick", 2017, "https://arxiv.org/abs/1703.06870")
VARIANTS = {"mask_rcnn": Variant(options={"encoder": "resnet50"}, classes=90)}
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


def mask_head(x: Any, classes: int, channels: int) -> Any:
    """Four 3×3 convolutions, one to twice the side, and a mask for the background and each class."""
    for number in range(1, 5):
        x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"mask_conv{number}")(x)
    x = keras.layers.Conv2DTranspose(channels, 2, 2, activation="relu", name="mask_up")(x)
    return keras.layers.Conv2D(1 + classes, 1, name="masks")(x)


def frozen(image: Any, features: list[Any]) -> list[Any]:
    """The features, of an encoder whose batch normalization stands still."""
    for layer in keras.Model(image, features).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    return features


@register(
    VARIANTS,
    task="instance_segmentation",
    paper=PAPER,
    input_size=(800, 1088),
    fixed_size=True,
    tiny={
        "encoder_options": {"width": 0.125, "depths": (1, 1, 1, 1)}, "channels": 8, "units": 16,
        "proposals": 6, "candidates": 8,
    },
)  # fmt: skip
def mask_rcnn(
    image: Any,
    numbers: int,
    *,
    proposals: int = 300,
    candidates: int = 1000,
    encoder: str = "resnet50",
    encoder_options: Mapping[str, Any] | None = None,
    channels: int = 256,
    units: int = 1024,
) -> Any:
    """Pyramid → proposals of all levels → regions cut from the level of their size → scores, a box and a mask a class.

    Args:
        image: N×H×W×C, 0–255, of a fixed size.
        numbers: the classes and two more, which the ground and outlines of other networks of this task have.
        proposals: that the heads look at, of each picture.
        candidates: of each level before suppression.
        encoder: any encoder with strides 4 to 32; its batch normalization is frozen.
        encoder_options: options of that encoder.
        channels: of the pyramid and the heads.
        units: of the box head.

    Returns:
        N×proposals·classes×(4 + classes + 28·28), as `zoo.layers.TwoStageMasks` says.
    """
    picture, classes = image.shape[1:3], numbers - OTHERS
    maps = pyramid(frozen(image, encoder_features(encoder, image, **(encoder_options or {})).at(*STRIDES)), channels)
    coarsest = keras.layers.MaxPooling2D(1, 2, name="fpn_p6")(maps[-1])
    said = proposal_heads([*maps, coarsest], channels)
    sides = [ratio_sides([scale], RATIOS) for scale in SCALES]
    chosen = {"count": proposals, "before": candidates, "least": 1.0, "offset": 0.0}
    boxes = layers.Proposals(sides, [*STRIDES, 2 * STRIDES[-1]], picture, **chosen, name=PROPOSALS)(said)
    regions = layers.PyramidRoIAlign(BOX_SIZE, STRIDES, name=REGIONS)([*maps, boxes])
    scores, moves = region_head(regions, classes, proposals, units)
    masks = mask_head(layers.PyramidRoIAlign(MASK_SIZE, STRIDES, name="mask_regions")([*maps, boxes]), classes, channels)
    return layers.TwoStageMasks(picture, name="rows")([boxes, scores, moves, masks, *maps])
