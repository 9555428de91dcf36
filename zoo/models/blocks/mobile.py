"""The blocks of this zoo's own networks for phones: narrow, depthwise, and with ranges that int8 knows beforehand.

Every activation is ReLU6. What is to be added to something ends linear, in `project`, because it must be able to be negative.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks import conv as convolutions

EXPANSION = 3


def convolution(x: Any, channels: int, kernel: int, name: str, stride: int = 1) -> Any:
    """Convolution, batch normalisation, ReLU6."""
    return relu6(convolutions.convolution(x, channels, kernel, name, stride=stride, relu=False), name)


def depthwise(x: Any, name: str, dilation: int = 1) -> Any:
    """3×3 depthwise convolution, batch normalisation, ReLU6."""
    return relu6(convolutions.depthwise(x, name, dilation=dilation, relu=False), name)


def project(x: Any, channels: int, name: str) -> Any:
    """1×1 convolution and batch normalisation, linear."""
    return convolutions.convolution(x, channels, 1, name, relu=False)


def relu6(x: Any, name: str) -> Any:
    """The activation after the layer of that name."""
    return keras.layers.ReLU(6.0, name=f"{name}_relu6")(x)


def separable(x: Any, channels: int, name: str) -> Any:
    """3×3 depthwise and 1×1 convolution, ReLU6 after each."""
    return convolution(depthwise(x, f"{name}_depthwise"), channels, 1, f"{name}_pointwise")


def inverted_residual(x: Any, name: str, dilation: int = 1) -> Any:
    """1×1 to three times the channels, 3×3 depthwise, linear 1×1 back, shortcut."""
    channels = x.shape[-1]
    y = convolution(x, EXPANSION * channels, 1, f"{name}_expand")
    y = depthwise(y, f"{name}_depthwise", dilation=dilation)
    return keras.layers.Add(name=f"{name}_add")([x, project(y, channels, f"{name}_project")])


def enlarge_onto(target: Any, x: Any, name: str) -> Any:
    """Brings x to the target's channels and then to its size, adds the two; ReLU6."""
    x = project(x, target.shape[-1], name)
    x = layers.ResizeLike(name=f"{name}_resize")([x, target])
    return add(target, x, name)


def add(x: Any, y: Any, name: str) -> Any:
    """Sum, ReLU6."""
    return relu6(keras.layers.Add(name=f"{name}_add")([x, y]), name)
