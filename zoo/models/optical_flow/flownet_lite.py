"""FlowNet Lite: where every pixel of a picture is in the next one, by comparing features, cheap enough for a phone's camera.

No paper of its own. Features of either frame by the same weights, compared at displacements, are FlowNetC's (Dosovitskiy et
al., 2015); that they are compared at several scales and that a finer scale corrects a coarser one's flow is PWC-Net's (Sun et
al., 2018). What that has between the scales is left out: a warp by the coarser flow. Its coordinates are numbers of which int8
has 256, and its gather is bound to one picture at a time on a phone's GPU. Each scale compares what lies there in place
instead, the finest ±3 positions of stride 4, the coarsest ±3 of stride 16, so that 48 pixels are within reach.

    frame 1 ─ s2 ─ s4 ─ s8 ─ s16
                   ×    ×     × ── flow s16
    frame 2 ─ s2 ─ s4 ─ s8 ─ s16        │ + correction
                        └────────── flow s8
                   │                    │ + correction
                   └─────────────── flow s4 ── image

A scale reads its comparison as GC-Net (Kendall et al., 2017) reads disparities: a softmax over the displacements, and the mean
of these by it, so that an untrained network already finds where things are. What the warp would do is done in the softmax: the
coarser flow raises the scores of the displacements near to it. A Gaussian around the flow u gives a displacement d the
logarithm (2·d·u − |d|² − |u|²)/2σ², of which the last part is the same for all and falls out: the rest is a convolution of 1×1.
How much of what was found there is believed, and what is added to it, convolutions say.

What is compared is linear, since alike must differ from large, and so are flows and corrections; all other activations are
ReLU6, as int8 wants it. Only what is compared is normalised, so that a product of channels says from the start whether two
positions are alike, and not how bright they are; of the rest the size of a movement is what is asked for. In training the flows
of the coarser scales are held against the truth too, with the weights of FlowNet's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
    Paper(
        "End-to-End Learning of Geometry and Context for Deep Stereo Regression", "Kendall et al.", 2017,
        "https://arxiv.org/abs/1703.04309",
    ),
)  # fmt: skip
VARIANTS = {"flownet_lite": Variant(options={"width": 1.0})}
ENCODER = ((2, 24, 7), (4, 32, 5), (8, 48, 3), (16, 64, 3))  # stride, channels at width 1, kernel of the step there
COMPARED = {4: 16, 8: 24, 16: 32}  # channels of what is compared, by stride
DECODER = {16: (96, 64), 8: (80, 64), 4: (64, 48, 32)}  # channels of the convolutions of each scale
DILATIONS = (1, 2, 4)  # of those, one after the other
SHARPNESS = 8.0  # of the softmax over displacements, before training
SPREAD = 1.25  # positions that the truth is from the coarser flow: the Gaussian's σ, before training
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
    for stride in sorted(COMPARED, reverse=True):
        alike = layers.Correlation(displacement, name=f"s{stride}_correlation")(compared[stride])
        if flow is not None:
            flow = layers.ResizeLike(name=f"s{stride}_flow_up")([flow, alike])
        found = further(alike, flow, stride, displacement)
        x = decoded([features[stride], alike, found, *([] if flow is None else [flow])], x, stride, width)
        flow = corrected(flow, found, x, channels, f"s{stride}")
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


def further(alike: Any, flow: Any, stride: int, displacement: int) -> Any:
    """How much further than the coarser flow the best displacement is: the mean by a softmax of likeness and nearness."""
    places = np.indices((2 * displacement + 1,) * 2).reshape(2, -1)[::-1].T - displacement  # (dx, dy) in the channels' order
    sharpen = keras.layers.DepthwiseConv2D(1, depthwise_initializer=constant(SHARPNESS), name=f"s{stride}_sharpness")
    scores = sharpen(alike)
    if flow is not None:
        towards = keras.layers.Conv2D(
            len(places), 1, name=f"s{stride}_nearness",
            kernel_initializer=constant((places.T * UNIT / stride / SPREAD**2)[None, None]),
            bias_initializer=constant(-(places**2).sum(axis=-1) / (2 * SPREAD**2)),
        )  # fmt: skip
        scores = keras.layers.Add(name=f"s{stride}_scores")([scores, towards(flow)])
    shares = keras.layers.Softmax(name=f"s{stride}_shares")(scores)
    mean = constant((places * stride / UNIT)[None, None])
    found = keras.layers.Conv2D(2, 1, use_bias=False, kernel_initializer=mean, name=f"s{stride}_mean")(shares)
    return found if flow is None else keras.layers.Subtract(name=f"s{stride}_further")([found, flow])


def constant(values: Any) -> Any:
    """Weights that begin as these numbers."""
    return keras.initializers.Constant(np.asarray(values, np.float32).tolist())


def decoded(seen: list[Any], coarser: Any, stride: int, width: float) -> Any:
    """A scale's convolutions, of growing dilation, over what it sees and what the coarser scale knows."""
    if coarser is not None:
        seen = [*seen, layers.ResizeLike(name=f"s{stride}_up")([coarser, seen[0]])]
    x = keras.layers.Concatenate(name=f"s{stride}_join")(seen)
    for number, (count, dilation) in enumerate(zip(DECODER[stride], DILATIONS, strict=False)):
        name, options = f"s{stride}_decode{number}", {"padding": "same", "kernel_initializer": "he_normal"}
        x = keras.layers.Conv2D(round_channels(width * count), 3, dilation_rate=dilation, name=name, **options)(x)
        x = relu6(x, name)
    return x


def corrected(flow: Any, found: Any, x: Any, channels: int, name: str) -> Any:
    """The coarser flow, as much of what was found as is believed, and what is neither."""
    small = keras.initializers.RandomNormal(stddev=0.01)  # an untrained network answers what it finds
    convolve = {"padding": "same", "kernel_initializer": small}
    share = keras.layers.Conv2D(channels, 3, name=f"{name}_belief", **convolve)(x)
    share = keras.layers.Activation("sigmoid", name=f"{name}_share")(share)
    believed = keras.layers.Multiply(name=f"{name}_believed")([found, share])
    step = keras.layers.Conv2D(channels, 3, name=f"{name}_vectors", **convolve)(x)
    moved = keras.layers.Add(name=f"{name}_step")([believed, step])
    return moved if flow is None else keras.layers.Add(name=f"{name}_flow")([flow, moved])


def in_pixels(flow: Any, frames: Any, name: str) -> Any:
    """A scale's flow at the frames' size, in their pixels."""
    return layers.ResizeLike(name=name)([keras.layers.Rescaling(UNIT, name=f"{name}_pixels")(flow), frames])
