"""JAX for a few steps of tiny networks: what it compiles takes far longer than what it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import keras

# In the environment of a process of its own: compiled in no time, to run for none.
FLAGS = {"XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"}

DRAWN = (
    keras.initializers.RandomNormal,
    keras.initializers.RandomUniform,
    keras.initializers.TruncatedNormal,
    keras.initializers.VarianceScaling,
)


@contextmanager
def drawn_as_zeros() -> Iterator[None]:
    """Networks that are built inside on JAX start as zeros, for it would compile a program for each shape that is drawn.

    On other backends nothing is different. For networks that are given their weights afterwards.
    """
    if keras.backend.backend() != "jax":
        yield
        return
    import jax
    import numpy as np

    def filled(value: float) -> Callable[..., Any]:
        return lambda self, shape, dtype=None, **_: jax.device_put(
            np.full(shape, value, keras.backend.standardize_dtype(dtype))
        )

    with ExitStack() as changes:
        for kind in DRAWN:  # of these all other initializers that draw are made
            changes.enter_context(patch.object(kind, "__call__", filled(0.0)))
        changes.enter_context(patch.object(keras.initializers.Zeros, "__call__", filled(0.0)))
        changes.enter_context(patch.object(keras.initializers.Ones, "__call__", filled(1.0)))
        yield
