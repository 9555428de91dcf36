"""FlowNetS and FlowNetC: the first convolutional networks that say where every pixel of a picture is in the next one.

Dosovitskiy et al., "FlowNet: Learning Optical Flow with Convolutional Networks", 2015.

    S: both frames along the channels ─ conv1 … conv6 ─┐
    C: conv1 … conv3 of either frame ─ correlation ─ conv3_1 … conv6 ─┤
                                        refinement: flow6 ─ up, skip ─ flow5 ─ … ─ flow2 ─ ×4 ─ image

Faithful: kernels, strides, channels, padding by half a kernel, leaky ReLU of 0.1, the refinement (transposed convolutions of
kernel 4, each level's flow enlarged and joined), the correlation (21×21 displacements, every second up to 20, of positions of
stride 8, over the number of channels), flow in units of 20 pixels. As in the authors' Caffe files the last layers and the
ways up carry no bias: 38,675,536 and 39,174,320 parameters.

Different, and why: pictures are RGB with the means that later trainings use, where Caffe's are BGR; any size is taken, maps
that came up one position too large being cut, where the authors enlarge the pictures to multiples of 64. The answer is the
flow at stride 4 enlarged bilinearly, as in the paper without its variational step. In training every level is held against
the flow at the picture's size, not at its own: its answer is enlarged instead of the truth being shrunk, which mixes the
motions of neighbours.

The paper's weights of the levels, 0.005, 0.01, 0.02, 0.08 and 0.32 from stride 4 to 64, are of sums of end-point errors over
a level's positions. `zoo.losses` takes means, so that each is divided by the 4 times fewer positions: 1, ½, ¼, ¼, ¼ of the
finest one's.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "FlowNet: Learning Optical Flow with Convolutional Networks", "Dosovitskiy et al.", 2015, "https://arxiv.org/abs/1504.06852"
)
NAMES = ("conv1", "conv2", "conv3")  # of what either frame goes through alone
VARIANTS_S = {"flownet_s": Variant()}
VARIANTS_C = {"flownet_c": Variant()}
UNIT = 20.0  # pixels that a 1 of the last layers stands for
MEAN = (0.411, 0.432, 0.45)  # of red, green and blue of a picture in 0–1
WEIGHTS_OF_SUMS = {4: 0.005, 8: 0.01, 16: 0.02, 32: 0.08, 64: 0.32}  # by the level's stride
SHARED = {"task": "optical_flow", "paper": PAPER, "input_size": (384, 512), "channels": 6, "min_size": 64}


@register(VARIANTS_S, tiny={"width": 1 / 16}, **SHARED)
def flownet_s(frames: Any, channels: int, *, width: float = 1.0, multiscale: bool = True) -> Any:
    """FlowNetSimple: both pictures in at once.

    Args:
        frames: N×H×W×6, two pictures in 0–255 along the channels.
        channels: of the answer, 2.
        width: multiplies the channels.
        multiscale: train all levels, and not the finest alone.

    Returns:
        N×H×W×2, (dx, dy) in pixels.
    """
    x = keras.layers.Rescaling(1 / 255, offset=[-mean for mean in 2 * MEAN], name="normalise")(frames)
    x = convolution(x, width * 64, "conv1", 7, 2)
    skips = {4: convolution(x, width * 128, "conv2", 5, 2)}
    skips[8] = convolution(convolution(skips[4], width * 256, "conv3", 5, 2), width * 256, "conv3_1")
    return refined(contracted(skips, width), frames, channels, width, multiscale)


@register(VARIANTS_C, tiny={"width": 1 / 16, "displacement": 4}, **SHARED)
def flownet_c(
    frames: Any, channels: int, *, width: float = 1.0, displacement: int = 20, stride: int = 2, multiscale: bool = True
) -> Any:
    """FlowNetCorr: features of either picture by the same weights, compared at every displacement.

    Args:
        frames: N×H×W×6, two pictures in 0–255 along the channels.
        channels: of the answer, 2.
        width: multiplies the channels.
        displacement: the farthest that is compared, in positions of stride 8.
        stride: between displacements, likewise.
        multiscale: train all levels, and not the finest alone.

    Returns:
        N×H×W×2, (dx, dy) in pixels.
    """
    first, second = (layers.Frame(index, 2, name=f"frame{index}")(frames) for index in range(2))
    normalise = keras.layers.Rescaling(1 / 255, offset=[-mean for mean in MEAN], name="normalise")
    steps = [Convolution(width * n, name, kernel, 2) for n, name, kernel in zip((64, 128, 256), NAMES, (7, 5, 5), strict=True)]
    first, second = normalise(first), normalise(second)
    maps = []
    for step in steps:
        first, second = step(first), step(second)
        maps.append(first)
    alike = layers.Correlation(displacement, stride, name="correlation")([first, second])
    alike = keras.layers.LeakyReLU(negative_slope=0.1, name="correlation_relu")(alike)
    own = convolution(first, width * 32, "conv_redir", 1)
    x = keras.layers.Concatenate(name="beside")([own, alike])
    skips = {4: maps[1], 8: convolution(x, width * 256, "conv3_1")}
    return refined(contracted(skips, width), frames, channels, width, multiscale)


class Convolution:
    """A convolution and leaky ReLU of 0.1, to be applied to several maps; padded by half a kernel on every side.

    Args:
        channels: that it gives, 2 at least.
        name: of the convolution.
        kernel: odd.
        stride: of its positions.
    """

    def __init__(self, channels: float, name: str, kernel: int = 3, stride: int = 1) -> None:
        options = {"padding": "valid", "kernel_initializer": "he_normal", "name": name}
        self._pad = keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad") if kernel > 1 else None
        self._convolve = keras.layers.Conv2D(max(2, round(channels)), kernel, stride, **options)
        self._rectify = keras.layers.LeakyReLU(negative_slope=0.1, name=f"{name}_relu")

    def __call__(self, x: Any) -> Any:
        x = x if self._pad is None else self._pad(x)
        return self._rectify(self._convolve(x))


def convolution(x: Any, channels: float, name: str, kernel: int = 3, stride: int = 1) -> Any:
    """`Convolution` of one map."""
    return Convolution(channels, name, kernel, stride)(x)


def contracted(skips: dict[int, Any], width: float) -> dict[int, Any]:
    """The maps of strides 16 to 64 beside those of 4 and 8."""
    skips = dict(skips)
    for number, (stride, count) in enumerate(((16, 512), (32, 512), (64, 1024)), start=4):
        x = convolution(skips[stride // 2], width * count, f"conv{number}", 3, 2)
        skips[stride] = convolution(x, width * count, f"conv{number}_1")
    return skips


def refined(skips: dict[int, Any], frames: Any, channels: int, width: float, multiscale: bool) -> Any:
    """The refinement: from the coarsest map up to stride 4, each level's flow beside its features on the way to the next."""
    x, flows = skips[64], {}
    flows[64] = predicted(x, channels, "flow6")
    for number, (stride, count) in zip((5, 4, 3, 2), ((32, 512), (16, 256), (8, 128), (4, 64)), strict=True):
        skip = skips[stride]
        up = enlarged(x, width * count, f"deconv{number}")
        up = keras.layers.LeakyReLU(negative_slope=0.1, name=f"deconv{number}_relu")(up)
        flow = enlarged(flows[2 * stride], channels, f"flow{number + 1}_up")
        up, flow = (layers.CropLike(name=f"{name}{number}_fit")([y, skip]) for name, y in (("deconv", up), ("flow_up", flow)))
        x = keras.layers.Concatenate(name=f"concat{number}")([skip, up, flow])
        flows[stride] = predicted(x, channels, f"flow{number}")
    answers = {stride: in_pixels(flow, frames, f"answer_s{stride}") for stride, flow in flows.items()}
    answer = answers.pop(4)
    if not multiscale:
        return answer
    weights = [level_weight(stride) / level_weight(4) for stride in answers]
    return layers.AuxiliaryHeads(weights, name="levels")([answer, *answers.values()])


def level_weight(stride: int) -> float:
    """The weight of a level's mean error, but for the number of the picture's pixels, a factor that all levels have."""
    return WEIGHTS_OF_SUMS[stride] / stride**2


def predicted(x: Any, channels: int, name: str) -> Any:
    """A level's flow, in units of 20 pixels of the picture whatever the level."""
    return keras.layers.Conv2D(channels, 3, padding="same", use_bias=False, name=name)(x)


def enlarged(x: Any, channels: float, name: str) -> Any:
    """Twice as high and wide, by a transposed convolution that learns."""
    count = max(2, round(channels))
    return keras.layers.Conv2DTranspose(count, 4, 2, padding="same", use_bias=False, name=name)(x)


def in_pixels(flow: Any, frames: Any, name: str) -> Any:
    """A level's flow at the frames' size, in their pixels."""
    return layers.ResizeLike(name=name)([keras.layers.Rescaling(UNIT, name=f"{name}_pixels")(flow), frames])
