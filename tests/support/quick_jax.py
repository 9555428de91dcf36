"""JAX for a few steps of tiny networks: what it compiles takes far longer than what it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

# In the environment of a process of its own: compiled in no time, to run for none.
FLAGS = {"XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"}


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
    from keras.src.backend.jax import numpy as backend_numpy
    from keras.src.backend.jax import random

    def filled(value: float) -> Callable[..., Any]:
        return lambda shape, *_, dtype=None, **__: jax.device_put(
            np.full(shape, value, keras.backend.standardize_dtype(dtype))
        )

    changes = {(random, name): filled(0.0) for name in ("normal", "uniform", "truncated_normal")}
    changes |= {(backend_numpy, "zeros"): filled(0.0), (backend_numpy, "ones"): filled(1.0)}
    before = {(module, name): getattr(module, name) for module, name in changes}
    for (module, name), function in changes.items():
        setattr(module, name, function)
    try:
        yield
    finally:
        for (module, name), function in before.items():
            setattr(module, name, function)
