"""When a step of a network, trained or asked, is compiled as a whole."""

from __future__ import annotations

import keras


def compiles(jit: bool | None) -> bool:
    """Whether to compile the step with XLA; None decides.

    JAX is nothing without it. TensorFlow gains on an accelerator and loses tenfold on a CPU: MobileNetV2 + LR-ASPP at
    240×320 gave 17 images/s plain and 2 compiled.
    """
    if jit is not None:
        return jit
    backend = keras.backend.backend()
    return backend == "jax" or (backend == "tensorflow" and bool(keras.distribution.list_devices("gpu")))
