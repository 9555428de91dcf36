"""PocketDetect: this zoo's own detector for phones, without anchors and on a single map.

No paper of its own. What it takes from others: every point of a map says how far the edges of the box around it are, and only
points around a thing's middle learn it (FCOS, Tian et al., 2019); a score is the overlap that its box will reach, so that no
branch of its own need tell good boxes (Generalized Focal Loss, Li et al., 2020); one map for things of all sizes, with a wide
field under it, in place of a pyramid of heads (YOLOF, Chen et al., 2021; TTFNet, Liu et al., 2020).

    image ─ encoder s8 ─ s16 ─ context s32 (dilated) ─ up s16 ─ up s8 ─ tower ─┬─ distances ─┬─ rows
                 │        └──────────────────────────────┘         │           └─ scores ────┘
                 └─────────────────────────────────────────────────┘

The encoder ends at stride 16; its deepest blocks, which hold most of its weights, are replaced by narrow dilated ones. The
single map is of stride 8, finer than the pyramids' coarse ones need and coarser than their finest: 1,200 points for 240×320.

What int8 and a phone's GPU ask for decided the rest. Distances are logarithms in cells of the map and scores are log-odds, so
that both lie within some units of 0: a step of int8 is some per cent of a distance, whatever the thing's size. In an integer
file each of the two has a scale of its own, for they are joined when they are float again. Branches are summed; activations are
ReLU6; choosing boxes is left to the kind's `decode`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.conv import depthwise_bn
from zoo.models.blocks.mobile import conv_relu6, enlarge_onto, inverted_residual, project, relu6, separable_relu6
from zoo.models.encoders import encoder as encoder_entry
from zoo.models.encoders import features as encoder_features
from zoo.paper import Paper
from zoo.registry import Variant, register

FCOS = Paper("FCOS: Fully Convolutional One-Stage Object Detection", "Tian et al.", 2019, "https://arxiv.org/abs/1904.01355")
GFL = Paper(
    "Generalized Focal Loss: Learning Qualified and Distributed Bounding Boxes for Dense Object Detection", "Li et al.", 2020,
    "https://arxiv.org/abs/2006.04388",
)  # fmt: skip
YOLOF = Paper("You Only Look One-level Feature", "Chen et al.", 2021, "https://arxiv.org/abs/2103.09460")
TTFNET = Paper("Training-Time-Friendly Network for Real-Time Object Detection", "Liu et al.", 2020, "https://arxiv.org/abs/1909.00700")
INSPIRED_BY = (FCOS, GFL, YOLOF, TTFNET)
VARIANTS = {"pocket_detect": Variant(options={"encoder": "mobilenet_v2"})}
SIDES = 4  # distances of a point: left, top, right, bottom
DILATIONS = (1, 2, 3)  # of the context's blocks
RARE, NEAR = -2.0, 1.0  # where scores and distances begin: most points are of nothing, and a thing's edges some cells away


@register(
    VARIANTS,
    task="detection",
    paper=None,
    inspired_by=INSPIRED_BY,
    input_size=(240, 320),
    mobile=True,
    tiny={"encoder_options": {"width": 0.1, "depth": 0.3}, "context": 16, "channels": (16, 16)},
)
def pocket_detect(
    image: Any,
    classes: int,
    *,
    encoder: str = "mobilenet_v2",
    encoder_options: Mapping[str, Any] | None = None,
    context: int = 128,
    channels: tuple[int, int] = (96, 96),
    tower: int = 2,
) -> Any:
    """Encoder to stride 16 → context at stride 32 → up to stride 8 → tower → distances beside scores.

    Args:
        image: N×H×W×C, 0–255.
        classes: how many scores a point has.
        encoder: any encoder with strides 8 and 16; what it has beyond is left out.
        encoder_options: of that encoder.
        context: channels at stride 32.
        channels: of the way up, at strides 16 and 8.
        tower: blocks before the answer.

    Returns:
        N×⌈H/8⌉×⌈W/8⌉×(4 + classes) rows, as `zoo.outputs.box_codings` says of "points".
    """
    narrow = {"last": False} if "last" in encoder_entry(encoder).option_names else {}
    features = encoder_features(encoder, image, **{**narrow, **(encoder_options or {})})
    fine, coarse = features.at(8, 16)

    x = relu6(depthwise_bn(coarse, "context_depthwise", stride=2, relu=False), "context_depthwise")
    x = conv_relu6(x, context, 1, "context")
    for number, dilation in enumerate(DILATIONS, start=1):
        x = inverted_residual(x, f"context_block{number}", dilation)
    x = enlarge_onto(project(coarse, channels[0], "up_s16_lateral"), x, "up_s16")
    x = separable_relu6(x, channels[0], "up_s16_mix")
    x = enlarge_onto(project(fine, channels[1], "up_s8_lateral"), x, "up_s8")
    for number in range(1, tower + 1):
        x = inverted_residual(x, f"tower_block{number}")
    return joined(x, classes)


def joined(x: Any, classes: int) -> Any:
    """Each point's distances and scores side by side."""
    distances = keras.layers.Conv2D(SIDES, 1, bias_initializer=keras.initializers.Constant(NEAR), name="distances")(x)
    scores = keras.layers.Conv2D(classes, 1, bias_initializer=keras.initializers.Constant(RARE), name="scores")(x)
    return keras.layers.Concatenate(name="rows")([distances, scores])
