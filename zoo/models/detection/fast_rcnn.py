"""Fast R-CNN: one pass of the encoder over a picture, and the regions of proposals cut from its map.

Girshick, "Fast R-CNN", ICCV 2015.

Faithful: VGG16 to conv5_3, 7×7 RoIPool, fc6 and fc7, scores of 21 classes and a box for each of them, both learnt at once over
regions drawn among the proposals and the things (section 2.3). Layers are named as VGG16's, whose weights fit by name.
Different: the paper's proposals are selective search's, from outside, and data sets have pictures alone. So this network looks
through windows of its own that slide over the picture in three scales and three forms, the paper's "dense" ones (section 5.5),
at which its AP fell by 9 points or more; `with_proposals` is the same network, with the same weights, that takes proposals
beside the picture, such as those of `zoo.classical.open("selective_search")`.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.two_stage import PROPOSALS, REGIONS, STRIDE, ratio_sides, region_head, vgg_map
from zoo.models.detection.faster_rcnn import POOLED, RATIOS, UNITS
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper("Fast R-CNN", "Girshick", 2015, "https://arxiv.org/abs/1504.08083")
VARIANTS = {"fast_rcnn": Variant()}
SCALES = (96, 192, 384)  # of the windows, in pixels


@register(
    VARIANTS,
    task="detection",
    paper=PAPER,
    input_size=(600, 800),
    fixed_size=True,
    tiny={"width": 0.0625, "units": 16, "scales": (64,)},
)
def fast_rcnn(
    image: Any,
    classes: int,
    *,
    width: float = 1.0,
    units: int = UNITS,
    scales: tuple[float, ...] = SCALES,
) -> Any:
    """VGG16 → its map cut at windows over the picture → scores and a box a class of each.

    Args:
        image: N×H×W×C, 0–255, of a fixed size.
        classes: without the background.
        width: multiplies the convolutions' channels.
        units: of fc6 and fc7.
        scales: of the windows, in pixels; they are half a scale apart.

    Returns:
        N×windows·classes×(4 + classes), as `zoo.layers.RegionBoxes` says.
    """
    picture, x = image.shape[1:3], vgg_map(image, width)
    sides = [ratio_sides([scale], RATIOS) for scale in scales]
    boxes = layers.SlidingWindows(sides, [scale / 2 for scale in scales], picture, name=PROPOSALS)(x)
    regions = layers.RoIPool(POOLED, STRIDE, name=REGIONS)([x, boxes])
    scores, moves = region_head(regions, classes, boxes.shape[1], units, dropout=0.5)
    return layers.TwoStageBoxes(picture, name="rows")([boxes, scores, moves, x])


def with_proposals(model: keras.Model) -> keras.Model:
    """The network of [picture, proposals N×R×4 in pixels], which shares every layer with a `fast_rcnn`.

    R is the number of its windows; what there are less proposals is filled up with zeros, which are no boxes.
    """
    from zoo.layers import ModelOutput, model_output
    from zoo.outputs import InputSpec

    last, windows = model_output(model), model.get_layer(PROPOSALS).output
    image, boxes = model.inputs[0], keras.Input(windows.shape[1:], name=PROPOSALS)
    rows = keras.Model([image, windows], last.input)([image, boxes])
    size, channels = tuple(image.shape[1:3]), image.shape[3]
    inputs = [InputSpec("image", size, channels), InputSpec(PROPOSALS, None, windows.shape[2], range=None, layout="")]
    answer = ModelOutput.from_config({**last.get_config(), "inputs": inputs})(rows)
    return keras.Model([image, boxes], answer, name=model.name)
