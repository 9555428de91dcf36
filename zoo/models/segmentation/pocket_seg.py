"""PocketSeg: this zoo's own network for phones, made to learn from a few hundred labelled pictures without pretraining.

No paper of its own. What it takes from others: two branches that talk to each other, one that keeps stride 8 and one that
goes deeper (DDRNet, Hong et al., 2021; BiSeNet V2, Yu et al., 2021; PIDNet, Xu et al., 2023); blocks of depthwise
convolutions whose dilation grows and falls again, so that the field is wide where the map is small (LETNet, Xu et al., 2023;
LMFFNet, Shi et al., 2022); inverted residuals (MobileNetV2, Sandler et al., 2018); training with auxiliary heads.

    image ─ stem s2 ─ stem s4 ─┬─ detail s8 ────────────+─ detail s8 ────────────+─ up s4 ─ scores ─ image
                     │         │                ↕       │                ↕       │    ↑
                     │         └─ context s16 ──+───────┴─ context s16 ──+─ pool ┘    │
                     └────────────────────────────────────────────────────────────────┘

What int8 and a phone's GPU ask for decided the rest. Branches are summed, never concatenated: a concatenation forces one
scale on maps of differing ranges. Every activation is ReLU6, whose range is known beforehand; there is no gate and no swish,
whose products int8 rounds twice. Only narrow maps are enlarged, by bilinear interpolation between maps of one scale. All
operations are whole on LiteRT's GPU accelerator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.channels import round_channels
from zoo.models.blocks.conv import depthwise_bn
from zoo.models.blocks.deep_supervision import deeply_supervised
from zoo.models.blocks.mobile import add, conv_relu6, enlarge_onto, inverted_residual, project
from zoo.models.encoders import Features
from zoo.models.encoders.mobilenet_v2 import PAPER as MOBILENET_V2
from zoo.paper import Paper
from zoo.registry import Variant, register

DDRNET = Paper(
    "Deep Dual-Resolution Networks for Real-time and Accurate Semantic Segmentation of Road Scenes",
    "Hong et al.",
    2021,
    "https://arxiv.org/abs/2101.06085",
)
BISENET_V2 = Paper(
    "BiSeNet V2: Bilateral Network with Guided Aggregation for Real-time Semantic Segmentation",
    "Yu et al.",
    2021,
    "https://arxiv.org/abs/2004.02147",
)
PIDNET = Paper(
    "PIDNet: A Real-time Semantic Segmentation Network Inspired by PID Controllers",
    "Xu et al.",
    2023,
    "https://arxiv.org/abs/2206.02066",
)
INSPIRED_BY = (DDRNET, BISENET_V2, PIDNET, MOBILENET_V2)
VARIANTS = {
    "pocket_seg": Variant(options={"width": 1.0}),
    "pocket_seg_small": Variant(options={"width": 0.5}),
}
STEM, DETAIL, CONTEXT, TOP = (32, 48), 64, 128, 48  # channels at width 1: strides 2 and 4, 8, 16, and of the way back up
DILATIONS = (  # of the context blocks between two exchanges: falling back to 1 closes the gaps that dilation leaves
    (1, 2, 4),
    (8, 4, 1),
)
DETAIL_BLOCKS = 2  # between two exchanges


@register(
    VARIANTS,
    task="segmentation",
    paper=None,
    inspired_by=INSPIRED_BY,
    input_size=(360, 480),
    mobile=True,
    tiny={"width": 0.125, "dilations": ((1, 4), (2,)), "detail_blocks": 1},
)
def pocket_seg(
    image: Any,
    classes: int,
    *,
    width: float,
    dilations: Sequence[Sequence[int]] = DILATIONS,
    detail_blocks: int = DETAIL_BLOCKS,
    auxiliary: tuple[int, ...] = (),
) -> Any:
    """Stem → two branches with two exchanges → pooled context → the way up to stride 4 → scores.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        width: multiplies the channels.
        dilations: of the context blocks before each exchange.
        detail_blocks: of the other branch, before each exchange.
        auxiliary: strides out of (8, 16) that get an auxiliary head for training.

    Returns:
        N×H×W×classes logits.
    """
    first, second, detail, context, top = (round_channels(width * n) for n in (*STEM, DETAIL, CONTEXT, TOP))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(image)
    x = conv_relu6(x, first, 3, "stem_s2", stride=2)
    fine = conv_relu6(x, second, 3, "stem_s4", stride=2)
    fine = inverted_residual(fine, "stem_block")

    sharp = conv_relu6(fine, detail, 3, "detail_s8", stride=2)
    deep = conv_relu6(sharp, context, 3, "context_s16", stride=2)
    for stage, rates in enumerate(dilations, start=1):
        for number in range(1, detail_blocks + 1):
            sharp = inverted_residual(sharp, f"detail{stage}_block{number}")
        for number, dilation in enumerate(rates, start=1):
            deep = inverted_residual(deep, f"context{stage}_block{number}", dilation)
        sharp, deep = exchange(sharp, deep, f"exchange{stage}")
    features = Features(s8=sharp, s16=deep)

    # The whole picture's average, laid under every position: a broadcast sum would be wrong in int8 on the GPU accelerator.
    deep = enlarge_onto(deep, layers.AdaptiveAveragePooling2D(name="pooled_average")(deep), "pooled")
    x = inverted_residual(enlarge_onto(sharp, deep, "up_s8"), "up_s8_block")
    x = inverted_residual(enlarge_onto(project(fine, top, "up_s4_skip"), x, "up_s4"), "up_s4_block")
    x = keras.layers.Dropout(0.1, name="dropout")(x)
    x = keras.layers.Conv2D(classes, 1, name="score")(x)
    return deeply_supervised(layers.ResizeLike(name="up")([x, image]), image, features, auxiliary)


def exchange(sharp: Any, deep: Any, name: str) -> tuple[Any, Any]:
    """Each branch gets the other's map at its own stride, added."""
    coarser = depthwise_bn(sharp, f"{name}_to_context_depthwise", stride=2, relu=False)
    coarser = project(coarser, deep.shape[-1], f"{name}_to_context")
    return enlarge_onto(sharp, deep, f"{name}_to_detail"), add(deep, coarser, f"{name}_to_context")
