"""FlowNet Lite: where every pixel of a picture is in the next one, by comparing features, cheap enough for a phone's camera.

No paper of its own. Features of either frame by the same weights, compared at displacements, are FlowNetC's (Dosovitskiy et
al., 2015); that they are compared at several scales and that a finer scale corrects a coarser one's flow is PWC-Net's (Sun et
al., 2018). What that has between the scales is left out: a warp by the coarser flow. Its coordinates are numbers of which int8
has 256, and its gather is bound to one picture at a time on a phone's GPU. Each scale compares what lies there in place
instead, the finest ±3 positions of stride 4, the coarsest ±3 of stride 16, so that 48 pixels are within reach; which of them
agree is for convolutions to find.

    frame 1 ─ s2 ─ s4 ─ s8 ─ s16
                   ×    ×     × ── flow s16
    frame 2 ─ s2 ─ s4 ─ s8 ─ s16        │ + correction
                        └────────── flow s8
                   │                    │ + correction
                   └─────────────── flow s4 ── image

What is compared is linear, since alike must differ from large, and so are flows and corrections; all other activations are
ReLU6, as int8 wants it. Only what is compared is normalised, so that a product of channels says from the start whether two
positions are alike, and not how bright they are; of the rest the size of a movement is what is asked for. In training the flows
of the coarser scales are held against the truth too, with the weights of FlowNet's.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.channels import round_channels
from zoo.models.blocks.conv import MOMENTUM
from zoo.models.blocks.mobile import relu6
from zoo.paper import Paper
from zoo.registry import Variant, register

INSPIRED_BY = (
    Paper("FlowNet: Learning Optical Flow with Convolutional Networks", "Dosovitskiy et al.", 2015, "https://arxiv.org/abs/1504.06852"),
    Paper(
        "PWC-Net: CNNs for Optical Flow Using Pyramid, Warping, and Cost Volume", "Sun, Yang, Liu & Kautz", 2018,
        "https://arxiv.org/abs/1709.02371",
    ),
)  # fmt: skip
VARIANTS = {"flownet_lite": Variant(options={"width": 1.0})}
ENCODER = ((2, 24, 7), (4, 32, 5), (8, 48, 3), (16, 64, 3))  # stride, channels at width 1, kernel of the step there
COMPARED = {4: 16, 8: 24, 16: 32}  # channels of what is compared, by stride
DECODER = {16: (96, 96), 8: (96, 64), 4: (64, 64, 48)}  # channels of the convolutions of each scale
DILATIONS = (1, 2, 4)  # of those, one after the other
UNIT = 8.0  # pixels that a 1 of the last layers stands for
WEIGHTS = {8: 0.5, 16: 0.25}  # of the coarser flows' errors beside the answer's


@register(
    VARIANTS,
    task="optical_flow",
    paper=None,
    inspired_by=INSPIRED_BY,
    input_size=(256, 320),
    channels=6,
    mobile=True,
    tiny={"width": 0.25, "displacement": 1},
)
def flownet_lite(frames: Any, channels: int, *, width: float, displacement: int = 3, multiscale: bool = True) -> Any:
    """Features of both, then from coarse to fine: compare, convolve, correct the flow; the finest at the frames' size.

    Args:
        frames: N×H×W×6, two pictures in 0–255 along the channels.
        channels: of the answer, 2.
        width: multiplies the channels.
        displacement: the farthest that each scale compares, in its positions.
        multiscale: train the flows of all scales, and not the finest alone.

    Returns:
        N×H×W×2, (dx, dy) in pixels.
    """
    features, compared = encoded(frames, width)
    x, flow, flows = None, None, {}
    for stride in COMPARED:
        alike = layers.Correlation(displacement, name=f"s{stride}_correlation")(compared[stride])
        compared[stride] = keras.layers.Concatenate(name=f"s{stride}_beside")([features[stride], alike])
    for stride in sorted(COMPARED, reverse=True):
        x = decoded(compared[stride], x, stride, width)
        step = keras.layers.Conv2D(channels, 3, padding="same", name=f"s{stride}_vectors")(x)
        flow = step if flow is None else corrected(flow, step, f"s{stride}")
        flows[stride] = flow
    answers = {stride: in_pixels(each, frames, f"answer_s{stride}") for stride, each in flows.items()}
    if not multiscale:
        return answers[4]
    return layers.AuxiliaryHeads(WEIGHTS.values(), name="scales")([answers[4], *(answers[stride] for stride in WEIGHTS)])


def encoded(frames: Any, width: float) -> tuple[dict[int, Any], dict[int, list[Any]]]:
    """Features of the first picture by stride, and of both pictures what is compared; the same weights for either."""
    normalise = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")
    pair = [normalise(layers.Frame(index, 2, name=f"frame{index}")(frames)) for index in range(2)]
    features, compared = {}, {}
    for stride, count, kernel in ENCODER:
        pair = convolved(pair, round_channels(width * count), kernel, f"s{stride}", stride=2)
        if stride in COMPARED:
            pair = convolved(pair, round_channels(width * count), 3, f"s{stride}_conv")
            match = keras.layers.Conv2D(round_channels(width * COMPARED[stride]), 1, use_bias=False, name=f"s{stride}_match")
            plain = {"momentum": MOMENTUM, "scale": False, "center": False}
            standardise = keras.layers.BatchNormalization(name=f"s{stride}_match_bn", **plain)
            features[stride], compared[stride] = pair[0], [standardise(match(x)) for x in pair]
    return features, compared


def convolved(pair: list[Any], channels: int, kernel: int, name: str, stride: int = 1) -> list[Any]:
    """Both pictures through one convolution and ReLU6."""
    convolve = keras.layers.Conv2D(channels, kernel, stride, padding="same", kernel_initializer="he_normal", name=name)
    rectify = keras.layers.ReLU(6.0, name=f"{name}_relu6")
    return [rectify(convolve(x)) for x in pair]


def decoded(x: Any, coarser: Any, stride: int, width: float) -> Any:
    """A scale's convolutions, of growing dilation, over its comparison and what the coarser scale knows."""
    if coarser is not None:
        up = layers.ResizeLike(name=f"s{stride}_up")([coarser, x])
        x = keras.layers.Concatenate(name=f"s{stride}_join")([x, up])
    for number, (count, dilation) in enumerate(zip(DECODER[stride], DILATIONS, strict=False)):
        name, options = f"s{stride}_decode{number}", {"padding": "same", "kernel_initializer": "he_normal"}
        x = keras.layers.Conv2D(round_channels(width * count), 3, dilation_rate=dilation, name=name, **options)(x)
        x = relu6(x, name)
    return x


def corrected(flow: Any, step: Any, name: str) -> Any:
    """The coarser flow at the finer scale, and what that adds to it."""
    return keras.layers.Add(name=f"{name}_flow")([layers.ResizeLike(name=f"{name}_flow_up")([flow, step]), step])


def in_pixels(flow: Any, frames: Any, name: str) -> Any:
    """A scale's flow at the frames' size, in their pixels."""
    return layers.ResizeLike(name=name)([keras.layers.Rescaling(UNIT, name=f"{name}_pixels")(flow), frames])
