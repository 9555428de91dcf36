"""ResNet V2: normalise and activate before each convolution, and leave the shortcut alone.

He, Zhang, Ren & Sun, "Identity Mappings in Deep Residual Networks", 2016, figure 1b; in the form of keras.applications, whose
weights fit.

Faithful: pre-activation blocks, nothing after the sum, one normalisation and ReLU at the very end; 25,568,360 / 44,577,896 /
60,236,904 trainable parameters.
Different, as in keras.applications and the TensorFlow release before it: a stage halves in its last block and not in its
first, and the shortcut then picks every second position; the stem has neither normalisation nor ReLU; images are scaled to
−1 … 1. `output_stride` 8 or 16 swaps the last strides for dilation.
"""

from __future__ import annotations

from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.classifier_heads import average_top
from zoo.models.blocks.conv import bn_relu
from zoo.models.blocks.dilation import Strides, center_window
from zoo.models.blocks.normalization import normalize
from zoo.models.blocks.squeeze_excite import excited
from zoo.models.encoders import Features, register_encoder
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper(
    "Identity Mappings in Deep Residual Networks",
    "He, Zhang, Ren & Sun",
    2016,
    "https://arxiv.org/abs/1603.05027",
)
VARIANTS = {  # blocks in each of the four stages
    "resnet50_v2": Variant(options={"depths": (3, 4, 6, 3)}),
    "resnet101_v2": Variant(options={"depths": (3, 4, 23, 3)}),
    "resnet152_v2": Variant(options={"depths": (3, 8, 36, 3)}),
}


def conv_centered(
    x: Any, channels: int, kernel: int, name: str, *, stride: int = 1, dilation: int = 1, biased: bool = False
) -> Any:
    """Convolution to ⌈H/stride⌉ positions, padded alike on all sides."""
    x, stride, padding = center_window(x, kernel, stride, name)
    options = {"dilation_rate": dilation, "use_bias": biased, "kernel_initializer": "he_normal", "name": name}
    return keras.layers.Conv2D(channels, kernel, stride, padding=padding, **options)(x)


def bottleneck(
    x: Any, ready: Any, channels: int, name: str, *, first: bool, stride: int, dilation: int, squeeze_excite: int
) -> Any:
    """1×1, 3×3, 1×1, each on what was normalised and activated; the shortcut is untouched.

    Args:
        x: the sum that comes in, N×H×W×C.
        ready: `x` normalised and activated.
        channels: of the 3×3 convolution; a quarter of what comes out.
        first: the first block of a stage, whose shortcut is a 1×1 convolution.
        stride, dilation: of the 3×3 convolution.
        squeeze_excite: the reduction, see `excited`.
    """
    if first:
        shortcut = conv_centered(ready, 4 * channels, 1, f"{name}_shortcut", stride=stride, biased=True)
    else:
        shortcut = x if stride == 1 else keras.layers.MaxPooling2D(1, stride, name=f"{name}_shortcut_pick")(x)
    x = bn_relu(conv_centered(ready, channels, 1, f"{name}_conv1"), f"{name}_conv1")
    x = bn_relu(conv_centered(x, channels, 3, f"{name}_conv2", stride=stride, dilation=dilation), f"{name}_conv2")
    x = conv_centered(x, 4 * channels, 1, f"{name}_conv3", biased=True)
    x = excited(x, squeeze_excite, name)
    return keras.layers.Add(name=f"{name}_add")([shortcut, x])


@register_encoder(
    VARIANTS, paper=PAPER, top=average_top, input_size=(224, 224), tiny={"width": 0.125, "depths": (1, 2, 1, 1)}
)
def resnet_v2(
    image: Any, *, depths: tuple[int, ...], squeeze_excite: int = 0, width: float = 1.0, output_stride: int = 32
) -> Features:
    """7×7 convolution, 3×3 pooling, four stages of pre-activation bottlenecks.

    Args:
        image: N×H×W×C, 0–255.
        depths: blocks in each stage.
        squeeze_excite: reduction of a squeeze-and-excitation at the end of every block; 0 for none.
        width: multiplies the channels.
        output_stride: 8, 16 or 32; beyond it strides become dilation.

    Returns:
        s2 (the first convolution); s4, s8, s16, each the activation that the halving block begins with; the deepest, at
        `output_stride`, is the last activation.
    """
    channels = int(64 * width)
    x = normalize(image, "symmetric")
    x = conv_centered(x, channels, 7, "stem", stride=2, biased=True)
    features = Features(s2=x)
    x = keras.layers.ZeroPadding2D(1, name="pool_pad")(x)
    x = keras.layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    strides = Strides(4, output_stride)
    for stage, depth in enumerate(depths, start=1):
        for index in range(1, depth + 1):
            name = f"stage{stage}_block{index}"
            ready = bn_relu(x, f"{name}_ready")
            stride, dilation = 1, strides.dilation
            if index == depth and stage < len(depths):
                features[f"s{strides.stride}"] = ready
                stride = strides.halve()
            options = {"first": index == 1, "stride": stride, "dilation": dilation, "squeeze_excite": squeeze_excite}
            x = bottleneck(x, ready, channels, name, **options)
        channels *= 2
    features[f"s{strides.stride}"] = bn_relu(x, "last")
    return features
