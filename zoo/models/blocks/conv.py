"""The convolutions that decoders are made of: normalised and rectified, whole or parted into depthwise and pointwise."""

from __future__ import annotations

from typing import Any

from zoo.lazy import keras

# Statistics of a short run: with Keras's 0.99 a variance that started at 1 still has 1 % of that after 450 steps, which is
# more than a depthwise convolution's own.
MOMENTUM = 0.9


def convolution(
    x: Any, channels: int, kernel: int, name: str, *, stride: int = 1, dilation: int = 1, relu: bool = True
) -> Any:
    """Convolution without bias, batch normalisation and, if wanted, ReLU; ⌈H/stride⌉ positions."""
    window = {"padding": "same", "dilation_rate": dilation, "use_bias": False}
    x = keras.layers.Conv2D(channels, kernel, stride, name=name, **window)(x)
    return normalised(x, name, relu)


def depthwise(x: Any, name: str, *, stride: int = 1, dilation: int = 1, relu: bool = True) -> Any:
    """3×3 depthwise convolution without bias, batch normalisation and, if wanted, ReLU."""
    window = {"padding": "same", "dilation_rate": dilation, "use_bias": False}
    # Keras's own start counts all channels as one output's inputs; a depthwise convolution has nine.
    window["depthwise_initializer"] = keras.initializers.RandomNormal(stddev=(2 / 9) ** 0.5)
    x = keras.layers.DepthwiseConv2D(3, stride, name=name, **window)(x)
    return normalised(x, name, relu)


def normalised(x: Any, name: str, relu: bool) -> Any:
    """Batch normalisation and, if wanted, ReLU."""
    x = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x


def separable(
    x: Any, channels: int, name: str, *, stride: int = 1, dilation: int = 1, relu_between: bool = True
) -> Any:
    """3×3 depthwise and 1×1 convolution, each normalised; ReLU at the end and, if wanted, between them."""
    x = depthwise(x, f"{name}_depthwise", stride=stride, dilation=dilation, relu=relu_between)
    return convolution(x, channels, 1, f"{name}_pointwise")
