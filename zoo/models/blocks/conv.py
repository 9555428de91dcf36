"""Convolutions with what follows them: ReLU, batch normalisation, or both, whole or parted into depthwise and pointwise."""

from __future__ import annotations

from typing import Any

from zoo.lazy import keras

# Statistics of a short run: with Keras's 0.99 a variance that started at 1 still has 1 % of that after 450 steps, which is
# more than a depthwise convolution's own.
MOMENTUM = 0.9


def conv_relu(x: Any, channels: int, kernel: int, name: str, **options: Any) -> Any:
    """Convolution with ReLU, He's start and, unless told otherwise, padding: as networks were before batch normalisation."""
    options = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal", **options}
    return keras.layers.Conv2D(channels, kernel, name=name, **options)(x)


def conv_bn(
    x: Any, channels: int, kernel: int, name: str, *, stride: int = 1, dilation: int = 1, relu: bool = True
) -> Any:
    """Convolution without bias, batch normalisation and, if wanted, ReLU; ⌈H/stride⌉ positions."""
    window = {"padding": "same", "dilation_rate": dilation, "use_bias": False}
    x = keras.layers.Conv2D(channels, kernel, stride, name=name, **window)(x)
    return batchnorm_relu(x, name, relu)


def depthwise_bn(x: Any, name: str, *, stride: int = 1, dilation: int = 1, relu: bool = True) -> Any:
    """3×3 depthwise convolution without bias, batch normalisation and, if wanted, ReLU."""
    window = {"padding": "same", "dilation_rate": dilation, "use_bias": False}
    # Keras's own start counts all channels as one output's inputs; a depthwise convolution has nine.
    window["depthwise_initializer"] = keras.initializers.RandomNormal(stddev=(2 / 9) ** 0.5)
    x = keras.layers.DepthwiseConv2D(3, stride, name=name, **window)(x)
    return batchnorm_relu(x, name, relu)


def separable_bn(
    x: Any, channels: int, name: str, *, stride: int = 1, dilation: int = 1, relu_between: bool = True
) -> Any:
    """3×3 depthwise and 1×1 convolution, each normalised; ReLU at the end and, if wanted, between them."""
    x = depthwise_bn(x, f"{name}_depthwise", stride=stride, dilation=dilation, relu=relu_between)
    return conv_bn(x, channels, 1, f"{name}_pointwise")


def bn_relu(x: Any, name: str) -> Any:
    """Batch normalisation and ReLU before a convolution, as in DenseNet and ResNet V2."""
    x = keras.layers.BatchNormalization(epsilon=1.001e-5, momentum=0.9, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def vgg_conv(x: Any, channels: int, name: str, *, batchnorm: bool, dilation: int = 1) -> Any:
    """VGG's 3×3 convolution and ReLU, with batch normalisation between them if asked for."""
    options = {"padding": "same", "dilation_rate": dilation, "name": name}
    if not batchnorm:
        return keras.layers.Conv2D(channels, 3, activation="relu", **options)(x)
    x = keras.layers.Conv2D(channels, 3, **options)(x)
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def batchnorm_relu(x: Any, name: str, relu: bool = True) -> Any:
    """Batch normalisation after the layer of that name and, if wanted, ReLU."""
    x = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x
