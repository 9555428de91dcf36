"""The blocks of networks for phones: narrow and depthwise.

`conv_bn_act` and `depthwise_bn_act` are those of the published networks, whose activations differ. The others are of this
zoo's own: every activation is ReLU6, whose range int8 knows beforehand, and what is to be added to something ends linear,
in `project`, because it must be able to be negative.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.conv import conv_bn, depthwise_bn
from zoo.models.blocks.dilation import center_window

EXPANSION = 3


def conv_bn_act(
    x: Any,
    channels: int,
    kernel: int,
    name: str,
    *,
    stride: int = 1,
    activation: str | None = "relu6",
    initializer: Any = "glorot_uniform",
    centered: bool = False,
) -> Any:
    """Convolution without bias, batch normalisation and, unless it is None, the activation; `centered` as `center_window`."""
    x, stride, padding = center_window(x, kernel, stride, name) if centered else (x, stride, "same")
    options = {"padding": padding, "use_bias": False, "kernel_initializer": initializer}
    x = keras.layers.Conv2D(channels, kernel, stride, name=name, **options)(x)
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    return x if activation is None else keras.layers.Activation(activation, name=f"{name}_{activation}")(x)


def depthwise_bn_act(
    x: Any,
    kernel: int,
    name: str,
    *,
    stride: int,
    dilation: int,
    activation: str = "relu6",
    initializer: Any = "glorot_uniform",
    centered: bool = False,
) -> Any:
    """Depthwise convolution without bias, batch normalisation, activation; `centered` as `center_window`."""
    x, stride, padding = center_window(x, kernel, stride, name) if centered else (x, stride, "same")
    options = {"padding": padding, "dilation_rate": dilation, "use_bias": False, "depthwise_initializer": initializer}
    x = keras.layers.DepthwiseConv2D(kernel, stride, name=name, **options)(x)
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    return keras.layers.Activation(activation, name=f"{name}_{activation}")(x)


def conv_relu6(x: Any, channels: int, kernel: int, name: str, stride: int = 1) -> Any:
    """Convolution, batch normalisation, ReLU6."""
    return relu6(conv_bn(x, channels, kernel, name, stride=stride, relu=False), name)


def depthwise_relu6(x: Any, name: str, dilation: int = 1) -> Any:
    """3×3 depthwise convolution, batch normalisation, ReLU6."""
    return relu6(depthwise_bn(x, name, dilation=dilation, relu=False), name)


def project(x: Any, channels: int, name: str) -> Any:
    """1×1 convolution and batch normalisation, linear."""
    return conv_bn(x, channels, 1, name, relu=False)


def relu6(x: Any, name: str) -> Any:
    """The activation after the layer of that name."""
    return keras.layers.ReLU(6.0, name=f"{name}_relu6")(x)


def separable_relu6(x: Any, channels: int, name: str) -> Any:
    """3×3 depthwise and 1×1 convolution, ReLU6 after each."""
    return conv_relu6(depthwise_relu6(x, f"{name}_depthwise"), channels, 1, f"{name}_pointwise")


def inverted_residual(x: Any, name: str, dilation: int = 1) -> Any:
    """1×1 to three times the channels, 3×3 depthwise, linear 1×1 back, shortcut."""
    channels = x.shape[-1]
    y = conv_relu6(x, EXPANSION * channels, 1, f"{name}_expand")
    y = depthwise_relu6(y, f"{name}_depthwise", dilation=dilation)
    return keras.layers.Add(name=f"{name}_add")([x, project(y, channels, f"{name}_project")])


def enlarge_onto(target: Any, x: Any, name: str) -> Any:
    """Brings x to the target's channels and then to its size, adds the two; ReLU6."""
    x = project(x, target.shape[-1], name)
    x = layers.ResizeLike(name=f"{name}_resize")([x, target])
    return add(target, x, name)


def add(x: Any, y: Any, name: str) -> Any:
    """Sum, ReLU6."""
    return relu6(keras.layers.Add(name=f"{name}_add")([x, y]), name)
