"""The origin of models and layers, tf_keras or Keras 3: told by their names, so that nothing is imported for it."""

from __future__ import annotations

from typing import Any


def is_tf_keras(model: Any) -> bool:
    """Whether a model is one of tf_keras."""
    return any(base.__module__.partition(".")[0] == "tf_keras" for base in type(model).__mro__)


def unwrapped(layer: Any) -> Any:
    """The layer inside tfmot's wrappers; any other as it is."""
    while is_tf_keras(layer) and any(base.__name__ == "Wrapper" for base in type(layer).__mro__):
        layer = layer.layer
    return layer
