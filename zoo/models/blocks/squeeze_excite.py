"""Squeeze-and-excitation: channels weighed by what the whole picture holds.

Hu et al., "Squeeze-and-Excitation Networks", 2017, section 3.

Each network has its own manner: how narrow the bottleneck is, its activation, and the gate at its end. The descriptor stays
N×1×1×C, so that two 1×1 convolutions and a multiplication are the whole block and no reshape is left for a phone's GPU.
"""

from __future__ import annotations

from typing import Any

from zoo.errors import unknown
from zoo.lazy import keras

GATES = ("sigmoid", "hard_sigmoid")


def squeeze_excite(
    x: Any,
    width: int,
    name: str,
    *,
    activation: str = "relu",
    gate: str = "sigmoid",
    initializer: Any = "glorot_uniform",
) -> Any:
    """Global average pooling → 1×1 convolution → activation → 1×1 convolution → gate; x times that.

    Args:
        x: N×H×W×C.
        width: channels of the bottleneck: C/16 in ResNets, a quarter of some other count in the mobile networks.
        name: prefix of the layers' names.
        activation: of the bottleneck.
        gate: "sigmoid" or "hard_sigmoid", which is ReLU6(x + 3) / 6.
        initializer: of both kernels.

    Raises:
        InputError: for an unknown gate.
    """
    if gate not in GATES:
        raise unknown("gate", gate, GATES)
    s = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    s = keras.layers.Conv2D(width, 1, kernel_initializer=initializer, name=f"{name}_reduce")(s)
    s = keras.layers.Activation(activation, name=f"{name}_{activation}")(s)
    s = keras.layers.Conv2D(x.shape[-1], 1, kernel_initializer=initializer, name=f"{name}_expand")(s)
    s = hard_sigmoid(s, name) if gate == "hard_sigmoid" else keras.layers.Activation("sigmoid", name=f"{name}_gate")(s)
    return keras.layers.Multiply(name=f"{name}_excite")([x, s])


def excited(x: Any, reduction: int, name: str) -> Any:
    """The end of a ResNet's residual branch: x itself at reduction 0, else a block of C / `reduction` channels."""
    return squeeze_excite(x, max(1, x.shape[-1] // reduction), f"{name}_se") if reduction else x


def hard_sigmoid(x: Any, name: str) -> Any:
    """ReLU6(x + 3) / 6, in layers that mean the same in every Keras (its own hard_sigmoid changed between 2 and 3)."""
    x = keras.layers.Rescaling(1.0, offset=3.0, name=f"{name}_shift")(x)
    x = keras.layers.Activation("relu6", name=f"{name}_relu6")(x)
    return keras.layers.Rescaling(1 / 6, name=f"{name}_gate")(x)
