"""Faster R-CNN: a small network proposes regions of the map that a second one looks at again.

Ren, He, Girshick & Sun, "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", NeurIPS 2015.

Faithful: VGG16 to conv5_3, a 3×3 convolution with two siblings for nine anchors (areas of 128², 256², 512², ratios 1:2, 1:1,
2:1), two objectness scores each; 7×7 RoIPool, fc6 and fc7, scores of 21 classes and a box for each of them; 137,078,239
parameters with VOC's 20 classes. Layers are named as VGG16's, whose weights fit by name. Both stages learn at once (section
3.2, approximate joint training): `zoo.layers.TwoStageBoxes` draws regions among the proposals and the picture's things.
Different: anchors are not rounded to whole pixels; objectness leaves the network as one number an anchor, the difference of its
two. Pictures have one size, where the paper's have a shorter side of 600 pixels: what comes out is a fixed number of rows.

A file holds both stages, proposals and their suppression with them. In int8 the convolutions and fully connected layers are
integers, while what says of boxes in pixels stays in float32: eight bits over a picture's side are steps of two pixels or
three.
`zoo.models.blocks.two_stage` takes the network apart for whoever proposes and cuts elsewhere.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.two_stage import PROPOSALS, REGIONS, STRIDE, ratio_sides, region_head, vgg_map
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", "Ren et al.", 2015,
    "https://arxiv.org/abs/1506.01497",
)  # fmt: skip
VARIANTS = {"faster_rcnn": Variant()}
SCALES, RATIOS = (128, 256, 512), (0.5, 1.0, 2.0)
POOLED = (7, 7)
UNITS = 4096  # of fc6 and fc7


def proposal_head(x: Any, anchors: int, channels: int) -> tuple[Any, Any]:
    """Figure 3: a 3×3 convolution, and from it objectness, one number an anchor, and four offsets."""
    start = {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.01)}
    x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name="rpn_conv", **start)(x)
    pairs = keras.layers.Conv2D(2 * anchors, 1, name="rpn_scores", **start)(x)  # all anchors' background first, as in Caffe
    objectness = layers.HalfDifference(name="objectness")(pairs)
    return objectness, keras.layers.Conv2D(4 * anchors, 1, name="offsets", **start)(x)


@register(
    VARIANTS,
    task="detection",
    paper=PAPER,
    input_size=(600, 800),
    fixed_size=True,
    tiny={"width": 0.0625, "units": 16, "proposals": 12, "candidates": 32, "scales": (24, 48)},
)
def faster_rcnn(
    image: Any,
    classes: int,
    *,
    proposals: int = 300,
    candidates: int = 6000,
    width: float = 1.0,
    units: int = UNITS,
    scales: tuple[float, ...] = SCALES,
) -> Any:
    """VGG16 → proposals from its map → the map cut there → scores and a box a class of each.

    Args:
        image: N×H×W×C, 0–255, of a fixed size.
        classes: without the background.
        proposals: that the second stage looks at, of each picture.
        candidates: before suppression.
        width: multiplies the convolutions' channels.
        units: of fc6 and fc7.
        scales: of the anchors, in pixels.

    Returns:
        N×proposals·classes×(4 + classes), as `zoo.layers.RegionBoxes` says.
    """
    picture, x = image.shape[1:3], vgg_map(image, width)
    sides = ratio_sides(scales, RATIOS)
    objectness, offsets = proposal_head(x, len(sides), int(512 * width))
    boxes = layers.Proposals([sides], [STRIDE], picture, proposals, candidates, name=PROPOSALS)([objectness, offsets])
    regions = layers.RoIPool(POOLED, STRIDE, name=REGIONS)([x, boxes])
    scores, moves = region_head(regions, classes, proposals, units, dropout=0.5)
    return layers.TwoStageBoxes(picture, name="rows")([boxes, scores, moves, x])
