"""TensorFlow for trainings of a few steps: tracing them takes several times as long as the steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def op_by_op() -> Iterator[None]:
    """What TensorFlow would trace first, as Keras's steps, runs operation by operation; other backends do as ever.

    For what hangs on what a step computes and not on how; that traced ones do the same, tests/training/ shows of every network.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
