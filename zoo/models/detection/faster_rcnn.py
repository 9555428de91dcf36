"""Faster R-CNN: a small network proposes regions of the map that a second one looks at again.

Ren, He, Girshick & Sun, "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", NeurIPS 2015.

Faithful: VGG16 to conv5_3, a 3×3 convolution with two siblings for nine anchors (areas of 128², 256², 512², ratios 1:2, 1:1,
2:1), two objectness scores each; 7×7 RoIPool, fc6 and fc7, scores of 21 classes and a box for each of them; 137,078,239
parameters with VOC's 20 classes. Layers are named as VGG16's, whose weights fit by name. Losses are in `zoo.losses.two_stage`;
`zoo.training.two_stage` trains both stages at once.
Different: anchors are not rounded to whole pixels; objectness leaves the network as one number an anchor, the difference of its
two.

`fast_rcnn`, of Girshick, "Fast R-CNN", ICCV 2015, has the second stage alone and takes proposals from elsewhere.

They are not in the registry, for one of its contracts: that a network learns by a loss of its last map and the targets
(`zoo.tasks.Task.loss`). Here regions are drawn among the proposals and the things of the picture, so the second stage runs on
what is known only when the targets are; `zoo.training.two_stage` is a Keras model whose `compute_loss` does that, for `fit` and
not for `zoo.train`. After training they are as other detectors: `zoo.models.blocks.two_stage` makes one answer of the kind
`boxes` of them, which `zoo.evaluate` scores and `converters.to_tflite` writes whole, or takes them apart. `fast_rcnn` has a
second contract against it: it takes proposals beside the picture, and data sets have pictures alone.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.errors import InputError
from zoo.lazy import keras
from zoo.models.blocks.two_stage import PROPOSALS, REGIONS, per_picture, ratio_sides
from zoo.models.encoders import features as encoder_features
from zoo.paper import Paper

PAPER = Paper(
    "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", "Ren et al.", 2015,
    "https://arxiv.org/abs/1506.01497",
)  # fmt: skip
STRIDE = 16
SCALES, RATIOS = (128, 256, 512), (0.5, 1.0, 2.0)
POOLED = (7, 7)
UNITS = 4096  # of fc6 and fc7


def _vgg_map(image: Any, width: float) -> Any:
    """VGG16's conv5_3, without the pooling behind it."""
    return encoder_features("vgg16", image, width=width).taps["s32"]


def proposal_head(x: Any, anchors: int, channels: int) -> tuple[Any, Any]:
    """Figure 3: a 3×3 convolution, and from it objectness, one number an anchor, and four offsets."""
    start = {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.01)}
    x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name="rpn_conv", **start)(x)
    pairs = keras.layers.Conv2D(2 * anchors, 1, name="rpn_scores", **start)(x)  # all anchors' background first, as in Caffe
    objectness = layers.HalfDifference(name="objectness")(pairs)
    return objectness, keras.layers.Conv2D(4 * anchors, 1, name="offsets", **start)(x)


def region_head(x: Any, classes: int, count: int, units: int) -> tuple[Any, Any]:
    """fc6 and fc7 of each region, and from them the scores of the background and the classes, and a box for each."""
    x = keras.layers.Flatten(name="flatten")(x)
    for number in (6, 7):
        x = keras.layers.Dense(units, activation="relu", name=f"fc{number}")(x)
        x = keras.layers.Dropout(0.5, name=f"dropout{number}")(x)
    small, smaller = (keras.initializers.RandomNormal(stddev=spread) for spread in (0.01, 0.001))
    scores = keras.layers.Dense(1 + classes, kernel_initializer=small, name="region_scores")(x)
    boxes = keras.layers.Dense(4 * (1 + classes), kernel_initializer=smaller, name="region_offsets")(x)
    return per_picture(scores, count, "scores"), per_picture(boxes, count, "boxes")


def faster_rcnn(
    input_shape: tuple[int, int, int] = (600, 800, 3),
    classes: int = 20,
    *,
    proposals: int = 300,
    candidates: int = 6000,
    width: float = 1.0,
    units: int = UNITS,
    scales: tuple[float, ...] = SCALES,
) -> keras.Model:
    """Both stages: an image to the dict of outputs that `zoo.models.blocks.two_stage` says.

    Args:
        input_shape: (H, W, channels) of the picture, 0–255.
        classes: without the background.
        proposals: that the second stage looks at, of each picture.
        candidates: before suppression.
        width: multiplies the convolutions' channels.
        units: of fc6 and fc7.
        scales: of the anchors, in pixels.

    Raises:
        zoo.errors.InputError: for a picture of unknown sides, or smaller than a cell.
    """
    if None in input_shape or min(input_shape[:2]) < STRIDE:
        raise InputError(f"faster_rcnn(input_shape={input_shape}): expected known sides of {STRIDE} pixels and more")
    image = keras.Input(input_shape, name="image")
    x = _vgg_map(image, width)
    sides = ratio_sides(scales, RATIOS)
    objectness, offsets = proposal_head(x, len(sides), int(512 * width))
    boxes = layers.Proposals([sides], [STRIDE], input_shape[:2], proposals, candidates, name=PROPOSALS)([objectness, offsets])
    regions = layers.RoIPool(POOLED, STRIDE, name=REGIONS)([x, boxes])
    scores, moves = region_head(regions, classes, proposals, units)
    outputs = {"objectness": objectness, "offsets": offsets, "proposals": boxes, "scores": scores, "boxes": moves}
    return keras.Model(image, outputs, name="faster_rcnn")


def fast_rcnn(
    input_shape: tuple[int, int, int] = (600, 800, 3),
    classes: int = 20,
    *,
    proposals: int = 300,
    width: float = 1.0,
    units: int = UNITS,
) -> keras.Model:
    """The second stage over a picture and proposals N×R×4 in pixels: [image, regions] to a dict of scores and boxes.

    Arguments as of `faster_rcnn`.
    """
    image, boxes = keras.Input(input_shape, name="image"), keras.Input((proposals, 4), name="proposals")
    regions = layers.RoIPool(POOLED, STRIDE, name=REGIONS)([_vgg_map(image, width), boxes])
    scores, moves = region_head(regions, classes, proposals, units)
    return keras.Model([image, boxes], {"scores": scores, "boxes": moves}, name="fast_rcnn")
