"""Extras: what parts of this package need beyond what `densezoo[convert]` brings, said in one sentence where it is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from zoo.errors import InputError

# Modules that the extra `tensorflow` brings.
TENSORFLOW = (
    "tensorflow", "tf_keras", "tensorflow_model_optimization", "tf2onnx", "onnx", "onnxruntime", "ai_edge_quantizer",
)  # fmt: skip


@contextlib.contextmanager
def needed_for(what: str) -> Iterator[None]:
    """Imports for something that runs on TensorFlow alone.

    Args:
        what: that needs them, as a sentence begins.

    Raises:
        InputError: where one of them is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = str(error.name).partition(".")[0]
        if module not in TENSORFLOW:
            raise
        raise InputError(f"{what} needs {module}, which is not installed: pip install 'densezoo[tensorflow]'") from error
