"""Compilation: whether a step of a network, in training or prediction, is compiled as a whole."""

from __future__ import annotations

import keras


def compiles(jit: bool | None) -> bool:
    """Whether to compile the step; None decides.

    JAX is nothing without it. TensorFlow gains on an accelerator and loses tenfold on a CPU: MobileNetV2 + LR-ASPP at
    240×320 gave 17 images/s plain and 2 compiled. PyTorch's compiler sees a step of Keras in pieces, between which it gives up:
    `pocket_seg_small` at 64×64 took two minutes to compile and was no faster, in float32 it failed (PyTorch 2.13, on a CPU).
    """
    if jit is not None:
        return jit
    backend = keras.backend.backend()
    return backend == "jax" or (backend == "tensorflow" and bool(keras.distribution.list_devices("gpu")))
