"""Keras and its backend, started without the backend's chatter."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from zoo.errors import InputError


def start_keras(extra: str = "train") -> None:
    """Imports Keras and starts its backend. TensorFlow logs a screenful of device notes then, whatever it is told.

    If the start fails, what was written to standard error is written after all.

    Args:
        extra: of this package that brings what the command needs.

    Raises:
        InputError: where Keras is not installed.
    """
    with _held_back():
        try:
            import keras
        except ModuleNotFoundError as error:
            if error.name != "keras":
                raise
            raise InputError(f"keras is not installed; pip install 'densezoo[{extra}]' brings it") from error
        keras.ops.zeros(1)


@contextmanager
def _held_back() -> Iterator[None]:
    """Keeps what native code writes to standard error, and gives it back only if an error is raised."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(before, 2)
            noise.seek(0)
            os.write(2, noise.read())
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)
