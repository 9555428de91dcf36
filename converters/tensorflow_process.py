"""The process in which TensorFlow converts: its backend, and what is printed there."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

import keras

from zoo.errors import InputError


def check_backend(target: str) -> None:
    """Raises InputError where Keras does not run on TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"conversion to {target} needs Keras on TensorFlow, this process runs it on {keras.backend.backend()}: "
            "save the model and convert it in a process with KERAS_BACKEND=tensorflow"
        )


@contextlib.contextmanager
def quiet() -> Iterator[IO[str]]:
    """Sends what TensorFlow and LLVM print, in Python and in C++, to a file that is given to the caller."""
    with tempfile.TemporaryFile("w+", errors="replace") as noise:
        sys.stdout.flush()
        sys.stderr.flush()
        copies = [os.dup(1), os.dup(2)]
        try:
            os.dup2(noise.fileno(), 1)
            os.dup2(noise.fileno(), 2)
            yield noise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in zip((1, 2), copies, strict=True):
                os.dup2(copy, number)
                os.close(copy)
